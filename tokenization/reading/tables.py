"""Texts out of columns: parquet files, and datasets of the `datasets` library; whole or by ranges of rows."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from tokenization.errors import DataError, did_you_mean
from tokenization.reading.characters import foreign_in
from tokenization.reading.faults import Faults
from tokenization.reading.files import SourceFile, is_saved_dataset
from tokenization.reading.opening import cannot_be_read, is_url, opened
from tokenization.spec import CorpusSpec

_ROWS_AT_ONCE = 256
_BYTES_AT_ONCE = 1 << 23
# Without a buffer, or with `pre_buffer`, Arrow reads a row group's whole column before its first row.
_BUFFER = 1 << 20

Range = tuple[int, int, int]  # first row, one past the last, bytes of text between them (about)


def parquet_ranges(place: str, field: str, size: int) -> list[Range]:
    """Cut a parquet file into row ranges of about `size` bytes of text; one that begins within a row group has to
    decode the rows before it.

    Raises:
        DataError: not a parquet file, or no such column.
    """
    with _parquet(place, field) as file:
        return _cut([(group.stop - group.first, group.bytes) for group in _row_groups(file, field)], size)


def parquet_cells(
    source: SourceFile, start: int, stop: int | None, field: str, faults: Faults
) -> Iterator[tuple[str, str]]:
    """Yield (text, origin) of a parquet file's column, some rows in memory at a time; null is empty text."""
    try:
        with _parquet(source.place, field) as file:
            yield from _cells(_column(file, field, start, stop), start, source.place, faults)
    except DataError as error:
        faults.meet(error)


def dataset_ranges(spec: CorpusSpec, place: str, size: int) -> list[Range]:
    """Cut a dataset into row ranges of about `size` bytes.

    Raises:
        DataError: it cannot be opened, or has no such split or column.
    """
    rows = open_dataset(spec, place)
    require_text_column(rows.features.arrow_schema, spec.field, f"{place} ({spec.split})")
    stored = rows.data.column(spec.field)
    share = stored.nbytes // max(len(stored), 1)  # a selection of rows may be fewer than are stored
    return _cut([(len(rows), share * len(rows))], size)


def dataset_cells(
    spec: CorpusSpec, place: str, start: int, stop: int | None, faults: Faults
) -> Iterator[tuple[str, str]]:
    """Yield (text, origin) of a dataset: a folder of `save_to_disk`, a folder of data files, or a public name.

    Raises:
        DataError: it cannot be opened, or has no such split or column.
    """
    where = f"{place} ({spec.split})"
    rows = open_dataset(spec, place)
    require_text_column(rows.features.arrow_schema, spec.field, where)
    wanted = rows.select_columns([spec.field]).select(range(start, len(rows) if stop is None else stop))
    yield from _cells((row[spec.field] for row in wanted), start, where, faults)


def _cells(texts: Iterable[str | None], start: int, where: str, faults: Faults) -> Iterator[tuple[str, str]]:
    """Each text with its row; those that hold what no text may are told."""
    for row, text in enumerate(texts, start):
        foreign = foreign_in(text or "")
        if foreign:
            faults.meet(DataError(f"{where} row {row}: {foreign}"))
        else:
            yield text or "", f"{where} row {row}"


def open_dataset(spec: CorpusSpec, place: str, streaming: bool = False) -> Any:
    """Open one split of a dataset.

    Raises:
        DataError: it cannot be opened, or has no such split.
    """
    import datasets  # a second of import that only this format needs

    try:
        if not is_saved_dataset(Path(place)):
            return datasets.load_dataset(place, spec.config, split=spec.split, streaming=streaming)
        saved = datasets.load_from_disk(place)
    except (ValueError, OSError, datasets.exceptions.DatasetsError) as error:
        raise DataError(
            f"dataset {place}, split {spec.split!r}: {error}\nCorrect the name or the split, or save the dataset with "
            "`save_to_disk` where there is a network and name that folder."
        ) from None
    if isinstance(saved, datasets.DatasetDict):
        if spec.split not in saved:
            raise DataError(
                f"dataset {place}: no split {spec.split!r}; there are: {', '.join(map(repr, saved))}"
                f"{did_you_mean(spec.split, saved) or '.'} Set the corpus's `split`."
            )
        saved = saved[spec.split]
    return saved.to_iterable_dataset() if streaming else saved


