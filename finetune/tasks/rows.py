"""File formats: a file's rows as named columns, each with the place to name when something is wrong."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow
import pyarrow.parquet

from finetune.tasks.archive import DataFile
from finetune.tasks.spec import TaskSpec
from tokenization.errors import DataError, did_you_mean

_DOCUMENT = "-DOCSTART-"
Reader = Callable[[DataFile, TaskSpec, tuple[str, ...]], Iterator["Row"]]


@dataclass(frozen=True)
class Row:
    """One example as the file has it.

    Attributes:
        file, line: where it begins, from 1.
        values: column name → value.
        stacked: each word stands on a line of its own.
        unit: what `line` counts: rows where the file has no lines of its own for them.
    """

    file: DataFile | str
    line: int
    values: Mapping[str, Any]
    stacked: bool = False
    unit: str = "line"

    @property
    def place(self) -> str:
        return f"{self.file}, {self.unit} {self.line}"

    def part(self, values: Mapping[str, Any], unit: str, number: int) -> "Row":
        """What stands within this row as a row of its own, such as its third question."""
        return Row(self.place, number, values, unit=unit)

    def word_place(self, index: int) -> str:
        """Where the index-th word stands."""
        return f"{self.file}, line {self.line + index}" if self.stacked else f"{self.place}, word {index + 1}"


def read_rows(file: DataFile, spec: TaskSpec, needed: tuple[str, ...]) -> Iterator[Row]:
    """The rows of a task's file, in order, by its declared format or its ending.

    Raises:
        DataError: an unknown ending, broken UTF-8, a missing column, or a row of another shape, with its place.
    """
    return _READERS[_format_of(file, spec)](file, spec, needed)


def check_columns(place: str, columns: Sequence[str], needed: Iterable[str]) -> None:
    """Refuse a table without a column that is read.

    Raises:
        DataError: a column is not there, or there more than once.
    """
    for name in needed:
        if columns.count(name) == 1:
            continue
        there = ", ".join(repr(column) for column in columns) or "none"
        wrong = f"column {name!r} stands there more than once" if name in columns else f"there is no column {name!r}"
        near = "" if name in columns else did_you_mean(name, columns)
        raise DataError(f"{place}: {wrong}; columns here: {there}{near}")


def _format_of(file: DataFile, spec: TaskSpec) -> str:
    if spec.format != "auto":
        return spec.format
    if file.suffix not in _ENDINGS:
        raise DataError(
            f"{file}: cannot tell the format from the ending {file.suffix!r}; known endings: "
            f"{', '.join(_ENDINGS)}. Say it in tasks.{spec.name}.format: {', '.join(_NAMED)}."
        )
    return _ENDINGS[file.suffix]


def _tsv(file: DataFile, spec: TaskSpec, needed: tuple[str, ...]) -> Iterator[Row]:
    """Tab-separated, never quoted: a quotation mark is text and a line feed ends a row."""
    return _table(file, spec, needed, _tsv_lines(file), "Columns are parted by single tabs and never quoted.")


def _tsv_lines(file: DataFile) -> Iterator[tuple[int, list[str]]]:
    """Lines cut at tabs, each with its number.

    QQP as GLUE distributes it has a few questions with a line feed inside. Such a row is put together again where it
    can be nothing else: both lines are too short, together they are whole, and quotation marks stand around the break.
    """
    width, opened = 0, None
    for number, line in enumerate(_lines(file), 1):
        cells = line.split("\t")
        width = width or len(cells)
        if opened is not None:
            first, before = opened
            opened = None
            if cells[0].endswith('"') and len(cells) < width and len(before) + len(cells) - 1 == width:
                yield first, [*before[:-1], f"{before[-1]}\n{cells[0]}", *cells[1:]]
                continue
            yield first, before
        if len(cells) < width and cells[-1].startswith('"'):
            opened = number, cells
        else:
            yield number, cells
    if opened is not None:
        yield opened


def _csv(file: DataFile, spec: TaskSpec, needed: tuple[str, ...]) -> Iterator[Row]:
    """Comma-separated, quoted as RFC 4180 says: a quoted field may hold commas, line feeds and doubled quotes."""
    hint = "Columns are parted by commas; for columns parted by tabs say `format: tsv`."
    return _table(file, spec, needed, _csv_lines(file), hint)


def _csv_lines(file: DataFile) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(_text(file), newline=""), strict=True)
    first = 1
    try:
        for cells in reader:
            yield first, cells
            first = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{file}, line {first}: not valid CSV ({error}). In CSV a quotation mark inside a quoted field is doubled; "
            "for text that is never quoted say `format: tsv`, with tabs."
        ) from None


def _table(
    file: DataFile, spec: TaskSpec, needed: tuple[str, ...], lines: Iterable[tuple[int, list[str]]], hint: str
) -> Iterator[Row]:
    """Rows under the header, or under the declared columns where the first line does not hold them."""
    columns: list[str] = []
    for number, cells in lines:
        if not columns:
            headless = bool(spec.columns) and not set(spec.fields) <= set(cells)
            columns = _declared(spec, len(cells), needed) if headless else cells
            check_columns(f"{file}, line {number}", columns, needed)
            if not headless:
                continue
        if len(cells) != len(columns):
            raise DataError(
                f"{file}, line {number}: {len(cells)} columns, but {len(columns)} are expected "
                f"({', '.join(columns)}). {hint}"
            )
        yield Row(file, number, dict(zip(columns, cells, strict=True)))


def _declared(spec: TaskSpec, cells: int, needed: tuple[str, ...]) -> list[str]:
    """The columns of a file without a header; where the split hides its labels, their column may not be there."""
    without = [name for name in spec.columns if name != spec.label or name in needed]
    return without if cells == len(without) else list(spec.columns)


def _jsonl(file: DataFile, spec: TaskSpec, needed: tuple[str, ...]) -> Iterator[Row]:
    for number, line in enumerate(_lines(file), 1):
        place = f"{file}, line {number}"
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(f"{place}, column {error.colno}: not valid JSON ({error.msg}).") from None
        if not isinstance(values, dict):
            raise DataError(f"{place}: a JSON object per line is expected, given {type(values).__name__}.")
        check_columns(place, list(values), needed)
        yield Row(file, number, values)


def _json(file: DataFile, spec: TaskSpec, needed: tuple[str, ...]) -> Iterator[Row]:
    """A list of rows, or an object that holds one; any other object is a single row.

    A row that is a list itself (as in C3) has the places of its elements for column names.
    """
    try:
        document = json.loads(_text(file))
    except json.JSONDecodeError as error:
        lines = " A JSON object per line is `format: jsonl`." if error.msg == "Extra data" else ""
        place = f"{file}, line {error.lineno}, column {error.colno}"
        raise DataError(f"{place}: not valid JSON ({error.msg}).{lines}") from None
    for number, element in enumerate(_elements(document, needed), 1):
        values = {str(index): value for index, value in enumerate(element)} if isinstance(element, list) else element
        row = Row(file, number, values, unit="row")
        if not isinstance(values, dict):
            raise DataError(f"{row.place}: a JSON object is expected, given {type(values).__name__}.")
        check_columns(row.place, list(values), needed)
        yield row


def _elements(document: Any, needed: tuple[str, ...]) -> list[Any]:
    """A document's rows; an object that has the columns which are read is one, whatever lists it holds."""
    if isinstance(document, list):
        return document
    if not isinstance(document, dict) or (needed and set(needed) <= set(document)):
        return [document]
    lists = [value for value in document.values() if _is_rows(value)]
    return lists[0] if len(lists) == 1 else [document]


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(element, dict) for element in value)


