"""What is held out: whole modules, chosen by name, and no text that training saw elsewhere."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pipeline.pydocs.identity import order
from pipeline.pydocs.reading import Reading

_HELD_OUT_PERCENT = 12


@dataclass(frozen=True)
class Split:
    """Modules to train on, modules held out, and how many repeated docstrings were left out of both."""

    train: tuple[Reading, ...]
    dev: tuple[Reading, ...]
    repeated: int


def split(readings: Iterable[Reading]) -> Split:
    """Drop repeated docstrings (the first one stays) and part the modules."""
    seen: set[str] = set()
    sides: dict[bool, list[Reading]] = {False: [], True: []}
    repeated = 0
    for reading in readings:
        fresh = tuple(record for record in reading.records if _is_new(record.key, seen))
        repeated += len(reading.records) - len(fresh)
        sides[is_held_out(reading.module)].append(replace(reading, records=fresh))
    return Split(tuple(sides[False]), tuple(sides[True]), repeated)


def is_held_out(module: str) -> bool:
    """Whether a module belongs to the dev side: a pure function of its dotted name."""
    return order("held out", module) % 100 < _HELD_OUT_PERCENT


def paragraph_keys(readings: Iterable[Reading]) -> frozenset[str]:
    """The keys of every paragraph."""
    return frozenset(
        paragraph.key for reading in readings for record in reading.records for paragraph in record.paragraphs
    )


def _is_new(text: str, seen: set[str]) -> bool:
    new = text not in seen
    seen.add(text)
    return new
