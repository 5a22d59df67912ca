"""What `triptych doctor` says of a recipe's tasks and of a suite, on rows with planted faults and on the real ones."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.cli import main


def doctor(*words: object, refused: bool = False) -> str:
    """What is printed; with `refused`, `run` would refuse to begin."""
    result = CliRunner().invoke(main, ["doctor", *map(str, words)])
    assert result.exit_code == int(refused), result.output
    return result.output


def of_house(house: Any, *sets: str, refused: bool = False) -> str:
    words = [word for change in sets for word in ("--set", change)]
    return doctor(house.file, "--run-dir", house.base / "r", *words, refused=refused)


def section(printed: str, task: str) -> str:
    """The lines on one task."""
    found = re.search(rf"^task {task} \(.*\n(?:  .*\n)*", printed, re.M)
    assert found, printed
    return found[0]


def topic_rows(house: Any, split: str) -> list[str]:
    return (house.base / "data" / f"topic-{split}.tsv").read_text(encoding="utf-8").splitlines()


def test_each_task_is_told_with_its_rows_labels_majority_and_lengths(house: Any) -> None:
    printed = of_house(house)
    topic = section(printed, "topic")
    rows = topic_rows(house, "train")[1:]
    sea = sum(row.startswith("sea\t") for row in rows)
    assert f"  train        {len(rows)} rows\n" in topic
    assert f"sea {sea / len(rows):.1%}" in topic
    assert re.search(r"majority   accuracy 0\.\d{3}", topic)
    assert re.search(r"lengths    median \d+ tokens, 95% have at most \d+, the longest \d+; \d", topic)
    assert "task alike (regression, pearson_spearman)" in printed
    assert "task names (tagging, 3 labels, entity_f1)" in printed


def test_planted_copies_leaks_and_contradictions_are_named(house: Any) -> None:
    train, dev = topic_rows(house, "train"), topic_rows(house, "dev")
    seen = {row.split("\t")[1] for row in train[1:]}
    fresh = [row for row in dev[1:] if row.split("\t")[1] not in seen]
    turned = train[1].replace("sea\t", "land\t") if train[1].startswith("sea") else train[1].replace("land\t", "sea\t")
    (house.base / "data" / "topic-dev.tsv").write_text("\n".join([dev[0], *fresh, *train[3:5]]) + "\n")
    (house.base / "data" / "topic-train.tsv").write_text("\n".join([*train, turned, train[2]]) + "\n")
    told = section(of_house(house), "topic")
    share = f"{2 / (len(fresh) + 2):.1%}"
    assert f"! dev: 2 of {len(fresh) + 2} rows ({share}) also stand in train" in told
    assert "! train: 1 texts stand there with different labels" in told
    copies = len(train) + 1 - len({row.split("\t")[1] for row in train[1:]})
    assert f"copies     {copies} rows" in told


def test_sequences_that_lose_text_and_labels_that_no_row_has_are_named(house: Any) -> None:
    told = section(of_house(house, "tasks.topic.length=8", "tasks.topic.labels=[sea, land, air]"), "topic")
    assert re.search(r"! train: \d+\.\d% of the sequences lose text to tasks\.topic\.length \(8 tokens\)", told)
    assert "! dev: no row has the label air" in told


def test_a_missing_dev_file_is_a_finding_and_the_rest_is_told(house: Any) -> None:
    (house.base / "data" / "topic-dev.tsv").unlink()
    told = section(of_house(house, refused=True), "topic")
    assert "  train        30 rows\n" in told
    assert "! dev: " in told
    assert "topic-dev.tsv: no such file" in told


def test_a_task_of_which_nothing_can_be_read_is_told_once(house: Any) -> None:
    for split in ("train", "dev"):
        (house.base / "data" / f"topic-{split}.tsv").unlink()
    printed = of_house(house, refused=True)
    assert "task topic (classification, 2 labels, accuracy): CANNOT BE READ\n" in printed
    assert printed.count("no such file") == 1
    assert "task names" in printed


def test_a_question_without_an_answer_where_none_is_declared_is_a_finding_and_other_tasks_are_told(house: Any) -> None:
    rows = [{"question": "who sees the sea ?", "context": "anna sees the sea .", "answers": {"text": ["anna"],
             "answer_start": [0]}}, {"question": "who ?", "context": "the sea .", "answers": {"text": [],
             "answer_start": []}}]  # fmt: skip
    text = "".join(json.dumps(row) + "\n" for row in rows)
    for split in ("train", "dev"):
        (house.base / "data" / f"asked-{split}.jsonl").write_text(text)
    files = "{train: asked-train.jsonl, dev: asked-dev.jsonl}"
    asked = f"{{kind: span, fields: [question, context], label: answers, length: 32, files: {files}}}"
    printed = of_house(house, f"tasks.asked={asked}", refused=True)
    told = section(printed, "asked")
    assert "  train        2 rows\n" in told
    assert "! train: " in told
    assert "unanswerable" in told
    for other in ("topic", "alike", "names"):
        assert "majority" in section(printed, other)


def test_a_limited_split_and_a_carved_dev_set_are_named_as_such(house: Any) -> None:
    printed = of_house(house, "tasks.alike.limit={train: 10}", "tasks.topic.files={train: topic-train.tsv}")
    assert "  train        10 rows, as many as the recipe's limit lets through" in section(printed, "alike")
    topic = section(printed, "topic")
    train, dev = (int(re.search(rf"{split}  +(\d+) rows", topic)[1]) for split in ("train", "dev"))  # type: ignore[index]
    assert train + dev == 30
    assert f"{dev} more are carved out as dev" in topic


def test_of_tests_nothing_but_the_rows_is_told(house: Any) -> None:
    test = house.base / "data" / "topic-test.tsv"
    test.write_text("\n".join(topic_rows(house, "train")) + "\n")
    files = "tasks.topic.files={train: topic-train.tsv, dev: topic-dev.tsv, test: topic-test.tsv}"
    told = section(of_house(house, files), "topic")
    assert "  test         30 rows\n" in told
    assert "test: " not in told  # all of its rows stand in train


FILES = "{train: topic-train.tsv, dev: topic-dev.tsv, test: topic-test.tsv}"


@pytest.mark.parametrize(
    ("missing", "sets"),
    [
        ("topic-train.tsv", ()),
        ("topic-dev.tsv", ()),
        ("topic-test.tsv", ()),
        ("topic-test.tsv", ("evaluation.more={topic: [test]}",)),
        ("nothing", ()),
    ],
)
def test_a_missing_file_is_refused_where_a_run_needs_it(house: Any, missing: str, sets: tuple[str, ...]) -> None:
    data = house.base / "data"
    for split in ("train", "dev", "test"):
        (data / f"topic-{split}.tsv").write_text("\n".join(topic_rows(house, "train")) + "\n")
    (data / missing).unlink(missing_ok=True)
    house.rewrite("files: {train: topic-train.tsv, dev: topic-dev.tsv}", f"files: {FILES}")
    words = ["--run-dir", str(house.base / "r"), *[word for change in sets for word in ("--set", change)]]
    planned = CliRunner().invoke(main, ["plan", str(house.file), *words])
    of_house(house, *sets, refused=bool(planned.exit_code))


@pytest.mark.parametrize(("other", "told"), [("the sea .", True), ("anna sees the sea .", False)])
def test_a_split_whose_answers_stand_nowhere_in_their_texts_is_named(house: Any, other: str, told: bool) -> None:
    rows = [{"question": "who ?", "context": text, "answers": ["anna"]} for text in ("the hill .", "the oak .", other)]
    rows.append({"question": "what ?", "context": "the road .", "answers": []})
    for split in ("train", "dev"):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (house.base / "data" / f"asked-{split}.jsonl").write_text(text)
    files = "{train: asked-train.jsonl, dev: asked-dev.jsonl}"
    asked = "kind: span, fields: [question, context], label: answers, length: 32, unanswerable: true"
    printed = section(of_house(house, f"tasks.asked={{{asked}, files: {files}}}"), "asked")
    for split in ("train", "dev"):
        assert (f"! {split}: no answer stands in its text" in printed) == told


def test_rows_with_an_empty_text_are_named(house: Any) -> None:
    topic, alike = house.base / "data" / "topic-train.tsv", house.base / "data" / "alike-dev.jsonl"
    topic.write_text(topic.read_text() + "sea\t\nland\t  \n")
    alike.write_text(alike.read_text() + json.dumps({"one": "anna .", "two": "", "score": 1}) + "\n")
    printed = of_house(house)
    assert "! train: 2 of 32 rows have an empty text" in section(printed, "topic")
    assert "! dev: 1 of 15 rows have an empty text" in section(printed, "alike")
    assert printed.count("empty text") == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "give either a recipe or --suite"),
        (("--suite", "gleu"), "no suite is called 'gleu'"),
        (("any.yaml", "--data", "x"), "--data goes with --suite"),
    ],
)
def test_options_that_do_not_go_together_are_refused(words: tuple[str, ...], message: str) -> None:
    found = CliRunner().invoke(main, ["doctor", *words])
    assert (found.exit_code, message in found.output) == (1, True)


@pytest.mark.data
@pytest.mark.slow
def test_on_the_real_sets_it_finds_leaks_contradictions_unlabelled_rows_and_reduced_sets(
    data_folder: Path, tmp_path: Path
) -> None:
    recipe = tmp_path / "real.yaml"
    recipe.write_text(
        f"""
