"""A stream of rows put down on disk as numbered blocks, so that it can be read by many and again.

`store/spools/<hash of what is streamed>/block-00000.parquet`, …, and `complete.json` last. A block is written aside
and renamed; an interrupted spool goes on after the last block that is there.
"""

from collections.abc import Callable, Iterator
from itertools import chain, count, islice, takewhile
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from tokenization import atomic, fingerprint
from tokenization.errors import DataError
from tokenization.locking import locked
from tokenization.reading.tables import open_dataset, require_text_column
from tokenization.spec import CorpusSpec

# Small enough that some hundred megabytes of text keep many cores busy, and that a kill costs little.
BLOCK_BYTES = 1 << 25
_GROUP_BYTES = 1 << 22
_COMPLETE = "complete.json"


def spooled(
    spec: CorpusSpec, place: str, store: Path, say: Callable[[str], None] | None = None, size: int = BLOCK_BYTES
) -> Iterator[Path]:
    """Yield the block files of a streamed dataset, writing those that are not there yet.

    Where blocks end depends on the stream and on `size` alone: whoever needs only the first documents stops asking,
    and whoever needs more goes on where they stopped.

    Args:
        size: UTF-8 bytes of text in a block.

    Raises:
        DataError: the stream cannot be opened or read, or has no such column.
        RunError: the disk is full.
    """
    folder = store / "spools" / _identity(spec, place, size)
    before = _present(folder, 0)
    yield from before
    if (folder / _COMPLETE).exists():
        return
    with locked(store / "locks" / f"spool-{folder.name}", say):
        files = [*before, *_present(folder, len(before))]  # another process may have gone on
        yield from files[len(before) :]
        if not (folder / _COMPLETE).exists():
            yield from _written(spec, place, folder, files, size, say)


def _identity(spec: CorpusSpec, place: str, size: int) -> str:
    """A public name stands for its content, as everywhere; files of this machine are told by size and time."""
    files = sorted(file for file in Path(place).rglob("*") if file.is_file()) if Path(place).is_absolute() else []
    stamps = [[str(file.relative_to(place)), file.stat().st_size, file.stat().st_mtime_ns] for file in files]
    return fingerprint.of_value([place, spec.config, spec.split, spec.field, size, stamps])


def _block_file(folder: Path, number: int) -> Path:
    return folder / f"block-{number:05d}.parquet"


def _present(folder: Path, first: int) -> list[Path]:
    return list(takewhile(Path.exists, (_block_file(folder, number) for number in count(first))))


def _written(
    spec: CorpusSpec, place: str, folder: Path, files: list[Path], size: int, say: Callable[[str], None] | None
) -> Iterator[Path]:
    """Write and yield the blocks that follow `files`, and at the end of the stream the mark that all are there."""
    done = sum(pyarrow.parquet.read_metadata(file).num_rows for file in files)
    texts = _texts(spec, place, done)
    for number in count(len(files)):
        head = list(islice(texts, 1))
        if not head:
            break
        file = _block_file(folder, number)
        with atomic.aside(file) as temporary:
            done += _write_block(temporary, chain(head, texts), spec.field, size)
        if say is not None:
            say(f"corpus {spec.name}: {done:,} rows of {place} are on disk")
        yield file
    atomic.write_json(folder / _COMPLETE, {"source": place, "split": spec.split, "rows": done})


def _texts(spec: CorpusSpec, place: str, done: int) -> Iterator[str | None]:
    """The stream's texts after the first `done` rows."""
    row = done
    for cells in _rows(spec, place, done):
        if row == done:
            require_text_column(pyarrow.table({key: [cell] for key, cell in cells.items()}).schema, spec.field, place)
        yield cells[spec.field]
        row += 1


def _rows(spec: CorpusSpec, place: str, done: int) -> Iterator[dict[str, Any]]:
    """The stream's rows after the first `done`."""
    row = done
    rows = open_dataset(spec, place, streaming=True).skip(done)
    try:
        for cells in rows:
            yield cells
            row += 1
    except Exception as error:  # every format and every backend has errors of its own
        raise DataError(
            f"dataset {place} ({spec.split}): the stream broke off at row {row}: {type(error).__name__}: {error}. What "
            "was read is kept: mend the cause and run the same command again to go on."
        ) from None


def _write_block(path: Path, texts: Iterator[str | None], field: str, size: int) -> int:
    """Write texts until `size` bytes are reached or none is left, a row group in memory at a time; returns the rows."""
    schema = pyarrow.schema([(field, pyarrow.large_string())])
    rows = taken = 0
    with pyarrow.parquet.ParquetWriter(path, schema) as writer:
        while taken < size:
            group, grown = _gathered(texts, min(_GROUP_BYTES, size - taken))
            if not group:
                break
            writer.write_table(pyarrow.table([group], schema=schema))
            rows, taken = rows + len(group), taken + grown
    return rows


def _gathered(texts: Iterator[str | None], size: int) -> tuple[list[str | None], int]:
    """The next texts, until they have `size` bytes, and how many they have."""
    group: list[str | None] = []
    taken = 0
    while taken < size:
        for text in islice(texts, 1):
            group.append(text)
            taken += len((text or "").encode()) + 1  # a row of nothing counts too, or a block might never end
            break
        else:
            break
    return group, taken
