"""A task's files → examples, every label checked against the declared set."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from finetune.tasks.bio import bio_from_iob1, first_break
from finetune.tasks.rows import Row, read_rows
from finetune.tasks.spec import TaskSpec
from tokenization.errors import DataError, RecipeError, did_you_mean
from training.address import key_of, permute

Label = str | float | tuple[str, ...] | None

ORIGIN = "`data:` of the recipe, or else the environment variable TRIPTYCH_DATA"


@dataclass(frozen=True)
class Example:
    """One row of a task.

    Attributes:
        id: its place in the file, from 0, as submissions count.
        texts: one text, or the two of a pair; empty for tagging.
        words: the words of a tagging row, else empty.
        label: a label's name, a score, a BIO tag per word, or None where the split hides it.
    """

    id: str
    texts: tuple[str, ...]
    words: tuple[str, ...]
    label: Label


def read_examples(spec: TaskSpec, data: Path, split: str, origin: str = ORIGIN) -> tuple[Example, ...]:
    """Read a split of a task, in the order of its file.

    Args:
        data: the data folder that `spec.files` is relative to.
        origin: where that folder was named, for the message when a file is not there.

    Raises:
        RecipeError: the task has no such split.
        DataError: the file is missing, empty or malformed, or a label is outside the declared set.
    """
    path = _path_of(spec, data, split, origin)
    hidden = split in spec.hidden
    needed = spec.fields if hidden else (*spec.fields, spec.label)
    examples = tuple(
        _example(spec, row, str(number), hidden) for number, row in enumerate(read_rows(path, spec, needed))
    )
    if not examples:
        raise DataError(f"{path}: no rows; task {spec.name!r} needs at least one in split {split!r}.")
    return _subset(spec, split, examples)


def _path_of(spec: TaskSpec, data: Path, split: str, origin: str) -> Path:
    if split not in spec.files:
        raise RecipeError(
            f"task {spec.name!r} has no split {split!r}; splits here: {', '.join(spec.files)}"
            f"{did_you_mean(split, spec.files)}"
        )
    path = data / spec.files[split]
    if not path.is_file():
        raise DataError(
            f"{path}: no such file (split {split!r} of task {spec.name!r}). The data folder is {data}, from {origin}."
        )
    return path


def _subset(spec: TaskSpec, split: str, examples: tuple[Example, ...]) -> tuple[Example, ...]:
    """A fixed random subset, in file order: the first rows would be biased where a file is sorted by label."""
    limit = spec.limit.get(split, len(examples))
    if limit >= len(examples):
        return examples
    key = key_of("limit", spec.name, split)
    chosen = permute(np.arange(limit, dtype=np.int64), len(examples), key)
    return tuple(examples[int(index)] for index in np.sort(chosen))


def _example(spec: TaskSpec, row: Row, identity: str, hidden: bool) -> Example:
    if spec.kind == "tagging":
        words = _strings(row, spec.fields[0])
        return Example(identity, (), words, None if hidden else _tags(spec, row, words))
    texts = tuple(_text(row, name) for name in spec.fields)
    if hidden:
        return Example(identity, texts, (), None)
    label = _score(spec, row) if spec.kind == "regression" else _class(spec, row)
    return Example(identity, texts, (), label)


def _text(row: Row, name: str) -> str:
    value = row.values[name]
    if not isinstance(value, str):
        raise DataError(f"{row.place}: column {name!r} is {value!r}, but text is expected.")
    return value


def _strings(row: Row, name: str) -> tuple[str, ...]:
    value = row.values[name]
    if not isinstance(value, list) or not value or not all(isinstance(word, str) for word in value):
        raise DataError(f"{row.place}: column {name!r} is {value!r}, but a list of one or more words is expected.")
    return tuple(value)


def _class(spec: TaskSpec, row: Row) -> str:
    given = _as_text(row.values[spec.label])
    return _checked(spec, spec.label_values.get(given, given), given, row.place)


def _as_text(value: Any) -> str:
    """Labels are matched as text, whatever type the format gave them; JSON's true is "true"."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _checked(spec: TaskSpec, name: str, given: str, place: str) -> str:
    if name not in spec.labels:
        allowed = list(spec.label_values) or list(spec.labels)
        raise DataError(
            f"{place}: label {given!r} is not one of task {spec.name!r}; allowed: {', '.join(allowed)}"
            f"{did_you_mean(given, allowed)}"
        )
    return name


def _score(spec: TaskSpec, row: Row) -> float:
    low, high = spec.score_range
    value = row.values[spec.label]
    try:
        score = float(value)
    except (TypeError, ValueError):
        score = math.nan
    if not low <= score <= high:
        raise DataError(
            f"{row.place}: column {spec.label!r} is {value!r}, but task {spec.name!r} declares scores from {low:g} "
            f"to {high:g}."
        )
    return score


def _tags(spec: TaskSpec, row: Row, words: tuple[str, ...]) -> tuple[str, ...]:
    values = row.values[spec.label]
    if not isinstance(values, list) or len(values) != len(words):
        found = f"{len(values)} tags" if isinstance(values, list) else repr(values)
        raise DataError(f"{row.place}: column {spec.label!r} holds {found} for {len(words)} words.")
    given = tuple(_as_text(value) for value in values)
    tags = tuple(spec.label_values.get(value, value) for value in given)
    if spec.scheme == "iob1":
        tags = bio_from_iob1(tags)
    for index, tag in enumerate(tags):
        _checked(spec, tag, given[index], row.word_place(index))
    wrong = first_break(tags)
    if wrong is not None:
        raise DataError(
            f"{row.word_place(wrong)}: tag {tags[wrong]!r} of {words[wrong]!r} continues no entity of its type; in BIO "
            f"an entity opens with 'B-{tags[wrong][2:]}'. For IOB1 files say tasks.{spec.name}.scheme: iob1."
        )
    return tags
