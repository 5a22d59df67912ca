"""A small recipe on real text and real labels, from the data folder, end to end."""

import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from pipeline.recipe.load import load_recipe
from pipeline.run import Choice, run
from pipeline.run_folder import RunFolder

pytestmark = [pytest.mark.data, pytest.mark.slow]

RECIPE = """
name: real
tokenizer: {train: {corpora: [wiki], size: 1000}}
corpora:
  wiki: {files: text/enwiki.parquet, documents: 40, held_out: 0.1}
  imdb: {files: imdb/unsup.parquet, documents: 60}
tasks:
  rte: {limit: {train: 100, dev: 40}}
  stsb: {limit: {train: 100, dev: 40}}
  conll2003: {limit: {train: 100, dev: 40}}
encoder: {layers: 1, hidden: 32, heads: 2, feed_forward: 64}
engine: {micro_batch_tokens: 2048}
logging: {tensorboard: false}
evaluation: {ledger: {tokens: 2000}}
stages:
  - name: general
    kind: pretrain
    steps: 10
    streams:
      - {source: {pairs_of: wiki, length: 64}, objectives: [mlm, nsp], amount: {tokens: 1024}}
  - name: domain
    kind: adapt
    steps: 5
    streams:
      - {source: {blocks_of: imdb, length: 64}, objectives: [mlm], amount: {tokens: 1024}}
  - name: multitask
    kind: finetune
    steps: 6
    sampling: alternate
    streams:
      - {source: {task: rte}, amount: {examples: 8}}
      - {source: {task: stsb}, amount: {examples: 8}}
      - {source: {task: conll2003}, amount: {examples: 8}}
"""


def test_real_text_and_labels_run_to_a_table_and_again_to_the_same_bytes(
    data_folder: Path, tmp_path: Path, lasting: Any
) -> None:
    (tmp_path / "real.yaml").write_text(RECIPE)
    recipe = load_recipe(tmp_path / "real.yaml", (), {"TRIPTYCH_DATA": str(data_folder)})
    with patch("pipeline.run.write_report", lambda root: root / "report.html"):
        for name in ("one", "two"):
            run(recipe, tmp_path / "runs" / name, Choice())
    assert lasting(tmp_path / "runs" / "one") == lasting(tmp_path / "runs" / "two")
    scores = json.loads(RunFolder(tmp_path / "runs" / "one").scores.read_text())
    assert {name: (task["rows"], task["reduced"]) for name, task in scores["tasks"].items()} == {
        "rte": (40, True),
        "stsb": (40, True),
        "conll2003": (40, True),
    }
    first = scores["ledger"]["rows"][0]["values"][0]
    assert first < 6.95  # below ln 1000, a guess over the vocabulary
