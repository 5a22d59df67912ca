"""What is told of a task's splits, against counts made by hand."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from finetune.examine import LOOKED_AT, count, examine
from finetune.reading.read import read_split
from finetune.tasks.example import Example, Span, Split
from finetune.tasks.spec import TaskSpec
from finetune.tasks.table import TASKS


def rows(*pairs: tuple[str, Any]) -> Split:
    return Split(tuple(Example(str(number), (text,), (), label) for number, (text, label) in enumerate(pairs)))


def of(spec: TaskSpec, read: Split, train: Split | None = None, tokenizer: Any = None, length: int = 8) -> Any:
    counts = count(spec, "dev", len(read.examples), read.dropped, limited=read.limited)
    return examine(spec, counts, read, read if train is None else train, tokenizer, length)


def test_labels_are_counted_the_commonest_first_and_those_that_no_row_has_are_named(single: TaskSpec) -> None:
    found = of(single, rows(("a", "glad"), ("b", "glad"), ("c", "glad")))
    assert (found.labels, found.absent) == ({"glad": 3}, ("sad",))


def test_copies_and_texts_with_different_labels_are_counted(single: TaskSpec) -> None:
    found = of(single, rows(("a", "sad"), ("a", "glad"), ("a", "glad"), ("b", "sad"), ("b", "sad"), ("c", "sad")))
    assert (found.copies, found.conflicting) == (3, 1)


def test_rows_that_stand_in_train_are_counted_whatever_their_label_but_not_those_of_train_itself(
    single: TaskSpec,
) -> None:
    train, dev = rows(("a", "sad"), ("b", "glad")), rows(("a", "glad"), ("a", "sad"), ("A", "sad"))
    assert of(single, dev, train).leaked == 2
    assert of(single, train).leaked == 0


def test_the_majority_is_trains_and_its_score_is_the_splits(single: TaskSpec) -> None:
    train = rows(("a", "sad"), ("b", "sad"), ("c", "glad"))
    dev = rows(("d", "glad"), ("e", "glad"), ("f", "glad"), ("g", "sad"))
    assert of(single, dev, train).majority == 0.25


def test_lengths_are_those_of_the_uncut_sequences(single: TaskSpec, tokenizer: Any) -> None:
    """A word of n letters has n pieces; [CLS] and [SEP] are two more."""
    read = rows(*[("x" * size, "sad") for size in (1, 2, 3, 4, 10)])
    lengths = of(single, read, tokenizer=tokenizer, length=6).lengths
    assert (lengths.examples, lengths.median, lengths.longest) == (5, 5, 12)
    assert lengths.over == pytest.approx(1 / 5)  # 6 tokens fit, 12 do not
    sizes = np.arange(1, 101)
    many = of(single, rows(*[("x" * int(size), "sad") for size in sizes]), tokenizer=tokenizer).lengths
    assert many.most == 97  # 95 of 100 have at most 95 letters


def test_of_many_rows_a_part_is_measured_and_its_size_is_told(single: TaskSpec, tokenizer: Any) -> None:
    read = rows(*[("x" * (1 + number % 2), "sad") for number in range(LOOKED_AT + 1000)])
    lengths = of(single, read, tokenizer=tokenizer, length=3).lengths
    assert lengths.examples == LOOKED_AT
    assert lengths.over == pytest.approx(0.5, abs=5 * math.sqrt(0.25 / LOOKED_AT))


def test_scores_are_counted_by_parts_of_their_range(pair: TaskSpec) -> None:
    read = Split(tuple(Example(str(s), ("a", "b"), (), s) for s in (0.0, 0.9, 1.0, 4.9, 5.0)))
    assert of(pair, read).labels == {"0 to 1": 2, "4 to 5": 2, "1 to 2": 1}


def test_tags_are_counted_by_the_entities_that_they_open(tagging: TaskSpec) -> None:
    read = Split((Example("0", (), ("a", "b", "c"), ("B-PER", "I-PER", "B-PER")),))
    found = of(tagging, read)
    assert (found.labels, found.absent) == ({"PER": 2}, ("LOC",))


def test_answers_are_told_apart_by_whether_the_text_holds_them() -> None:
    spec = TASKS["squad2"]
    labels: list[Any] = [(Span("b", 2),), (Span("z", -1),), ()]
    read = Split(tuple(Example(str(n), ("q", "a b c"), (), label) for n, label in enumerate(labels)))
    assert of(spec, read).labels == {"answer in the text": 1, "answer that is not in the text": 1, "no answer": 1}


@pytest.mark.parametrize(
    ("found", "dropped", "carved", "limited", "is_reduced"),
    [
        (10, 0, 0, False, False),
        (9, 1, 0, False, False),
        (8, 0, 2, False, False),
        (9, 0, 0, False, True),
        (10, 0, 0, True, True),
    ],
)
def test_a_split_is_reduced_where_files_or_limit_give_fewer_rows_than_are_published(
    found: int, dropped: int, carved: int, limited: bool, is_reduced: bool
) -> None:
    spec = TaskSpec("t", "classification", ("x",), "y", {"dev": "d"}, labels=("a", "b"), rows={"dev": 10})
    assert count(spec, "dev", found, dropped, carved, limited=limited).reduced is is_reduced


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "split", "figure", "expected"),
    [
        ("tnews", "dev", "leaked", 1099),
        ("tnews", "train", "conflicting", 547),
        ("cola", "dev", "leaked", 16),
    ],
)
def test_what_the_data_folders_readme_warns_of_is_found(
    data: Path, name: str, split: str, figure: str, expected: int
) -> None:
    spec = TASKS[name]
    train = read_split(spec, data, "train")
    read = train if split == "train" else read_split(spec, data, split)
    counts = count(spec, split, len(read.examples), read.dropped, limited=read.limited)
    assert getattr(examine(spec, counts, read, train, None, 128), figure) == expected
