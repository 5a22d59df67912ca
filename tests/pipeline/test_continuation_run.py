"""A task with which the language model goes on: measured before its examples and after them, exported, refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.cli import main
from tokenization.errors import RecipeError

TASKS = """
  named: {kind: generation, by: left, fields: [text], label_values: {sea: ship, land: forest}, length: 30, longest: 2,
          prompt: {text: "{text} the"}, metrics: [exact_match], files: {train: topic-train.tsv, dev: topic-dev.tsv}}
"""
STAGES = """
stages:
  - name: general
    kind: pretrain
    steps: 4
    streams:
      - {source: {blocks_of: general, length: 40}, objectives: [causal], amount: {tokens: 300}}
  - name: ask
    kind: finetune
    steps: 4
    streams:
      - {source: {task: named}, amount: {examples: 6}}
      - {source: {text_of: [named]}, objectives: [causal], amount: {tokens: 60}}
"""


@pytest.fixture(scope="module")
def house(shared_house: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    found = shared_house.beside(tmp_path_factory.mktemp("continuation"), TASKS, STAGES)
    recipe = found.file.read_text(encoding="utf-8")
    found.file.write_text(recipe.replace("positions: 48", "positions: 60"), encoding="utf-8")
    return found


def test_it_is_scored_before_and_after_its_examples_and_the_exported_model_writes_the_same(
    house: Any, tmp_path: Path
) -> None:
    folder = house.run("named")
    scores = {}
    for stage in ("general", "ask"):
        boundary = json.loads(folder.stage(stage).manifest.read_text())["boundary"]["tasks"]
        scores[stage] = boundary["named"]["metrics"]
        assert list(scores[stage]) == ["exact_match"]
    assert "named/generation" in (folder.stage("ask").root / "metrics.jsonl").read_text()
    words = ["evaluate", str(folder.root), "--data", str(house.base / "data"), "--out", str(tmp_path)]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    assert json.loads((tmp_path / "scores.json").read_text())["tasks"]["named"]["metrics"] == scores["ask"]
    asked = (tmp_path / "predictions" / "named.jsonl").read_text()
    assert asked == (folder.stage("ask").root / "predictions" / "named.jsonl").read_text()
    assert asked != (folder.stage("general").root / "predictions" / "named.jsonl").read_text()


def test_what_leaves_no_positions_to_write_in_is_refused_at_plan(house: Any) -> None:
    """Before the stage that draws it, which by itself needs more."""
    words = ["plan", str(house.file), "--run-dir", str(house.folder("named").root), "--set", "tasks.named.length=58"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code != 0
    told = "tasks.named: a source of 58 tokens (length), 2 tokens behind it (longest) and their end are more than the"
    assert told in result.output.replace("\n", " ")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("prompt.answers={sea: ship}", "tasks.named.prompt.answers: useless for generation"),
        ("prompt.text='so {txt}'", "tasks.named.prompt.text: {txt} is no field of the task"),
        ("by=prefix", "tasks.named.prompt: useless with by: prefix"),
        ("attention=right", "tasks.named.attention: 'right' given"),
        ("condition=true", "tasks.named.condition: a text is written token by token"),
    ],
)
def test_contradictions_are_refused_at_once(house: Any, change: str, told: str) -> None:
    with pytest.raises(RecipeError) as caught:
        house.recipe(f"tasks.named.{change}")
    assert told in str(caught.value)
