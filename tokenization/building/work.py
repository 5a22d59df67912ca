"""The work of building a corpus: its units, where each leaves what it made, and which are still to be done.

Everything lies in `.building-<name>` beside the corpus's folder to be, and survives an interruption:

    ids-NNNNN.bin …             the shard of each finished unit
    work/unit-NNNNN.json        its record, written last: without it the unit is not finished
    work/hashes-NNNNN.bin       content hashes of its documents, for the choice of the held-out ones
    work/sketch-NNNNN/          what its duplicates are found by, and after that its duplicates
    work/duplicates.json        the duplicates of all units are found
    work/plan.json              the units, and what they were planned from

Units may be done in any order, by any process that sees the folder, even twice at the same time: what they write is a
function of the work alone, and takes its place by a rename.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenization.building.units import UNIT_BYTES, Progress, Unit, planned_units, read_plan
from tokenization.cleaning.contamination import KeptOut
from tokenization.manifest import MANIFEST
from tokenization.spec import CorpusSpec
from tokenization.vocabulary import Tokenizer

_PREFIX = ".building-"


@dataclass(frozen=True)
class Work:
    """All that a unit's result is a function of; can be pickled.

    Attributes:
        kept_out: the examples that no document may hold, where the spec asks for decontamination.
        units: the input blocks of each unit.
        identity: what the corpus is made of, field by field.
        target: the corpus's folder to be.
    """

    spec: CorpusSpec
    tokenizer: Tokenizer
    kept_out: KeptOut | None
    units: tuple[Unit, ...]
    identity: dict[str, Any]
    target: Path

    @property
    def folder(self) -> Path:
        return building_folder(self.target)

    @property
    def aside(self) -> Path:
        """What is needed only until the corpus is whole."""
        return self.folder / "work"

    @property
    def finds_duplicates(self) -> bool:
        return self.spec.clean.exact or self.spec.clean.near is not None

    @property
    def duplicates_found(self) -> Path:
        return self.aside / "duplicates.json"

    @property
    def must_compare(self) -> bool:
        """Whether duplicates are still to be found."""
        return self.finds_duplicates and not self.duplicates_found.is_file() and not self.is_complete

    @property
    def dtype(self) -> str:
        return "uint16" if self.tokenizer.size <= 1 << 16 else "uint32"

    def record(self, unit: int) -> Path:
        return self.aside / f"unit-{unit:05d}.json"

    def sketch(self, unit: int) -> Path:
        return self.aside / f"sketch-{unit:05d}"

    def sketches(self) -> list[Path]:
        return [self.sketch(unit) for unit in range(len(self.units))]

    @property
    def is_complete(self) -> bool:
        """Whether the units are put together, so that at most renaming the folder is left."""
        return (self.folder / MANIFEST).is_file() or self.target.is_dir()

    @contextmanager
    def unless_complete(self) -> Iterator[None]:
        """Whoever does the same may finish the corpus first, and takes away what this process still works in."""
        try:
            yield
        except FileNotFoundError:
            if not self.is_complete:
                raise

    def unfinished(self) -> list[int]:
        if self.is_complete:
            return []
        return [unit for unit in range(len(self.units)) if not self.record(unit).is_file()]

    def unsketched(self) -> list[int]:
        """The units to be sketched before duplicates can be looked for."""
        if not self.must_compare:
            return []
        return [unit for unit in range(len(self.units)) if not self.sketch(unit).is_dir()]


def prepare(
    spec: CorpusSpec,
    tokenizer: Tokenizer,
    target: Path,
    store: Path,
    identity: dict[str, Any],
    kept_out: KeptOut | None = None,
    progress: Progress | None = None,
    unit_bytes: int = UNIT_BYTES,
) -> Work:
    """Plan the units, or read the plan of whoever came first: the same for every process that asks.

    Raises:
        DataError: a source is missing or malformed.
    """
    units = planned_units(spec, store, identity, _plan(target), progress, unit_bytes)
    return Work(spec, tokenizer, kept_out, units, identity, target)


def building_folder(target: Path) -> Path:
    """Where a corpus grows until it is whole."""
    return target.with_name(f"{_PREFIX}{target.name}")


def units_done(target: Path) -> tuple[int, int] | None:
    """How many units of an interrupted build are finished, of how many; None where none was begun. Writes nothing."""
    if not _plan(target).is_file():
        return None
    records = building_folder(target).glob("work/unit-*.json")
    return len(list(records)), len(read_plan(_plan(target)).units)


def _plan(target: Path) -> Path:
    return building_folder(target) / "work" / "plan.json"
