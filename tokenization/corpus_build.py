"""Building a corpus: plan its units, find duplicates where that is asked for, do the units, put them together.

A build that was interrupted goes on with its unfinished units; what comes out depends neither on that nor on who did
the units.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tokenization import atomic
from tokenization.building.finish import finish
from tokenization.building.pulse import Pulse
from tokenization.building.runners import ProcessRunner, Runner, usable_cores
from tokenization.building.unit import build_unit, sketch_unit
from tokenization.building.units import UNIT_BYTES, Progress
from tokenization.building.work import Work, prepare
from tokenization.cleaning.contamination import KeptOut
from tokenization.cleaning.duplicates import find_duplicates
from tokenization.corpus import Corpus
from tokenization.errors import RecipeError, RunError
from tokenization.locking import locked
from tokenization.spec import CorpusSpec
from tokenization.vocabulary import Tokenizer

_SECONDS_BETWEEN_LINES = 5.0


@dataclass(frozen=True)
class Part:
    """Every `of`-th unit from unit `number` on: one job's share of a build.

    Raises:
        RecipeError: a number outside 0 … of - 1.
    """

    number: int
    of: int

    def __post_init__(self) -> None:
        if not 0 <= self.number < self.of:
            raise RecipeError(f"part {self.number}/{self.of}: the parts of {self.of} are 0 … {self.of - 1}.")

    def of_units(self, units: Sequence[int]) -> list[int]:
        return [unit for unit in units if unit % self.of == self.number]


def build_corpus(
    spec: CorpusSpec,
    tokenizer: Tokenizer,
    folder: Path,
    progress: Progress | None = None,
    *,
    store: Path | None = None,
    identity: dict[str, Any] | None = None,
    kept_out: KeptOut | None = None,
    runner: Runner | None = None,
    unit_bytes: int = UNIT_BYTES,
) -> Corpus:
    """Build a corpus into `folder`, or go on where a build of it was interrupted.

    Args:
        store: where streams are spooled to; beside the corpus if not given.
        identity: what the corpus is made of, for its manifest.
        kept_out: the examples that no document may hold, where the spec asks for decontamination.
        runner: who does the units; processes on all usable cores if not given.

    Raises:
        DataError: a source is missing or malformed, or there is no text in it.
        RunError: the disk is full, or a worker died.
    """
    work = prepare(spec, tokenizer, folder, store or folder.parent, identity or {}, kept_out, progress, unit_bytes)
    build(work, runner or ProcessRunner(usable_cores()), progress)
    return finish(work)


def build(work: Work, runner: Runner, progress: Progress | None = None) -> None:
    """Do all unfinished units."""
    _run(work, sketch_unit, work.unsketched(), runner, _Lines(work, "sketched", work.unsketched, progress))
    compare(work, progress)
    _run(work, build_unit, work.unfinished(), runner, _Lines(work, "shards done", work.unfinished, progress))


def build_part(work: Work, part: Part, runner: Runner, progress: Progress | None = None) -> bool:
    """Do a part's units as far as the other parts allow; whether all of them are done.

    Duplicates are found among all units: where they are asked for, the parts sketch their units first, and tokenise
    them when they are called again after all others have sketched theirs.
    """
    mine = part.of_units(work.unsketched())
    _run(work, sketch_unit, mine, runner, _Lines(work, "sketched", work.unsketched, progress))
    if work.unsketched():
        return False
    compare(work, progress)
    mine = part.of_units(work.unfinished())
    _run(work, build_unit, mine, runner, _Lines(work, "shards done", work.unfinished, progress))
    return True


def compare(work: Work, progress: Progress | None = None) -> None:
    """Find the duplicates of all units, where that is asked for and was not done yet; one process, others wait."""
    if not work.must_compare:
        return
    with work.unless_complete(), locked(work.aside / "lock", progress):
        if work.must_compare:
            if progress is not None:
                progress(f"corpus {work.spec.name}: finding duplicates")
            with atomic.scratch(work.aside) as mine:
                find_duplicates(work.sketches(), work.spec.clean, mine / "compare")
            atomic.write_text(work.duplicates_found, "{}\n")


def _run(work: Work, task: Callable[..., None], units: Sequence[int], runner: Runner, lines: "_Lines") -> None:
    if not units:
        return
    runner(partial(task, work, pulse=lines.pulse), units, lines)
    unseen = set(units).intersection(lines.left())
    if unseen:
        raise RunError(
            f"{work.folder}: {len(unseen)} of {len(units)} units were done, but nothing of them is seen from here. "
            "Do all nodes see this folder, under this path? If they do, run the same command again: a network's file "
            "system may show it late."
        )


class _Lines:
    """Says how far a build is, a line every few seconds."""

    def __init__(self, work: Work, what: str, left: Callable[[], list[int]], progress: Progress | None) -> None:
        self._work, self._what, self.left, self._progress = work, what, left, progress
        self._last = time.monotonic()
        self.pulse = Pulse(progress, f"corpus {work.spec.name}")

    def __call__(self, unit: int) -> None:
        now = time.monotonic()
        if self._progress is None or now - self._last < _SECONDS_BETWEEN_LINES:
            return
        self._last = now
        total = len(self._work.units)
        self._progress(f"corpus {self._work.spec.name}: {total - len(self.left())} of {total} {self._what}")
