"""Documents out of the bytes of a text file, from any document's start on; never a whole file in memory."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import BinaryIO

from tokenization.errors import DataError
from tokenization.reading.faults import Faults
from tokenization.reading.files import SourceFile
from tokenization.reading.line_numbers import LineNumbers
from tokenization.reading.opening import READ_ERRORS, cannot_be_read, opened
from tokenization.reading.text_formats import FORMATS, Malformed, is_blank

LONGEST = 1 << 26  # bytes of a document, and so of a line
_PIECE = 1 << 20  # a line is read by so many bytes: the longest one must not fill the memory
_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def text_cells(
    source: SourceFile, start: int, stop: int | None, field: str, faults: Faults
) -> Iterator[tuple[str, str]]:
    """Yield (text, origin) of the documents that begin at the bytes start … stop - 1 (None: to the end).

    Both must be 0 or stand where `first_bound` found a document's start. Text is UTF-8; a byte-order mark is dropped
    and `\\r\\n` ends a line as `\\n` does. Offsets in origins and messages count the bytes of the decompressed text.
    """
    form, place = FORMATS[source.format], source.place
    with ExitStack() as stack:
        lines = LineNumbers(place, stack)
        for offset, raw, size in _readable(place, start, stop, form.opens, faults):
            try:
                text = form.parse(_decoded(raw, offset, size, place, lines), field)
            except Malformed as error:
                faults.meet(DataError(f"{place}:{lines.at(offset)}: {error}"))
            except DataError as error:
                faults.meet(error)
            else:
                yield text, f"{place} byte {offset}"


def first_bound(handle: BinaryIO, at: int, opens: Callable[[bytes], bool]) -> int | None:
    """The first offset at or after `at` (above 0) where a line begins a document, or None."""
    handle.seek(at - 1)
    offset, fresh = at - 1, False
    for raw in iter(partial(handle.readline, _PIECE), b""):
        if fresh and opens(raw):
            return offset
        offset += len(raw)
        fresh = raw.endswith(b"\n")
    return None


def _readable(
    place: str, start: int, stop: int | None, opens: Callable[[bytes], bool], faults: Faults
) -> Iterator[tuple[int, bytes, int]]:
    """The raw documents as far as the file can be read; what is wrong with the rest is told."""
    try:
        with opened(place) as handle:
            if start:
                handle.seek(start)
            yield from _raw_documents(handle, start, sys.maxsize if stop is None else stop, opens)
    except READ_ERRORS as error:
        faults.meet(cannot_be_read(place, error))


def _raw_documents(
    handle: BinaryIO, start: int, stop: int, opens: Callable[[bytes], bool]
) -> Iterator[tuple[int, bytes, int]]:
    """Yield (offset, bytes, number of bytes) of the lines that belong together; too long ones without their bytes."""
    kept: list[bytes] = []
    first, offset, size, fresh = start, start, 0, True
    for raw in iter(partial(handle.readline, _PIECE), b""):
        if fresh and offset >= stop:
            break
        if fresh and size and opens(raw):
            yield first, b"".join(kept), size
            kept, size = [], 0
        offset += len(raw)
        fresh = raw.endswith(b"\n")
        if not size and is_blank(raw):
            continue
        first = first if size else offset - len(raw)
        size += len(raw)
        if size <= LONGEST:
            kept.append(raw)
        else:
            kept.clear()
    if size:
        yield first, b"".join(kept), size


def _decoded(raw: bytes, offset: int, size: int, place: str, lines: LineNumbers) -> str:
    if size > LONGEST:
        raise Malformed(
            f"a document or line of {size:,} bytes (at byte {offset}); at most {LONGEST:,} are read. Part the text "
            "into documents, with the line ends or blank lines that its format asks for."
        )
    body = raw.removeprefix(_MARK) if offset == 0 else raw
    skipped = offset + len(raw) - len(body)
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        at = skipped + error.start
        utf16 = offset == 0 and body.startswith(_UTF16_MARKS)
        convert = (
            "It begins as UTF-16 does: convert it with `iconv -f UTF-16 -t UTF-8`."
            if utf16
            else "Mend the byte, or convert the file from its own encoding, such as `iconv -f LATIN1 -t UTF-8` or, "
            "for Chinese, `iconv -f GB18030 -t UTF-8`."
        )
        raise DataError(
            f"{place}: not UTF-8 at byte {at} (line {lines.at(at)}): {error.reason}, byte 0x{body[error.start]:02x}. "
            f"{convert}"
        ) from None
    if "\0" in text:
        at = skipped + body.index(b"\0")
        raise DataError(
            f"{place}: a NUL at byte {at} (line {lines.at(at)}): is this a binary file, or text in UTF-16? "
            "Convert it to UTF-8 (for instance `iconv -f UTF-16 -t UTF-8`), or take it out."
        )
    return text.replace("\r\n", "\n") if "\r" in text else text
