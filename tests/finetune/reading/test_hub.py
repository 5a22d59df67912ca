"""Rows from the hub, through the same calls on data sets that lie on disk; the files give the same examples."""

import json
from dataclasses import replace
from pathlib import Path

import datasets
import pytest

from finetune.reading.read import read_examples, read_split
from finetune.tasks.hub_splits import on_hub
from finetune.tasks.spec import Hub, TaskSpec
from tokenization.errors import DataError, RecipeError


@pytest.fixture(autouse=True)
def _caches(tmp_path_factory, monkeypatch):
    """No test of these writes to the user's cache, or asks a network."""
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", cache)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    datasets.disable_progress_bars()


def save(folder: Path, split: str, features: dict[str, object], rows: list[dict[str, object]]) -> None:
    """A data set as the hub keeps it: parquet files by split, the classes as numbers with their names."""
    folder.mkdir(parents=True, exist_ok=True)
    table = datasets.Dataset.from_list(rows, features=datasets.Features(features))
    table.to_parquet(folder / f"{split}-00000-of-00001.parquet")


TEXT = datasets.Value("string")
LISTS = datasets.List(TEXT)
PAIR = TaskSpec(
    "alike",
    "classification",
    ("one", "two"),
    "label",
    {"train": "train.tsv", "dev": "dev.tsv", "test": "test.tsv"},
    labels=("no", "yes"),
    label_values={"0": "no", "1": "yes"},
    hidden=("test",),
    hub=Hub(
        "alike",
        splits={"dev": "validation"},
        columns={"one": "sentence1", "two": "sentence2"},
        labels={"entailment": "yes", "not_entailment": "no"},
    ),
)


def test_a_built_in_task_has_the_examples_of_its_files_whatever_the_order_of_classes_there(tmp_path):
    """Classes are matched by name: there yes is 0, in the files 1."""
    features = {"idx": datasets.Value("int32"), "sentence1": TEXT, "sentence2": TEXT}
    classes = {**features, "label": datasets.ClassLabel(names=["entailment", "not_entailment"])}
    rows = [
        {"idx": n, "sentence1": f'a "{n}', "sentence2": f"b {n}", "label": label} for n, label in enumerate((0, 1, 1))
    ]
    for split in ("train", "validation"):
        save(tmp_path / "alike", split, classes, rows)
    save(tmp_path / "alike", "test", classes, [{**row, "label": -1} for row in rows])
    table = "one\ttwo\tlabel\n" + "".join(f'a "{n}\tb {n}\t{label}\n' for n, label in enumerate((1, 0, 0)))
    for split in ("train", "dev", "test"):
        (tmp_path / f"{split}.tsv").write_text(table, encoding="utf-8")
    for split in PAIR.splits:
        assert read_examples(on_hub(PAIR), tmp_path, split) == read_examples(PAIR, tmp_path, split)


def test_a_hidden_label_of_the_hub_is_never_a_label(tmp_path):
    features = {"text": TEXT, "label": datasets.ClassLabel(names=["no", "yes"])}
    save(tmp_path / "set", "train", features, [{"text": "a", "label": -1}])
    spec = on_hub(
        TaskSpec(
            "own",
            "classification",
            ("text",),
            "label",
            {},
            labels=("no", "yes"),
            hub=Hub("set", splits={"train": "train", "dev": "train"}),
        )
    )
    with pytest.raises(DataError, match=r"set, split train, on the hub, row 1: label 'None' is not one of task 'own'"):
        read_examples(spec, tmp_path, "train")
    assert read_examples(replace(spec, hidden=("dev",)), tmp_path, "dev")[0].label is None


def test_a_row_without_a_label_is_left_out_from_the_hub_as_from_files(tmp_path):
    """OCNLI's "-" is a class of -1 there."""
    features = {"sentence1": TEXT, "sentence2": TEXT, "label": datasets.ClassLabel(names=["no", "yes"])}
    rows = [{"sentence1": "a", "sentence2": "b", "label": label} for label in (1, -1, 0)]
    save(tmp_path / "alike", "train", features, rows)
    found = read_split(on_hub(replace(PAIR, dropped=("-",))), tmp_path, "train")
    assert ([one.label for one in found.examples], found.dropped) == (["yes", "no"], 1)


QUESTIONS = TaskSpec(
    "reading",
    "span",
    ("question", "context"),
    "answers",
    {"train": "train.json", "dev": "dev.json"},
    layout="squad",
    unanswerable=True,
    id="id",
    hub=Hub("reading"),
)


def test_flat_rows_of_questions_give_what_the_nested_file_gives(tmp_path):
    answers = [{"text": ["Main"], "answer_start": [13]}, {"text": [], "answer_start": []}]
    rows = [
        {"id": f"q{n}", "question": "?", "context": "Frankfurt am Main", "answers": a} for n, a in enumerate(answers)
    ]
    starts = {"text": LISTS, "answer_start": datasets.List(datasets.Value("int32"))}
    save(tmp_path / "reading", "train", {"id": TEXT, "question": TEXT, "context": TEXT, "answers": starts}, rows)
    qas = [
        {"id": "q0", "question": "?", "answers": [{"text": "Main", "answer_start": 13}]},
        {"id": "q1", "question": "?", "answers": [], "is_impossible": True},
    ]
    nested = {"data": [{"paragraphs": [{"context": "Frankfurt am Main", "qas": qas}]}]}
    (tmp_path / "train.json").write_text(json.dumps(nested), encoding="utf-8")
    assert read_examples(on_hub(QUESTIONS), tmp_path, "train") == read_examples(QUESTIONS, tmp_path, "train")


