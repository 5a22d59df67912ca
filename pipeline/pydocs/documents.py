"""The corpus: a document per module, a paragraph a line; long modules become several documents.

As in a printed manual, a definition's signature stands on the line above its text.
"""

from collections.abc import Iterable, Iterator

from pipeline.pydocs.paragraphs import Paragraph
from pipeline.pydocs.reading import Reading, Record

_LONGEST = 20_000  # characters, so that a held-out share of documents is a like share of the text
_LONGEST_SIGNATURE = 200  # characters
_FEWEST_LINES = 3  # sentence pairs need documents of several sentences
_LONG_LINE = 8  # words; shorter lines may repeat, since dropping them would tear texts apart


def documents(readings: Iterable[Reading]) -> Iterator[dict[str, str]]:
    """Documents as `{"text", "module", "name"}`; `name` is the first definition in it, empty for the module."""
    seen: set[str] = set()
    for reading in readings:
        for name, lines in _parts(reading.records, seen):
            if len(lines) >= _FEWEST_LINES:
                yield {"text": "\n".join(lines), "module": reading.module, "name": name}


def _parts(records: tuple[Record, ...], seen: set[str]) -> Iterator[tuple[str, list[str]]]:
    name, lines, size = "", list[str](), 0
    for record in records:
        fresh = [paragraph.text for paragraph in record.paragraphs if _is_kept(paragraph, seen)]
        if fresh and record.signature and len(record.signature) <= _LONGEST_SIGNATURE:
            fresh.insert(0, " ".join(record.signature.split()))
        if lines and size + sum(map(len, fresh)) > _LONGEST:
            yield name, lines
            lines, size = [], 0
        if not lines:
            name = record.name
        lines.extend(fresh)
        size += sum(map(len, fresh))
    if lines:
        yield name, lines


def _is_kept(paragraph: Paragraph, seen: set[str]) -> bool:
    if len(paragraph.text.split()) < _LONG_LINE:
        return True
    new = paragraph.key not in seen
    seen.add(paragraph.key)
    return new
