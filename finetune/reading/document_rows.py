"""Rows of documents: JSON, JSON lines, parquet."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow
import pyarrow.parquet

from finetune.reading.archive import DataFile
from finetune.reading.row import Row, check_columns, lines_in, text_in
from finetune.tasks.spec import TaskSpec
from tokenization.errors import DataError


def jsonl_rows(file: DataFile, spec: TaskSpec, needed: tuple[str, ...]) -> Iterator[Row]:
    for number, line in enumerate(lines_in(file), 1):
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


def json_rows(file: DataFile, spec: TaskSpec, needed: tuple[str, ...]) -> Iterator[Row]:
    """A list of rows, or an object that holds one; any other object is a single row.

    A row that is a list itself (as in C3) has the places of its elements for column names.
    """
    try:
        document = json.loads(text_in(file))
    except json.JSONDecodeError as error:
        lines = " A JSON object per line is `format: jsonl`." if error.msg == "Extra data" else ""
        place = f"{file}, line {error.lineno}, column {error.colno}"
        raise DataError(f"{place}: not valid JSON ({error.msg}).{lines}") from None
    for number, element in enumerate(elements(document, needed), 1):
        values = {str(index): value for index, value in enumerate(element)} if isinstance(element, list) else element
        row = Row(file, number, values, unit="row")
        if not isinstance(values, dict):
            raise DataError(f"{row.place}: a JSON object is expected, given {type(values).__name__}.")
        check_columns(row.place, list(values), needed)
        yield row


def elements(document: Any, needed: tuple[str, ...]) -> list[Any]:
    """A document's rows; an object that has the columns which are read is one, whatever lists it holds."""
    if isinstance(document, list):
        return document
    if not isinstance(document, dict) or (needed and set(needed) <= set(document)):
        return [document]
    lists = [value for value in document.values() if _is_rows(value)]
    return lists[0] if len(lists) == 1 else [document]


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(element, dict) for element in value)


def json_of_either_kind(file: DataFile, spec: TaskSpec, needed: tuple[str, ...]) -> Iterator[Row]:
    """A .json file may be one document, or, as CLUE's are, a document per line."""
    lines = [line for line in lines_in(file) if line.strip()]
    return (jsonl_rows if _are_documents(lines, needed) else json_rows)(file, spec, needed)


def _are_documents(lines: Sequence[str], needed: tuple[str, ...]) -> bool:
    try:
        first = json.loads(lines[0]) if lines else None
    except json.JSONDecodeError:
        return len(lines) > 1 and lines[1].lstrip().startswith("{") and lines[0].lstrip().startswith("{")
    return isinstance(first, dict) and (len(lines) > 1 or elements(first, needed) == [first])


def parquet_rows(file: DataFile, spec: TaskSpec, needed: tuple[str, ...]) -> Iterator[Row]:
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