def require_text_column(schema: Any, field: str, where: str) -> None:
    """Refuse a table without the column, or whose column holds no text."""
    if field not in schema.names:
        raise DataError(
            f"{where}: no column {field!r}; there are: {', '.join(map(repr, schema.names)) or 'none'}"
            f"{did_you_mean(field, schema.names) or '.'} Set the corpus's `field`."
        )
    kind = schema.field(field).type
    kind = kind.value_type if pyarrow.types.is_dictionary(kind) else kind
    texts = (pyarrow.types.is_string, pyarrow.types.is_large_string, pyarrow.types.is_string_view)
    if not (pyarrow.types.is_null(kind) or any(is_text(kind) for is_text in texts)):
        raise DataError(f"{where}: column {field!r} holds {kind}, not text. Set the corpus's `field`.")


@contextmanager
def _parquet(place: str, field: str) -> Iterator[Any]:
    """A parquet file that has the column."""
    try:
        with ExitStack() as stack:
            # Arrow opens a local file by itself, and reads it faster than through Python.
            handle = stack.enter_context(opened(place, unpack=False)) if is_url(place) else place
            file = stack.enter_context(pyarrow.parquet.ParquetFile(handle, buffer_size=_BUFFER, pre_buffer=False))
            require_text_column(file.schema_arrow, field, place)
            yield file
    except OSError as error:
        raise cannot_be_read(place, error) from None
    except ValueError as error:  # of Arrow, of text that is not UTF-8, of a server that does not send parts
        raise DataError(f"{place}: not a whole parquet file: {error}. Fetch or write the file again.") from None


@dataclass(frozen=True)
class _RowGroup:
    """Some rows first … stop - 1 that were written together, and the bytes of one column in them."""

    number: int
    first: int
    stop: int
    bytes: int


def _row_groups(file: Any, field: str) -> list[_RowGroup]:
    metadata = file.metadata
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    starts = [0, *accumulate(group.num_rows for group in groups)]
    names = [metadata.schema.column(at).path for at in range(metadata.num_columns)]
    sizes = [group.column(names.index(field)).total_uncompressed_size for group in groups]
    return [
        _RowGroup(number, *rows, size) for number, (rows, size) in enumerate(zip(pairwise(starts), sizes, strict=True))
    ]


def _column(file: Any, field: str, start: int, stop: int | None) -> Iterator[Any]:
    """The column's values in the rows start … stop - 1, decoding only the row groups in which they lie."""
    wanted = [
        group for group in _row_groups(file, field) if group.stop > start and (stop is None or group.first < stop)
    ]
    average = sum(group.bytes for group in wanted) // max(sum(group.stop - group.first for group in wanted), 1)
    at_once = max(1, min(_ROWS_AT_ONCE, _BYTES_AT_ONCE // max(average, 1)))
    row = wanted[0].first if wanted else 0
    for batch in file.iter_batches(at_once, row_groups=[group.number for group in wanted], columns=[field]):
        left = None if stop is None else max(stop - row, 0)
        if left == 0:
            return
        yield from batch.column(0)[max(start - row, 0) : left].to_pylist()
        row += batch.num_rows


def _cut(groups: list[tuple[int, int]], size: int) -> list[Range]:
    """Row ranges of about `size` bytes out of (rows, bytes) of consecutive groups.

    A large group comes in equal parts, small ones together: opening a file costs more than a small group.
    """
    ranges: list[Range] = []
    row = 0
    for rows, taken in groups:
        parts = max(1, min(rows, round(taken / size)))
        bounds = [row + rows * part // parts for part in range(parts + 1)]
        for low, high in pairwise(bounds):
            joined = bool(ranges) and ranges[-1][2] + taken // parts <= size
            first, _, before = ranges.pop() if joined else (low, low, 0)
            ranges.append((first, high, before + taken // parts))
        row += rows
    return ranges
