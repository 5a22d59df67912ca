"""Tasks that read a frozen language model in each direction apart. Oracles: the live encoder; the run's own answers."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from pipeline import features
from pipeline.answer import open_model
from pipeline.cli import main
from pipeline.features import asked_tasks
from pipeline.features_store import FeatureStore, encoder_of
from pipeline.recipe.identity import identity
from pipeline.show import step_text
from tokenization.errors import RecipeError
from training.checkpoint import load_weights
from training.distributed import join_world

STAGES = """
stages:
  - name: both-ways
    kind: pretrain
    steps: 2
    streams:
      - {source: {blocks_of: general, length: 32}, objectives: [{causal: {direction: both}}], amount: {tokens: 200}}
  - name: features
    kind: finetune
    steps: 6
    freeze: [encoder, pooler]
    stored: true
    carry: last
    evaluate: {every: 3}
    streams:
      - {source: {task: topic}, amount: {examples: 6}}
      - {source: {task: names}, amount: {examples: 6}}
"""
HEAD = "{pool: lstm, width: 8, layers: mix, mix_at: both}"
LIVE, TOGETHER = "features.stored=false", ("tasks.topic.attention=both", "tasks.names.attention=both")


def elmo(house: Any) -> Any:
    text = house.file.read_text(encoding="utf-8").partition("stages:")[0]
    for kind in ("classification", "tagging"):
        text = text.replace(f"    kind: {kind}\n", f"    kind: {kind}\n    head: {HEAD}\n    attention: apart\n")
    house.file.write_text(text.replace("positions: 48", "positions: 48, dropout: 0") + STAGES, encoding="utf-8")
    return house


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, shared_house: Any) -> Any:
    """The tiny house with two tasks that read a forward and a backward language model, and its finished run."""
    base = tmp_path_factory.mktemp("apart")
    text = shared_house.file.read_text(encoding="utf-8")
    (base / "tiny.yaml").write_text(text.replace("data: data", f"data: {shared_house.base / 'data'}"), encoding="utf-8")
    house = elmo(type(shared_house)(base))
    return house, house.run("apart", report=True)


def weights(folder: Any) -> dict[str, torch.Tensor]:
    return load_weights(folder.stage("features").checkpoint(6) / "weights.safetensors")


def test_a_stage_on_stored_rows_of_both_directions_ends_with_the_weights_of_its_live_twin(ran: Any) -> None:
    house, stored = ran
    live = weights(house.run("live", LIVE))
    for name, value in weights(stored).items():
        assert (live[name] - value).abs().max() <= 1e-6, name
    assert live["heads.names.lstm.weight_ih_l0"].shape == (4 * 8, 2 * 16)
    assert live["heads.names.mixes.input.scores"].shape == (2,)


def test_each_direction_of_each_text_is_stored_once(ran: Any, capsys: pytest.CaptureFixture[str]) -> None:
    house, _ = ran
    house.run("again", "features.steps=1")
    told = r"vectors of 0 sequences computed in [\d.]+ s, of 176 found"  # train and dev of two tasks: 2 * 2 * (30 + 14)
    assert re.search(told, capsys.readouterr().out)
    house.run("together", *TOGETHER)
    assert "vectors of 88 sequences computed" in capsys.readouterr().out


def test_plan_tells_the_size_of_both_directions(ran: Any) -> None:
    house, _ = ran
    result = CliRunner().invoke(main, ["plan", str(house.file), "--run-dir", str(house.folder("planned").root)])
    assert result.exit_code == 0, result.output
    materials = house.materials("apart")
    texts = [materials.encoded(task, split) for task in ("topic", "names") for split in ("train", "dev")]
    assert f"at most {2 * sum(len(one.tokens_T) for one in texts):,} rows of 2 x 16" in result.output


def test_an_exported_model_answers_as_the_run_did(ran: Any, shared_house: Any, tmp_path: Path) -> None:
    _, run = ran
    result = CliRunner().invoke(main, ["evaluate", str(run.root), "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    predicted = run.stage("features").root / "predictions"
    for task in ("topic", "names"):
        known = (predicted / f"{task}.jsonl").read_bytes()
        assert (tmp_path / "predictions" / f"{task}.jsonl").read_bytes() == known
    bare, out = tmp_path / "bare.tsv", tmp_path / "out.jsonl"
    lines = (shared_house.base / "data" / "topic-dev.tsv").read_text(encoding="utf-8").splitlines()
    bare.write_text("".join(line.split("\t")[1] + "\n" for line in lines), encoding="utf-8")
    words = ["predict", run.export, "--task", "topic", "--input", bare, "--out", out]
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    ours, theirs = (path.read_text(encoding="utf-8").splitlines() for path in (out, predicted / "topic.jsonl"))
    assert [json.loads(line)["scores"] for line in ours] == [json.loads(line)["scores"] for line in theirs]


def test_the_scores_are_others_than_those_of_both_ways(ran: Any) -> None:
    house, run = ran
    predicted = run.stage("features").root / "predictions" / "topic.jsonl"
    other = house.run("together", *TOGETHER).stage("features").root / "predictions" / "topic.jsonl"
    assert predicted.read_bytes() != other.read_bytes()


def test_show_marks_each_tag_at_its_word_s_first_direction(ran: Any) -> None:
    house, _ = ran
    materials = house.materials("apart")
    stage = materials.recipe.stage("features")
    text = step_text(materials, stage, 1)
    names = [line for line in text.splitlines() if "names draw" in line]
    assert len(names) == 12
    assert ["{tagging:" in line for line in names] == [True, False] * 6


def test_features_of_both_directions_stand_side_by_side(ran: Any, tmp_path: Path) -> None:
    """The mean of a text's rows read in each direction alone."""
    house, run = ran
    model = open_model(run.root)
    store = FeatureStore(tmp_path, encoder_of(model.public), join_world(), "mean", "last")
    (asked,) = asked_tasks(model, ["topic"])
    assert asked.spec.attention == "apart"
    texts = replace(house.materials("apart").encoded("topic", "dev"), spec=asked.spec)
    left_EW, right_EW = (
        store.features(replace(texts, spec=replace(asked.spec, attention=way))).vectors_EW for way in ("left", "right")
    )
    assert np.allclose(store.features(texts).vectors_EW, np.concatenate([left_EW, right_EW], 1), rtol=0, atol=1e-6)
    with pytest.raises(RecipeError, match="--pool first: task topic is read with attention: apart"):
        features._refuse_blind([asked], "first")


def test_how_a_text_is_read_is_identity_of_the_stage_that_reads_it(ran: Any) -> None:
    house, _ = ran
    tasks = identity(house.recipe(), "features")["tasks"]
    assert tasks["topic"]["attention"] == "apart"
    assert "attention" not in identity(house.recipe(*TOGETHER), "features")["tasks"]["topic"]


def test_another_head_is_refused_when_the_recipe_is_read(ran: Any) -> None:
    house, _ = ran
    with pytest.raises(RecipeError, match=r"tasks\.topic\.attention: 'apart' given; .* only head: {pool: lstm}"):
        house.recipe("tasks.topic.head=concat")
