"""File formats: a file's rows as named columns, each with the place to name when something is wrong."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from finetune.tasks.spec import TaskSpec
from tokenization.errors import DataError, did_you_mean

_DOCUMENT = "-DOCSTART-"


@dataclass(frozen=True)
class Row:
    """One example as the file has it.

    Attributes:
        file, line: where it begins (a row's number where the file has no lines), from 1.
        stacked: each word stands on a line of its own.
        values: column name → value.
    """

    file: Path
    line: int
    values: Mapping[str, Any]
    stacked: bool = False

    @property
    def place(self) -> str:
        return f"{self.file}, line {self.line}"

    def word_place(self, index: int) -> str:
        """Where the index-th word stands."""
        return f"{self.file}, line {self.line + index}" if self.stacked else f"{self.place}, word {index + 1}"


def read_rows(path: Path, spec: TaskSpec, needed: tuple[str, ...]) -> Iterator[Row]:
    """The rows of a task's file, in order, by its declared format or its ending.

    Raises:
        DataError: an unknown ending, broken UTF-8, a missing column, or a row of another shape, with its place.
    """
    return _READERS[_format_of(path, spec)](path, spec, needed)


def _format_of(path: Path, spec: TaskSpec) -> str:
    if spec.format != "auto":
        return spec.format
    if path.suffix not in _ENDINGS:
        raise DataError(
            f"{path}: cannot tell the format from the ending {path.suffix!r}; known endings: "
            f"{', '.join(_ENDINGS)}. Say it in tasks.{spec.name}.format: {', '.join(_READERS)}."
        )
    return _ENDINGS[path.suffix]


def _tsv(path: Path, spec: TaskSpec, needed: tuple[str, ...]) -> Iterator[Row]:
    """Tab-separated, never quoted: a quotation mark is text and a line feed always ends a row."""
    lines = _lines(path)
    if not lines:
        return
    first = lines[0].split("\t")
    headless = bool(spec.columns) and not set(spec.fields) <= set(first)
    columns = list(spec.columns) if headless else first
    _check_columns(f"{path}, line 1", columns, needed)
    for number, line in enumerate(lines, 1):
        cells = line.split("\t")
        if len(cells) != len(columns):
            raise DataError(
                f"{path}, line {number}: {len(cells)} columns, but {len(columns)} are expected "
                f"({', '.join(columns)}). Columns are parted by single tabs and never quoted."
            )
        if headless or number > 1:
            yield Row(path, number, dict(zip(columns, cells, strict=True)))


def _jsonl(path: Path, spec: TaskSpec, needed: tuple[str, ...]) -> Iterator[Row]:
    for number, line in enumerate(_lines(path), 1):
        place = f"{path}, line {number}"
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(f"{place}, column {error.colno}: not valid JSON ({error.msg}).") from None
        if not isinstance(values, dict):
            raise DataError(f"{place}: a JSON object per line is expected, given {type(values).__name__}.")
        _check_columns(place, list(values), needed)
        yield Row(path, number, values)


def _parquet(path: Path, spec: TaskSpec, needed: tuple[str, ...]) -> Iterator[Row]:
    try:
        file = pyarrow.parquet.ParquetFile(path)
        _check_columns(str(path), list(file.schema_arrow.names), needed)
        batches = list(file.iter_batches(columns=list(needed)))
    except pyarrow.ArrowInvalid as error:
        raise DataError(f"{path}: not a readable parquet file ({error}).") from None
    number = 0
    for batch in batches:
        for values in batch.to_pylist():
            number += 1
            yield Row(path, number, values)


def _conll(path: Path, spec: TaskSpec, needed: tuple[str, ...]) -> Iterator[Row]:
    """A word per line, columns parted by blanks, an empty line between sentences; -DOCSTART- lines are no text."""
    _check_columns(str(path), list(spec.columns), needed)
    sentence: list[list[str]] = []
    for number, line in enumerate([*_lines(path), ""], 1):
        cells = line.split()
        if cells and cells[0] != _DOCUMENT:
            if len(cells) != len(spec.columns):
                raise DataError(
                    f"{path}, line {number}: {len(cells)} columns, but {len(spec.columns)} are expected "
                    f"({', '.join(spec.columns)})."
                )
            sentence.append(cells)
        elif sentence:
            values = {
                name: list(column) for name, column in zip(spec.columns, zip(*sentence, strict=True), strict=True)
            }
            yield Row(path, number - len(sentence), values, stacked=True)
            sentence = []


def _lines(path: Path) -> list[str]:
    """Lines of a UTF-8 file without its byte order mark; only line feeds end a line, as in the suites' own counts."""
    data = path.read_bytes()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: broken UTF-8 at byte {error.start} ({error.reason}).") from None
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def _check_columns(place: str, columns: list[str], needed: tuple[str, ...]) -> None:
    for name in needed:
        if columns.count(name) == 1:
            continue
        there = ", ".join(repr(column) for column in columns) or "none"
        wrong = f"column {name!r} stands there more than once" if name in columns else f"there is no column {name!r}"
        near = "" if name in columns else did_you_mean(name, columns)
        raise DataError(f"{place}: {wrong}; columns here: {there}{near}")


_READERS: dict[str, Callable[[Path, TaskSpec, tuple[str, ...]], Iterator[Row]]] = {
    "tsv": _tsv,
    "jsonl": _jsonl,
    "parquet": _parquet,
    "conll": _conll,
}
_ENDINGS = {".tsv": "tsv", ".jsonl": "jsonl", ".json": "jsonl", ".parquet": "parquet", ".conll": "conll"}
