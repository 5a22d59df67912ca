"""A row of a task's file, and what every format needs to make one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from finetune.reading.archive import DataFile
from tokenization.errors import DataError, did_you_mean


@dataclass(frozen=True)
class Row:
    """One example as the file has it.

    Attributes:
        file, line: where it begins, from 1.
        values: column name → value.
        stacked: each word stands on a line of its own.
        unit: what `line` counts: rows where the file has no lines of its own for them.
        cells: the values are cells of a table: texts, whatever they stand for.
    """

    file: DataFile | str
    line: int
    values: Mapping[str, Any]
    stacked: bool = False
    unit: str = "line"
    cells: bool = False

    @property
    def place(self) -> str:
        return f"{self.file}, {self.unit} {self.line}"

    def part(self, values: Mapping[str, Any], unit: str, number: int) -> "Row":
        """What stands within this row as a row of its own, such as its third question."""
        return Row(self.place, number, values, unit=unit)

    def word_place(self, index: int) -> str:
        """Where the index-th word stands."""
        return f"{self.file}, line {self.line + index}" if self.stacked else f"{self.place}, word {index + 1}"


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


def text_in(file: DataFile) -> str:
    """A UTF-8 file without its byte order mark."""
    try:
        return file.read().decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: broken UTF-8 at byte {error.start} ({error.reason}).") from None


def lines_in(file: DataFile) -> list[str]:
    """Its lines; only line feeds end a line, as in the suites' own counts."""
    lines = text_in(file).replace("\r\n", "\n").split("\n")
    return lines[:-1] if lines[-1] == "" else lines