name: real
data: {data_folder}
tokenizer: {{from: vocab/bert-base-chinese.txt, lowercase: true}}
tasks:
  tnews: {{}}
  ocnli: {{}}
  cola: {{}}
  mnli:
    fields: [premise, hypothesis]
    label: label_int
    label_values: {{"0": neutral, "1": contradiction, "2": entailment}}
    files: {{train: glue/MNLI/train_sample.jsonl, dev_matched: glue/MNLI/dev_matched.jsonl}}
stages:
  - {{name: all, kind: finetune, steps: 1, streams: [{{source: {{task: tnews}}, amount: {{examples: 8}}}}]}}
"""
    )
    printed = doctor(
        recipe, "--run-dir", tmp_path / "r", "--set", f"tokenizer.from={data_folder}/vocab/bert-base-chinese.txt"
    )
    assert "! dev: 1,099 of 10,000 rows (11.0%) also stand in train" in section(printed, "tnews")
    assert "! train: 547 texts stand there with different labels" in section(printed, "tnews")
    assert "! dev: 16 of 1,043 rows (1.5%) also stand in train" in section(printed, "cola")
    ocnli = section(printed, "ocnli")
    assert "! train: 49 rows are labelled '-', which is none: left out" in ocnli
    assert "! dev: 50 rows are labelled '-', which is none: left out" in ocnli
    assert "! train: reduced, 12,988 of 392,702 rows: scores are told as those of mnli (reduced)" in section(
        printed, "mnli"
    )
