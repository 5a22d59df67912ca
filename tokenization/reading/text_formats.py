"""Documents out of text: where one begins, and how its bytes are understood.

A document's start is told by a line alone, whatever stands before it: so a large file can be cut anywhere before such a
line, and its parts hold the same documents as the whole, in the same order. The planner of blocks and the reader ask
the same question, `opens`.
"""

import html
import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from tokenization.errors import DataError, did_you_mean
from tokenization.reading.faults import Faults
from tokenization.reading.files import SourceFile
from tokenization.reading.line_numbers import LineNumbers
from tokenization.reading.opening import READ_ERRORS, opened
from tokenization.spec import Format

LONGEST = 1 << 26  # bytes of a document, and so of a line
_PIECE = 1 << 20  # a line is read by so many bytes: the longest one must not fill the memory
_MARK = b"\xef\xbb\xbf"
# White space as `str.isspace` has it, in UTF-8.
_BLANK = re.compile(
    rb"(?:[\s\x1c-\x1f]|\xc2[\x85\xa0]|\xe1\x9a\x80|\xe2\x80[\x80-\x8a\xa8\xa9\xaf]|\xe2\x81\x9f|\xe3\x80\x80)*"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_WIKI_TITLE = re.compile(r'\btitle="(.*)"')


class Malformed(Exception):
    """What is wrong with a document, without its place."""


@dataclass(frozen=True)
class TextFormat:
    """How a format is written.

    Attributes:
        opens: whether a line, given as bytes, begins another document. A blank line may: it is left out, as all are
            at a document's start.
        parse: (a document as it stands in the file, the corpus's field) to its text; raises Malformed.
    """

    opens: Callable[[bytes], bool]
    parse: Callable[[str, str], str]


def is_blank(line: bytes) -> bool:
    """Whether a line holds nothing but white space."""
    return _BLANK.fullmatch(line) is not None


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
        faults.meet(
            DataError(
                f"{place}: it cannot be read to its end: {error}. It is damaged or cut short: fetch or pack it again."
            )
        )


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
        raise DataError(
            f"{place}: not UTF-8 at byte {at} (line {lines.at(at)}): {error.reason}, byte 0x{body[error.start]:02x}. "
            "Convert the file (for instance `iconv -t UTF-8`) or mend the byte."
        ) from None
    if "\0" in text:
        at = skipped + body.index(b"\0")
        raise DataError(
            f"{place}: a NUL at byte {at} (line {lines.at(at)}): is this a binary file, or text in UTF-16? "
            "Convert it to UTF-8 (for instance `iconv -f UTF-16 -t UTF-8`), or take it out."
        )
    return text.replace("\r\n", "\n") if "\r" in text else text


def _plain(text: str, field: str) -> str:
    return text


def _wiki_article(text: str, field: str) -> str:
    """The text of `<doc id= url= title=>` … `</doc>`.

    The title, which WikiExtractor repeats as the first line, is left out: it is no sentence. What it escapes (`&lt;`)
    is put back.
    """
    header, _, rest = text.strip().partition("\n")
    if not header.startswith("<doc "):
        raise Malformed(f"text outside of <doc …>: {header[:60]!r}. Is this a file of WikiExtractor's?")
    if not rest.endswith("</doc>"):
        raise Malformed(f"{header[:80]} is not closed by </doc>: the file is cut short or was changed.")
    title = _WIKI_TITLE.search(header)
    body = html.unescape(rest.removesuffix("</doc>")).lstrip()
    first, _, after = body.partition("\n")
    return after if title is not None and first.strip() == html.unescape(title[1]).strip() else body


def _json_field(text: str, field: str) -> str:
    """The text under a key of one object; null counts as empty."""
    try:
        row = json.loads(text)
    except json.JSONDecodeError as error:
        raise Malformed(
            f"malformed JSON: {error.msg} (column {error.colno}). This format is one JSON object a line."
        ) from None
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, thousands of brackets
        raise Malformed(f"JSON that cannot be read: {error}.") from None
    if not isinstance(row, dict):
        raise Malformed(f"a JSON {type(row).__name__}, where one object a line is expected.")
    if field not in row:
        raise Malformed(
            f"no field {field!r}; there are: {', '.join(map(repr, row)) or 'none'}"
            f"{did_you_mean(field, row) or '.'} Set the corpus's `field`."
        )
    value = row[field]
    if value is not None and not isinstance(value, str):
        raise Malformed(f"field {field!r} holds {type(value).__name__} {value!r:.60}, not text.")
    if value is not None and "\\u" in text and _SURROGATE.search(value):
        raise Malformed(f"field {field!r} holds half a surrogate pair (\\ud800 … \\udfff), which is no character.")
    return value or ""


FORMATS: dict[Format, TextFormat] = {
    "text": TextFormat(is_blank, _plain),
    "lines": TextFormat(is_blank, _plain),
    "document": TextFormat(lambda line: False, _plain),
    "jsonl": TextFormat(lambda line: True, _json_field),
    "wikiextractor": TextFormat(lambda line: line.startswith(b"<doc "), _wiki_article),
}
