"""Rows of tables: tab-separated, comma-separated, and a word a line."""

import csv
import io
from collections.abc import Iterable, Iterator

from finetune.reading.archive import DataFile
from finetune.reading.row import Row, check_columns, lines_in, text_in
from finetune.tasks.spec import TaskSpec
from tokenization.errors import DataError

_DOCUMENT = "-DOCSTART-"


def tsv_rows(file: DataFile, spec: TaskSpec, needed: tuple[str, ...]) -> Iterator[Row]:
    """Tab-separated, never quoted: a quotation mark is text and a line feed ends a row."""
    return _table(file, spec, needed, _tsv_lines(file), "Columns are parted by single tabs and never quoted.")


def _tsv_lines(file: DataFile) -> Iterator[tuple[int, list[str]]]:
    """Lines cut at tabs, each with its number.

    QQP as GLUE distributes it has a few questions with a line feed inside. Such a row is put together again where it
    can be nothing else: both lines are too short, together they are whole, and quotation marks stand around the break.
    """
    width, opened = 0, None
    for number, line in enumerate(lines_in(file), 1):
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


def csv_rows(file: DataFile, spec: TaskSpec, needed: tuple[str, ...]) -> Iterator[Row]:
    """Comma-separated, quoted as RFC 4180 says: a quoted field may hold commas, line feeds and doubled quotes."""
    hint = "Columns are parted by commas; for columns parted by tabs say `format: tsv`."
    return _table(file, spec, needed, _csv_lines(file), hint)


def _csv_lines(file: DataFile) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text_in(file), newline=""), strict=True)
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
        yield Row(file, number, dict(zip(columns, cells, strict=True)), cells=True)


def _declared(spec: TaskSpec, cells: int, needed: tuple[str, ...]) -> list[str]:
    """The columns of a file without a header; where the split hides its labels, their column may not be there."""
    without = [name for name in spec.columns if name != spec.label or name in needed]
    return without if cells == len(without) else list(spec.columns)


def conll_rows(file: DataFile, spec: TaskSpec, needed: tuple[str, ...]) -> Iterator[Row]:
    """A word per line, columns parted by blanks, an empty line between sentences; -DOCSTART- lines are no text."""
    if not spec.columns:
        width = next((len(line.split()) for line in lines_in(file) if line.strip() and _DOCUMENT not in line), 0)
        raise DataError(
            f"{file}: a file of a word a line has no header; name its columns in tasks.{spec.name}.columns, in order "
            f"(there are {width} columns)."
        )
    check_columns(str(file), list(spec.columns), needed)
    columns: list[str] = []
    sentence: list[list[str]] = []
    for number, line in enumerate([*lines_in(file), ""], 1):
        cells = line.split()
        if cells and cells[0] != _DOCUMENT:
            columns = columns or _declared(spec, len(cells), needed)
            if len(cells) != len(columns):
                bare = "" if spec.label in needed else f" Here {spec.label!r} alone may be left out."
                raise DataError(
                    f"{file}, line {number}: {len(cells)} columns, but {len(columns)} are expected "
                    f"({', '.join(columns)}).{bare}"
                )
            sentence.append(cells)
        elif sentence:
            values = {name: list(column) for name, column in zip(columns, zip(*sentence, strict=True), strict=True)}
            yield Row(file, number - len(sentence), values, stacked=True)
            sentence = []
