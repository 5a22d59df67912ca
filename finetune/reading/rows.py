"""File formats: a file's rows as named columns, each with the place to name when something is wrong."""

from collections.abc import Callable, Iterator

from finetune.reading.archive import DataFile
from finetune.reading.document_rows import json_of_either_kind, json_rows, jsonl_rows, parquet_rows
from finetune.reading.row import Row, lines_in
from finetune.reading.table_rows import conll_rows, csv_rows, tsv_rows
from finetune.tasks.spec import TaskSpec
from tokenization.errors import DataError

Reader = Callable[[DataFile, TaskSpec, tuple[str, ...]], Iterator[Row]]


def read_rows(file: DataFile, spec: TaskSpec, needed: tuple[str, ...]) -> Iterator[Row]:
    """The rows of a task's file, in order, by its declared format or its ending.

    Raises:
        DataError: an unknown ending, broken UTF-8, a missing column, or a row of another shape, with its place.
    """
    return _READERS[_format_of(file, spec)](file, spec, needed)


def _format_of(file: DataFile, spec: TaskSpec) -> str:
    if spec.format != "auto":
        return spec.format
    if file.suffix not in _ENDINGS:
        raise DataError(
            f"{file}: cannot tell the format from the ending {file.suffix!r}; known endings: "
            f"{', '.join(_ENDINGS)}. Say it in tasks.{spec.name}.format: {', '.join(_NAMED)}."
        )
    return _ENDINGS[file.suffix]


def _by_first_line(file: DataFile, spec: TaskSpec, needed: tuple[str, ...]) -> Iterator[Row]:
    """Endings that leave it open: contests call columns parted by tabs .csv, and JSON lines .txt."""
    first = next(iter(lines_in(file)), "")
    read = jsonl_rows if first.startswith("{") else tsv_rows if "\t" in first else csv_rows
    return read(file, spec, needed)


_NAMED: dict[str, Reader] = {
    "tsv": tsv_rows,
    "csv": csv_rows,
    "jsonl": jsonl_rows,
    "json": json_rows,
    "parquet": parquet_rows,
    "conll": conll_rows,
}
_READERS: dict[str, Reader] = {**_NAMED, "json or jsonl": json_of_either_kind, "first line": _by_first_line}
_ENDINGS = {
    ".tsv": "tsv",
    ".csv": "first line",
    ".txt": "first line",
    ".jsonl": "jsonl",
    ".json": "json or jsonl",
    ".parquet": "parquet",
    ".conll": "conll",
}
