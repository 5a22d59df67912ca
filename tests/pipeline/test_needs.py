"""What is missing or cannot be read is told at once, before any work: sources, word lists, suites, packages, tasks."""

import json
import sys
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.cli import main
from pipeline.needs import splits_of

SETS = (
    "tokenizer.extend={files: more.txt}",
    "corpora.general.clean.decontaminate={suites: [glue]}",
    "corpora.general.segmenter=rjieba",
)
TOLD = (
    "tokenizer.extend.files: there is no file ",
    "corpora.general.lexicon: there is no file ",
    "nothing of 'glue' is in the data folder",
    "'rjieba' needs the package rjieba, which is not installed",
    "corpora.domain.files: there is no ",
)


@pytest.fixture
def bare(house: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A house that lacks five things."""
    house.rewrite("general: {files: general.txt,", "general: {files: general.txt, lexicon: phrases.txt,")
    house.rewrite("objectives: [mlm, nsp]", "objectives: [{mlm: {unit: phrase}}, nsp]")
    (house.base / "data" / "domain.txt").unlink()
    monkeypatch.setitem(sys.modules, "rjieba", None)
    return house


@pytest.mark.parametrize("command", ["plan", "tokenize", "run"])
def test_all_that_is_missing_is_told_at_once_and_nothing_was_made(bare: Any, command: str) -> None:
    sets = [word for text in SETS for word in ("--set", text)]
    done = CliRunner().invoke(main, [command, str(bare.file), "--run-dir", str(bare.base / "runs" / "r"), *sets])
    assert done.exit_code == 1
    assert not [words for words in TOLD if words not in done.stderr], done.stderr
    assert not list((bare.base / "runs").rglob("tokenizers"))


@pytest.mark.parametrize("command", ["plan", "run"])
def test_the_faults_of_all_splits_and_of_the_text_are_told_at_once_and_nothing_was_made(
    house: Any, command: str
) -> None:
    data = house.base / "data"
    (data / "domain.txt").unlink()
    (data / "alike-train.jsonl").unlink()
    (data / "names-dev.conll").unlink()
    for split, strange in (("train", "moon"), ("dev", "star")):
        rows = data / f"topic-{split}.tsv"
        rows.write_text(f"{rows.read_text()}{strange}\tanna sees .\n")
    done = CliRunner().invoke(main, [command, str(house.file), "--run-dir", str(house.base / "runs" / "r")])
    assert done.exit_code == 1
    told = ("corpora.domain.files: there is no ", "alike-train.jsonl", "names-dev.conll", "'moon'", "'star'")
    assert not [words for words in told if words not in done.stderr], done.stderr
    assert not list((house.base / "runs").rglob("tokenizers"))


def test_a_split_is_read_for_a_stage_that_trains_on_it_or_is_scored_on_it(shared_house: Any) -> None:
    materials = shared_house.materials("r", "tasks.topic.files={train: topic-train.tsv}")
    by_stage = {stage.name: splits_of(materials, [stage]) for stage in materials.recipe.stages}
    both = {(task, split) for task in ("topic", "alike", "names") for split in ("train", "dev")}
    assert {name: set(splits) for name, splits in by_stage.items()} == {
        "general": set(),
        "domain": set(),
        "multitask": both,
    }


@pytest.mark.parametrize("command", ["plan", "run"])
def test_a_question_without_an_answer_is_told_before_the_tokenizer_is_trained(house: Any, command: str) -> None:
    row = {"question": "who ?", "context": "the sea .", "answers": []}
    for split in ("train", "dev"):
        (house.base / "data" / f"asked-{split}.jsonl").write_text(json.dumps(row) + "\n")
    files = "{train: asked-train.jsonl, dev: asked-dev.jsonl}"
    asked = f"tasks.asked={{kind: span, fields: [question, context], label: answers, length: 32, files: {files}}}"
    house.rewrite(
        "{source: {task: names}, amount",
        "{source: {task: asked}, amount: {examples: 2}}\n      - {source: {task: names}, amount",
    )
    words = [command, str(house.file), "--run-dir", str(house.base / "runs" / "r"), "--set", asked]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 1
    assert "tasks.asked.unanswerable" in done.stderr
    assert not list((house.base / "runs").rglob("tokenizers"))
