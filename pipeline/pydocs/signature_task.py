"""Task `signature`: does a summary line belong to a signature?

Rows are made of pairs of functions: both matched, or both with their signatures exchanged. Summaries and signatures
are thus spread alike over both labels, and neither side alone says anything about the answer.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from pipeline.pydocs.heldout import Split
from pipeline.pydocs.identity import key
from pipeline.pydocs.reading import Reading, Record
from pipeline.pydocs.rows import DEV_ROWS, TRAIN_ROWS, Row, Task, choose, keys_of, tally, without

MATCH, MISMATCH = "match", "mismatch"
_FEWEST, _MOST = 3, 40  # words of a summary
_LONGEST = 200  # characters of a signature
_SENTENCE = re.compile(r"^(.*?[.!?])(?=\s+[A-Z]|$)")


def signature_task(split: Split, classes: tuple[str, ...], known: frozenset[str]) -> Task:
    """Rows `{"summary", "signature", "label"}`; `dev_hard` exchanges signatures within a module."""
    train = _distinct(_matched(split.train, classes))
    candidates = _distinct(_matched(split.dev, classes))
    dev = without(candidates, known | keys_of(train))
    some_dev = choose(dev, DEV_ROWS, len(classes))
    splits = {
        "train": _rows(_across_packages(choose(train, TRAIN_ROWS, len(classes)))),
        "dev": _rows(_across_packages(some_dev)),
        "dev_hard": _rows(_within_modules(choose(dev, len(classes) * DEV_ROWS, len(classes))))[:DEV_ROWS],
    }
    labels = {name: tally(row["label"] for row in rows) for name, rows in splits.items()}
    return Task("signature", splits, len(candidates) - len(dev), {"labels": labels})


def summary(record: Record) -> str:
    """The first sentence of the docstring, or nothing where it does not start with prose."""
    if not record.paragraphs or record.paragraphs[0].entry:
        return ""
    text = record.paragraphs[0].text
    sentence = _SENTENCE.match(text)
    return sentence[1] if sentence else text


def _matched(readings: Iterable[Reading], classes: tuple[str, ...]) -> Iterator[Row]:
    for reading in readings:
        if reading.package not in classes:
            continue
        for record in reading.records:
            text, signature = summary(record), record.signature or ""
            takes_something = "(" in signature and "()" not in signature
            if takes_something and len(signature) <= _LONGEST and _FEWEST <= len(text.split()) <= _MOST:
                value = {"summary": text, "signature": signature}
                yield Row(value, record.package, record.module, (key(text), _signature_key(signature)))


def _signature_key(signature: str) -> str:
    """Never equal to the key of a text, which holds no brackets."""
    return f"({' '.join(signature.split())})"


def _distinct(rows: Iterable[Row]) -> list[Row]:
    """Rows such that no summary and no signature comes twice."""
    seen: set[str] = set()
    kept = []
    for row in rows:
        if seen.isdisjoint(row.keys):
            kept.append(row)
        seen.update(row.keys)
    return kept


def _across_packages(rows: list[Row]) -> Iterator[tuple[Row, Row]]:
    """Couples of rows from different packages; a row that finds no partner is left out."""
    waiting: list[Row] = []
    for row in rows:
        if waiting and waiting[-1].package != row.package:
            yield waiting.pop(), row
        else:
            waiting.append(row)  # all that wait are of one package


def _within_modules(rows: list[Row]) -> Iterator[tuple[Row, Row]]:
    """Couples of rows from the same module."""
    waiting: dict[str, Row] = {}
    for row in rows:
        partner = waiting.pop(row.module, None)
        if partner is None:
            waiting[row.module] = row
        else:
            yield partner, row


def _rows(couples: Iterable[tuple[Row, Row]]) -> list[dict[str, Any]]:
    """Every other couple exchanges its signatures."""
    rows = []
    for number, (first, second) in enumerate(couples):
        exchanged = number % 2 == 1
        for row, other in ((first, second), (second, first)):
            signature = (other if exchanged else row).value["signature"]
            label = MISMATCH if exchanged else MATCH
            rows.append({"summary": row.value["summary"], "signature": signature, "label": label})
    return rows
