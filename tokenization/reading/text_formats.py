"""The formats of text: where a document begins, and how it is understood.

A document's start is told by a line alone, whatever stands before it: so a large file can be cut anywhere before such a
line, and its parts hold the same documents as the whole, in the same order. The planner of blocks and the reader ask
the same question, `opens`.
"""

import html
import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from tokenization.errors import did_you_mean
from tokenization.reading.characters import foreign_in
from tokenization.spec import Format

# White space as `str.isspace` has it, in UTF-8.
_BLANK = re.compile(
    rb"(?:[\s\x1c-\x1f]|\xc2[\x85\xa0]|\xe1\x9a\x80|\xe2\x80[\x80-\x8a\xa8\xa9\xaf]|\xe2\x81\x9f|\xe3\x80\x80)*"
)
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
    foreign = foreign_in(value) if value and "\\u" in text else None
    if foreign:
        raise Malformed(f"field {field!r} {foreign}")
    return value or ""


FORMATS: dict[Format, TextFormat] = {
    "text": TextFormat(is_blank, _plain),
    "lines": TextFormat(is_blank, _plain),
    "document": TextFormat(lambda line: False, _plain),
    "jsonl": TextFormat(lambda line: True, _json_field),
    "wikiextractor": TextFormat(lambda line: line.startswith(b"<doc "), _wiki_article),
}