DIALOGUES = TaskSpec(
    "talk",
    "choice",
    ("context", "question"),
    "answer",
    {"train": "train.json", "dev": "x"},
    layout="c3",
    hub=Hub("talk"),
)


def test_rows_of_a_question_each_give_what_the_dialogues_give(tmp_path):
    questions = [{"question": f"{n}？", "choice": ["甲", "乙"], "answer": "乙"} for n in range(2)]
    features = {"context": LISTS, "question": TEXT, "choice": LISTS, "answer": TEXT}
    save(
        tmp_path / "talk", "train", features, [{"context": ["男：好", "女：好"], **question} for question in questions]
    )
    (tmp_path / "train.json").write_text(json.dumps([[["男：好", "女：好"], questions, "1"]]), encoding="utf-8")
    assert read_examples(on_hub(DIALOGUES), tmp_path, "train") == read_examples(DIALOGUES, tmp_path, "train")


IDIOMS = TaskSpec(
    "idioms",
    "choice",
    ("candidates", "content"),
    "answer",
    {"train": ("t.json", "a.json"), "dev": "x"},
    layout="chid",
    hub=Hub("idioms"),
)


def test_answers_in_the_order_of_the_blanks_are_those_of_the_second_file(tmp_path):
    passage = {"candidates": ["画蛇添足", "雪中送炭"], "content": ["甲#idiom000001#乙#idiom000002#"]}
    features = {
        "candidates": LISTS,
        "content": LISTS,
        "answers": {"text": LISTS, "candidate_id": datasets.List(datasets.Value("int32"))},
    }
    answers = {"text": ["雪中送炭", "画蛇添足"], "candidate_id": [1, 0]}
    save(tmp_path / "idioms", "train", features, [{**passage, "answers": answers}])
    (tmp_path / "t.json").write_text(json.dumps(passage), encoding="utf-8")
    (tmp_path / "a.json").write_text(json.dumps({"#idiom000001#": 1, "#idiom000002#": 0}), encoding="utf-8")
    assert read_examples(on_hub(IDIOMS), tmp_path, "train") == read_examples(IDIOMS, tmp_path, "train")


def test_tags_that_are_classes_are_read_by_name(tmp_path):
    spec = TaskSpec(
        "names",
        "tagging",
        ("word",),
        "tag",
        {"train": "train.conll", "dev": "x"},
        labels=("O", "B-PER", "I-PER"),
        scheme="iob1",
        format="conll",
        columns=("word", "tag"),
        hub=Hub("names", columns={"word": "tokens", "tag": "ner_tags"}),
    )
    features = {"tokens": LISTS, "ner_tags": datasets.List(datasets.ClassLabel(names=["O", "B-PER", "I-PER"]))}
    save(tmp_path / "names", "train", features, [{"tokens": ["Ada", "Lee", "in"], "ner_tags": [1, 2, 0]}])
    (tmp_path / "train.conll").write_text("Ada I-PER\nLee I-PER\nin O\n", encoding="utf-8")
    assert read_examples(on_hub(spec), tmp_path, "train") == read_examples(spec, tmp_path, "train")


@pytest.mark.parametrize("builder", ["json", "csv", "parquet"])
def test_a_missing_column_is_told_with_those_that_are_there(builder, tmp_path):
    rows = [{"sentence1": "a", "text2": "b", "label": "yes"}]
    folder = tmp_path / "alike"
    folder.mkdir()
    table = datasets.Dataset.from_list(rows)
    getattr(table, f"to_{builder}")(folder / f"train.{builder}")
    with pytest.raises(
        DataError,
        match=r"alike, split train, on the hub: there is no column 'two'; columns here: 'one', 'text2', 'label'",
    ):
        read_examples(on_hub(PAIR), tmp_path, "train")


def test_a_hub_that_cannot_be_reached_or_a_split_that_is_not_there_is_told(tmp_path):
    nowhere = on_hub(replace(PAIR, hub=Hub("nobody/nothing-of-this-name", "small")))
    with pytest.raises(
        DataError,
        match=r"(?s)nobody/nothing-of-this-name \(small\), split train, on the hub: .*read the task from files",
    ):
        read_examples(nowhere, tmp_path, "train")
    save(
        tmp_path / "alike",
        "train",
        {"sentence1": TEXT, "sentence2": TEXT, "label": TEXT},
        [{"sentence1": "a", "sentence2": "b", "label": "yes"}],
    )
    with pytest.raises(DataError, match=r"split validation, on the hub: .*[Uu]nknown split"):
        read_examples(on_hub(PAIR), tmp_path, "dev")


def test_a_task_that_is_on_no_hub_is_refused():
    with pytest.raises(RecipeError, match=r"tasks\.alike\.from: this task is not known to stand on the hub"):
        on_hub(replace(PAIR, hub=None))
