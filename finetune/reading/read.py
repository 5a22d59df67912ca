"""A task's files, or its rows on the hub → examples, every label checked against the declared set."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np

from finetune.reading.archive import files_of
from finetune.reading.carve import carved_dev, is_carved
from finetune.reading.hub import hub_rows
from finetune.reading.layouts import columns_read, taken
from finetune.reading.parallel_rows import parallel_rows
from finetune.reading.row import Row
from finetune.reading.rows import read_rows
from finetune.reading.taken import Taken
from finetune.tasks.example import Example, Split
from finetune.tasks.hub_splits import is_on_hub
from finetune.tasks.spec import DEV, TRAIN, TaskSpec
from tokenization.errors import DataError
from training.address import key_of, permute

ORIGIN = "`data:` of the recipe, or else the environment variable TRIPTYCH_DATA"


def read_split(spec: TaskSpec, data: Path, split: str, origin: str = ORIGIN) -> Split:
    """Read a split of a task, in the order of its files.

    A dev set that no file gives is carved from train, which loses those rows. Rows whose label is among `spec.dropped`
    are left out and counted; of a split whose name begins with "test" they stay, without a label.

    Args:
        data: the data folder that `spec.files` is relative to.
        origin: where that folder was named, for the message when a file is not there.

    Raises:
        RecipeError: the task has no such split.
        DataError: a file is missing, empty or malformed, a label is outside the declared set, or an id stands twice.
    """
    if not is_carved(spec, split):
        return _limited(spec, split, _whole(spec, data, split, origin))
    train = _whole(spec, data, TRAIN, origin)
    mine_N = carved_dev(spec, train.examples) == (split == DEV)
    kept = tuple(example for example, mine in zip(train.examples, mine_N, strict=True) if mine)
    return _limited(spec, split, Split(kept, train.dropped if split == TRAIN else 0))


def read_examples(spec: TaskSpec, data: Path, split: str, origin: str = ORIGIN) -> tuple[Example, ...]:
    """The examples of `read_split`."""
    return read_split(spec, data, split, origin).examples


def _whole(spec: TaskSpec, data: Path, split: str, origin: str) -> Split:
    """All rows of a split's files."""
    where, rows = _rows(spec, data, split, origin)
    found = list(taken(spec, rows, split))
    if not any(one.example for one in found):
        raise DataError(f"{where}: no rows; task {spec.name!r} needs at least one in split {split!r}.")
    examples = tuple(_numbered(found))
    return Split(examples, len(found) - len(examples))


def _rows(spec: TaskSpec, data: Path, split: str, origin: str) -> tuple[str, Iterable[Row]]:
    """A split's rows, and the words for where they come from."""
    needed = columns_read(spec, split)
    if is_on_hub(spec, split):
        return hub_rows(spec, data, split, needed)
    files = files_of(spec, data, split, origin)
    if spec.layout == "parallel_lines":
        return ", ".join(map(str, files)), parallel_rows(files, spec, needed)
    rows = (read_rows(file, spec, needed) for file in files)
    return ", ".join(map(str, files)), chain.from_iterable(rows)


def _numbered(found: Iterable[Taken]) -> Iterator[Example]:
    """The examples, those without an id of their own numbered by their place; no id twice."""
    seen: dict[str, str] = {}
    for number, one in enumerate(found):
        if one.example is None:
            continue
        example = one.example if one.example.id else replace(one.example, id=str(number))
        if example.id in seen:
            raise DataError(
                f"{one.place}: id {example.id!r} stands there a second time, first in {seen[example.id]}; predictions "
                "are told apart by it."
            )
        seen[example.id] = one.place
        yield example


def _limited(spec: TaskSpec, split: str, whole: Split) -> Split:
    """A fixed random subset, in file order: the first rows would be biased where a file is sorted by label."""
    size = len(whole.examples)
    limit = spec.limit.get(split, size)
    if limit >= size:
        return whole
    key = key_of("limit", spec.chosen_as, split)
    chosen = permute(np.arange(limit, dtype=np.int64), size, key)
    return replace(whole, examples=tuple(whole.examples[int(index)] for index in np.sort(chosen)), limited=True)