def _json_of_either_kind(file: DataFile, spec: TaskSpec, needed: tuple[str, ...]) -> Iterator[Row]:
    """A .json file may be one document, or, as CLUE's are, a document per line."""
    lines = [line for line in _lines(file) if line.strip()]
    return (_jsonl if _are_documents(lines, needed) else _json)(file, spec, needed)


def _are_documents(lines: Sequence[str], needed: tuple[str, ...]) -> bool:
    try:
        first = json.loads(lines[0]) if lines else None
    except json.JSONDecodeError:
        return len(lines) > 1 and lines[1].lstrip().startswith("{") and lines[0].lstrip().startswith("{")
    return isinstance(first, dict) and (len(lines) > 1 or _elements(first, needed) == [first])


def _by_first_line(file: DataFile, spec: TaskSpec, needed: tuple[str, ...]) -> Iterator[Row]:
    """Endings that leave it open: contests call columns parted by tabs .csv, and JSON lines .txt."""
    first = next(iter(_lines(file)), "")
    read = _jsonl if first.startswith("{") else _tsv if "\t" in first else _csv
    return read(file, spec, needed)


def _parquet(file: DataFile, spec: TaskSpec, needed: tuple[str, ...]) -> Iterator[Row]:
    try:
        opened = pyarrow.parquet.ParquetFile(pyarrow.BufferReader(file.read()))
        names = opened.schema_arrow.names
        check_columns(str(file), names, needed)
        read = [name for name in names if name in (*needed, spec.id)] if needed else None
        batches = list(opened.iter_batches(columns=read))
    except pyarrow.ArrowInvalid as error:
        raise DataError(f"{file}: not a readable parquet file ({error}).") from None
    number = 0
    for batch in batches:
        for values in batch.to_pylist():
            number += 1
            yield Row(file, number, values, unit="row")


def _conll(file: DataFile, spec: TaskSpec, needed: tuple[str, ...]) -> Iterator[Row]:
    """A word per line, columns parted by blanks, an empty line between sentences; -DOCSTART- lines are no text."""
    check_columns(str(file), list(spec.columns), needed)
    sentence: list[list[str]] = []
    for number, line in enumerate([*_lines(file), ""], 1):
        cells = line.split()
        if cells and cells[0] != _DOCUMENT:
            if len(cells) != len(spec.columns):
                raise DataError(
                    f"{file}, line {number}: {len(cells)} columns, but {len(spec.columns)} are expected "
                    f"({', '.join(spec.columns)})."
                )
            sentence.append(cells)
        elif sentence:
            values = {
                name: list(column) for name, column in zip(spec.columns, zip(*sentence, strict=True), strict=True)
            }
            yield Row(file, number - len(sentence), values, stacked=True)
            sentence = []


def _text(file: DataFile) -> str:
    """A UTF-8 file without its byte order mark."""
    try:
        return file.read().decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: broken UTF-8 at byte {error.start} ({error.reason}).") from None


def _lines(file: DataFile) -> list[str]:
    """Its lines; only line feeds end a line, as in the suites' own counts."""
    lines = _text(file).replace("\r\n", "\n").split("\n")
    return lines[:-1] if lines[-1] == "" else lines


_NAMED: dict[str, Reader] = {
    "tsv": _tsv,
    "csv": _csv,
    "jsonl": _jsonl,
    "json": _json,
    "parquet": _parquet,
    "conll": _conll,
}
_READERS: dict[str, Reader] = {**_NAMED, "json or jsonl": _json_of_either_kind, "first line": _by_first_line}
_ENDINGS = {
    ".tsv": "tsv",
    ".csv": "first line",
    ".txt": "first line",
    ".jsonl": "jsonl",
    ".json": "json or jsonl",
    ".parquet": "parquet",
    ".conll": "conll",
}
