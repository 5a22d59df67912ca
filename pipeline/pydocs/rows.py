"""Rows of a task: a bounded, shuffled choice for training, and a dev set that shares no text with it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pipeline.pydocs.identity import order

TRAIN_ROWS = 10_400
DEV_ROWS = 1_200


@dataclass(frozen=True)
class Row:
    """One example: what is written, where it comes from, and the keys of the texts it shows."""

    value: dict[str, Any]
    package: str
    module: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Task:
    """A task's files: rows by split, and how many dev rows fell because training holds their text."""

    name: str
    splits: dict[str, list[dict[str, Any]]]
    overlapping: int
    details: dict[str, Any] = field(default_factory=dict)


def unique(rows: Iterable[Row]) -> list[Row]:
    """The rows whose texts no earlier row shows."""
    seen: set[tuple[str, ...]] = set()
    kept = []
    for row in rows:
        if row.keys not in seen:
            kept.append(row)
            seen.add(row.keys)
    return kept


def without(rows: Iterable[Row], known: frozenset[str]) -> list[Row]:
    """The rows none of whose texts is known."""
    return [row for row in rows if known.isdisjoint(row.keys)]


def keys_of(rows: Iterable[Row]) -> frozenset[str]:
    return frozenset(key for row in rows for key in row.keys)


def choose(rows: Iterable[Row], limit: int, packages: int) -> list[Row]:
    """At most `limit / packages` rows of each package, shuffled by the texts themselves."""
    shuffled = sorted(rows, key=lambda row: (order(*row.keys), row.keys))
    taken: Counter[str] = Counter()
    chosen = []
    for row in shuffled:
        if taken[row.package] < limit // packages:
            taken[row.package] += 1
            chosen.append(row)
    return chosen


def tally(names: Iterable[str]) -> dict[str, int]:
    """How often each name comes, sorted by name."""
    return dict(sorted(Counter(names).items()))
