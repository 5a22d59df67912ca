"""Cutting a corpus's sources into blocks: the same for every process that asks, however many will read them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from tokenization.errors import DataError
from tokenization.reading.documents import Block, read_block
from tokenization.reading.faults import Faults
from tokenization.reading.files import SourceFile, resolve_files
from tokenization.reading.opening import READ_ERRORS, endings, opened, size_of
from tokenization.reading.spool import BLOCK_BYTES, spooled
from tokenization.reading.tables import Range, dataset_ranges, parquet_ranges
from tokenization.reading.text import first_bound
from tokenization.reading.text_formats import FORMATS
from tokenization.spec import CorpusSpec

__all__ = ["BLOCK_BYTES", "Block", "all_blocks", "plan_blocks", "read_block"]

Say = Callable[[str], None]

_PACKED = 4  # text is about so much larger than its compressed file


def plan_blocks(
    spec: CorpusSpec, store: Path | None, size: int = BLOCK_BYTES, say: Say | None = None
) -> tuple[Block, ...]:
    """Cut a corpus into blocks of about `size` bytes of text, in the order of its documents.

    Uncompressed text is cut where a document begins, tables between rows; a compressed file is one block, since
    nothing in its middle can be read without all that stands before. Where `spec.documents` is set, the documents are
    counted, and the last block says how many of it are to be read.

    Args:
        store: where a stream is spooled; only streams need it.
        say: told what takes time.

    Raises:
        DataError: a source is missing, or malformed so that it cannot be counted.
        RunError: the disk is full.
    """
    blocks = all_blocks(spec, store, size, say)
    return tuple(blocks if spec.documents is None else _first_documents(spec, blocks, spec.documents))


def all_blocks(
    spec: CorpusSpec, store: Path | None, size: int = BLOCK_BYTES, say: Say | None = None
) -> Iterator[Block]:
    """The blocks of all documents, whatever `spec.documents` says; nothing is cut or spooled before it is asked for."""
    for source in _files(spec, store, say):
        for start, stop, taken in _ranges(spec, source, size):
            yield Block(source, start, stop, spec.weight(source.entry), taken)


def _first_documents(spec: CorpusSpec, blocks: Iterator[Block], documents: int) -> Iterator[Block]:
    left = documents
    for block in blocks:
        found = sum(1 for _ in islice(read_block(spec, block, Faults(spec.skip_bad)), left))
        if found == left:
            yield replace(block, documents=left)
            return
        yield block
        left -= found


def _files(spec: CorpusSpec, store: Path | None, say: Say | None) -> Iterator[SourceFile]:
    """The sources, and in place of a stream the files it is spooled to."""
    for source in resolve_files(spec):
        if source.format == "dataset" and spec.streaming:
            assert store is not None, "a stream is spooled in a store"
            for file in spooled(spec, source.place, store, say):
                yield SourceFile(str(file), "parquet", source.entry)
        else:
            yield source


def _ranges(spec: CorpusSpec, source: SourceFile, size: int) -> Iterator[tuple[int, int | None, int]]:
    if source.format in FORMATS:
        return _byte_ranges(source, size)
    if source.format == "dataset":
        return _open_ended(dataset_ranges(spec, source.place, size))
    try:
        return _open_ended(parquet_ranges(source.place, spec.field, size))
    except DataError:
        return iter([(0, None, 0)])  # said, or skipped, when it is read


def _open_ended(ranges: list[Range]) -> Iterator[tuple[int, int | None, int]]:
    yield from ranges[:-1]
    yield (ranges[-1][0], None, ranges[-1][2]) if ranges else (0, None, 0)


def _byte_ranges(source: SourceFile, size: int) -> Iterator[tuple[int, int | None, int]]:
    try:
        whole = size_of(source.place)
        bounds = [] if endings(source.place)[1] or not whole else _bounds(source, whole, size)
    except (*READ_ERRORS, ValueError):  # ValueError: what fsspec says of a server that sends no ranges
        whole, bounds = None, []  # not seekable, or not readable, which is said when it is read
    if whole is not None and endings(source.place)[1]:
        whole *= _PACKED
    starts = [0, *bounds]
    for start, stop in zip(starts, [*bounds, None], strict=True):
        yield start, stop, (stop or whole or start + size) - start


def _bounds(source: SourceFile, whole: int, size: int) -> list[int]:
    """Where a file is cut: at the first document that begins at or after `size` bytes from the last cut."""
    opens = FORMATS[source.format].opens
    bounds: list[int] = []
    with opened(source.place, unpack=False) as handle:
        at: int | None = size
        while at is not None and at < whole:
            at = first_bound(handle, at, opens)
            if at is not None:
                bounds.append(at)
                at += size
    return bounds
