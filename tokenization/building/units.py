"""The units of a build: planned once, written down, and read by whoever goes on with it or does a part of it.

The plan is a function of the text and of how it is cut. It is kept because not all of that is part of a corpus's
identity: of equal text, read as a stream or by a program with other sizes of units, unit 7 holds other documents.
"""

import dataclasses
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenization import atomic, fingerprint
from tokenization.locking import locked
from tokenization.reading.blocks import BLOCK_BYTES, Block, plan_blocks
from tokenization.reading.files import SourceFile, resolve_files
from tokenization.spec import CorpusSpec

Progress = Callable[[str], None]
Unit = tuple[Block, ...]

# Large enough that no file system minds the number of shards, small enough to be done again after a kill.
UNIT_BYTES = BLOCK_BYTES
_LOCK = "plan-lock"


@dataclass(frozen=True)
class Plan:
    """What is written down.

    Attributes:
        made_from: a hash of all that the units are a function of, but for their size: a build goes on with the sizes
            that it began with.
    """

    made_from: str
    units: tuple[Unit, ...]


def planned_units(
    spec: CorpusSpec,
    store: Path,
    identity: dict[str, Any],
    path: Path,
    progress: Progress | None = None,
    unit_bytes: int = UNIT_BYTES,
) -> tuple[Unit, ...]:
    """The units of the plan at `path`; they are planned and written there if none is, or one of something else.

    What was done under another cut of the same text is removed then: its units are no units of this plan.

    Raises:
        DataError: a source is missing or malformed.
    """
    made_from = _made_from(spec, identity)
    with locked(path.with_name(_LOCK), progress):
        stored = read_plan(path) if path.is_file() else None
        if stored is not None and stored.made_from == made_from and _is_there(spec, stored):
            return stored.units
        plan = Plan(made_from, tuple(_grouped(plan_blocks(spec, store, unit_bytes, progress), unit_bytes)))
        if stored is None or _cut(stored) != _cut(plan):
            _clear(path)
        atomic.write_text(path, json.dumps(dataclasses.asdict(plan)))
        return plan.units


def read_plan(path: Path) -> Plan:
    """A plan that was written down."""
    value = json.loads(path.read_text(encoding="utf-8"))
    return Plan(value["made_from"], tuple(tuple(map(_block, unit)) for unit in value["units"]))


def _block(value: dict[str, Any]) -> Block:
    return Block(**value | {"source": SourceFile(**value["source"])})


def _made_from(spec: CorpusSpec, identity: dict[str, Any]) -> str:
    sources = [dataclasses.astuple(source) for source in resolve_files(spec)]
    how = [spec.weights, spec.documents, spec.field, spec.config, spec.split, spec.streaming]
    return fingerprint.of_value([identity, sources, how])


def _is_there(spec: CorpusSpec, plan: Plan) -> bool:
    """Whether what a stream was spooled to is still on disk."""
    return not spec.streaming or all(block.source.path.exists() for unit in plan.units for block in unit)


def _cut(plan: Plan) -> list[list[Block]]:
    """What each unit holds, wherever it lies: a moved file is the same text."""
    return [
        [dataclasses.replace(block, source=SourceFile("", block.source.format)) for block in unit]
        for unit in plan.units
    ]


def _clear(path: Path) -> None:
    """Remove all that units left but not the plan: until another takes its place it tells that they are of its cut."""
    aside = path.parent
    for left in sorted({*aside.parent.iterdir(), *aside.iterdir()} - {aside, path, path.with_name(_LOCK)}):
        atomic.remove(left)


def _grouped(blocks: Iterable[Block], unit_bytes: int) -> Iterator[Unit]:
    """Neighbouring small blocks of one weight as one unit: thousands of small files make no thousands of shards."""
    unit: list[Block] = []
    for block in blocks:
        full = sum(each.bytes for each in unit) + block.bytes > unit_bytes
        if unit and (full or block.weight != unit[0].weight):
            yield tuple(unit)
            unit = []
        unit.append(block)
    if unit:
        yield tuple(unit)
