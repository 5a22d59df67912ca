"""What changed after a run was begun or finished is noticed by the next one, and named: task, split, labels."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline.changed import told_changes
from pipeline.run_folder import RunFolder
from tokenization.errors import RunError

LAST = ("multitask.steps=8", "multitask.carry=last")


def append_row(path: Path) -> None:
    """A row more: the last one again."""
    path.write_text(path.read_text(encoding="utf-8") + path.read_text(encoding="utf-8").splitlines()[-1] + "\n")


def refused(house: Any, name: str, *sets: str) -> str:
    with pytest.raises(RunError) as error:
        house.run(name, *sets)
    return str(error.value)


def test_one_row_more_of_a_training_file_is_refused_by_a_finished_run_that_names_task_and_file(house: Any) -> None:
    house.run("r", *LAST)
    append_row(house.base / "data" / "topic-train.tsv")
    message = refused(house, "r", *LAST)
    assert (
        "task topic: the rows of train (topic-train.tsv) are others than then: put them back as they were." in message
    )
    assert "task alike" not in message
    assert "--from multitask" in message


def test_one_row_more_of_a_training_file_is_refused_by_a_run_that_was_only_begun(house: Any) -> None:
    with house.killed_at("multitask", 7):
        house.run("r", *LAST)
    append_row(house.base / "data" / "alike-train.jsonl")
    assert "task alike: the rows of train (alike-train.jsonl) are others than then: put" in refused(house, "r", *LAST)


def test_an_edited_dev_file_is_measured_again_and_said_where_it_chose_nothing(
    house: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    house.run("r", *LAST)
    capsys.readouterr()
    append_row(house.base / "data" / "names-dev.conll")
    append_row(house.base / "data" / "topic-dev.tsv")
    folder: RunFolder = house.run("r", *LAST)
    said = capsys.readouterr().out
    assert "multitask: measured again, since its evaluation changed:\n" in said
    assert "  tasks.topic.rows.dev: " in said
    assert '"rows": 15' in folder.scores.read_text()


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (("multitask.carry=best",), "choose the weights that stage multitask hands on (carry: best)"),
        (
            ("multitask.carry=last", "multitask.evaluate={every: 8, patience: 9}"),
            "decide when stage multitask ends (evaluate.patience)",
        ),
    ],
)
def test_an_edited_dev_file_is_refused_where_its_scores_decide_and_what_they_decide_is_said(
    house: Any, settings: tuple[str, ...], why: str
) -> None:
    house.run("r", "multitask.steps=8", *settings)
    append_row(house.base / "data" / "topic-dev.tsv")
    assert (
        f"task topic: the rows of dev (topic-dev.tsv) are others than then, and scores on them {why}: put them back"
    ) in refused(house, "r", "multitask.steps=8", *settings)


@pytest.mark.parametrize(
    ("labels", "how"),
    [("[land, sea]", "in another order, sea, land then, land, sea now"), ("[sea, land, air]", "others")],
)
def test_other_labels_are_refused_and_both_sets_are_named(house: Any, labels: str, how: str) -> None:
    house.run("r", *LAST)
    assert f"task topic: its labels are {how}" in refused(house, "r", *LAST, f"tasks.topic.labels={labels}")


@pytest.mark.parametrize(
    "change", ["tasks.topic.labels=[land, sea]", "tasks.topic.length=31", "evaluation.split=train"]
)
def test_where_a_setting_of_a_task_is_another_its_rows_are_not_said_to_be(house: Any, change: str) -> None:
    house.run("r", "multitask.steps=8")
    message = refused(house, "r", "multitask.steps=8", change)
    assert "the rows of" not in message
    assert "Go back to the data and settings it was made with" in message


def test_a_run_of_an_older_version_that_told_less_of_its_data_is_refused_by_field(house: Any) -> None:
    manifest = house.run("r", *LAST).stage("multitask").manifest
    record = json.loads(manifest.read_text())
    record["identity"]["data"]["topic"] = "0123"
    manifest.write_text(json.dumps(record))
    message = refused(house, "r", *LAST)
    assert 'data.topic: "0123" then' in message
    assert "task topic" not in message


def test_what_changed_is_told_in_the_order_in_which_it_is_recorded(shared_house: Any) -> None:
    splits = [f"dev_{letter}" for letter in "hgfedcba"]
    then, now = ({"data": {"topic": dict.fromkeys(splits, content)}, "tokenizer_content": "t"} for content in "xy")
    materials = shared_house.materials("done")
    told = told_changes(materials, materials.recipe.stage("multitask"), then, now)
    assert [line.split()[5] for line in told] == splits


def test_an_edited_tokenizer_file_is_refused_as_another_tokenizer(house: Any) -> None:
    made = house.materials("r").tokenizer
    made.save(house.base / "words")
    given = (*LAST, f"tokenizer={{from: {house.base / 'words'}}}")
    house.run("r", *given)
    file = house.base / "words" / "tokenizer.json"
    shutil.copy(file, house.base / "kept.json")
    vocabulary = file.read_text(encoding="utf-8")
    assert '"ship"' in vocabulary or '"##a"' in vocabulary
    old = '"ship"' if '"ship"' in vocabulary else '"##a"'
    file.write_text(vocabulary.replace(old, f'{old[:-1]}zz"'), encoding="utf-8")
    message = refused(house, "r", *given)
    assert f"The tokenizer ({house.base / 'words'}) is another one than then." in message
    shutil.copy(house.base / "kept.json", file)
    house.run("r", *given)
