"""Tasks of several dev sets, of a carved one, of a part of their rows, and without a head of their own, in a run."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.cli import main
from pipeline.run_folder import RunFolder
from pipeline.tables import scores_text

HALVES = "{train: topic-train.tsv, dev_near: topic-dev.tsv, dev_far: topic-far.tsv, test: broken.tsv}"
NLI = "fields: [text], label: label, label_values: {sea: neutral, land: entailment}, hidden: [], length: 32"
PROBE = f"""
  mnli: {{{NLI}, files: {{train: topic-train.tsv, dev: topic-dev.tsv}}}}
  ax: {{{NLI}, files: {{dev: topic-dev.tsv}}}}
encoder:"""
STREAM = "      - {source: {task: topic}, amount: {examples: 6}}\n"
SETS = ("tasks.names.limit={dev: 10}", "multitask.steps=16")


@pytest.fixture(scope="module")
def house(shared_house: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A copy of the tiny house, for one run that all tests here read."""
    base = tmp_path_factory.mktemp("splits")
    shutil.copy(shared_house.file, base)
    shutil.copytree(shared_house.base / "data", base / "data")
    return replace(shared_house, base=base)


@pytest.fixture(scope="module")
def ran(house: Any) -> RunFolder:
    """A finished run with such tasks; its test set is no text, so that to read it would fail."""
    house.rewrite("{train: topic-train.tsv, dev: topic-dev.tsv}", HALVES)
    house.rewrite("{train: alike-train.jsonl, dev: alike-dev.jsonl}", "{train: alike-train.jsonl}")
    house.rewrite("\nencoder:", PROBE)
    house.rewrite(STREAM, STREAM + STREAM.replace("topic", "mnli"))
    data = house.base / "data"
    head, *rows = (data / "topic-dev.tsv").read_text(encoding="utf-8").splitlines()
    (data / "topic-far.tsv").write_text("\n".join([head, *reversed(rows)]) + "\n", encoding="utf-8")
    (data / "broken.tsv").write_bytes(b"\xff")
    folder: RunFolder = house.run("r", *SETS)
    return folder


def labels(path: Path) -> list[str]:
    return [json.loads(line)["label"] for line in path.read_text(encoding="utf-8").splitlines()]


def test_each_split_is_scored_and_told_and_only_the_first_of_each_task_counts(ran: RunFolder) -> None:
    found = json.loads(ran.scores.read_text())
    assert found["tasks"].keys() == {"topic", "topic (dev_near)", "alike", "names", "mnli", "ax"}
    assert found["tasks"]["topic"]["split"] == "dev_far"  # the first by name
    predictions = ran.stage("multitask").root / "predictions"
    assert labels(predictions / "topic.jsonl") == labels(predictions / "topic.dev_near.jsonl")[::-1]
    first = [task["metrics"][task["primary"]] for name, task in found["tasks"].items() if "(" not in name]
    assert found["joint"] == pytest.approx(fmean(first))


def test_a_task_without_a_head_is_answered_by_the_one_it_names_and_adds_no_weights(ran: RunFolder) -> None:
    predictions = ran.stage("multitask").root / "predictions"
    assert labels(predictions / "ax.jsonl") == labels(predictions / "mnli.jsonl")
    heads = [head["name"] for head in json.loads((ran.export / "triptych.json").read_text())["heads"]]
    assert "mnli" in heads
    assert "ax" not in heads
    assert "ax" in json.loads((ran.export / "tasks.json").read_text())["tasks"]


def test_a_carved_dev_set_is_noted_and_is_no_reduction(ran: RunFolder) -> None:
    found = json.loads(ran.scores.read_text())
    assert found["tasks"]["alike"]["rows"] == 3  # a tenth of 30
    assert any(note.startswith("alike: no file gives a dev set") for note in found["notes"])
    assert not found["tasks"]["alike"]["reduced"]


def test_a_part_of_a_task_never_stands_under_its_bare_name(ran: RunFolder) -> None:
    table = scores_text(json.loads(ran.scores.read_text()))
    assert re.search(r"^names \(reduced\) +entity_f1\*", table, re.M)
    assert "names (reduced) entity_f1" in table.partition("Forgetting ledger")[2]
    assert not [line for line in table.splitlines() if line.startswith("names  ")]


def test_evaluating_the_run_gives_the_same_scores_and_files(house: Any, ran: RunFolder, tmp_path: Path) -> None:
    command = ["evaluate", str(ran.root), "--data", str(house.base / "data"), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    ours, theirs = json.loads((tmp_path / "out" / "scores.json").read_text()), json.loads(ran.scores.read_text())
    assert ours["joint"] == theirs["joint"]
    assert ours["tasks"].keys() == theirs["tasks"].keys()
    for name, task in theirs["tasks"].items():
        shared = task.keys() - {"best", "best_step"}
        assert {key: ours["tasks"][name][key] for key in shared} == {key: task[key] for key in shared}
    written = ran.stage("multitask").root / "predictions"
    for path in written.iterdir():
        assert (tmp_path / "out" / "predictions" / path.name).read_bytes() == path.read_bytes()
