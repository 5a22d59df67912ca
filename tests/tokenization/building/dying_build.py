"""Build a corpus in a process that is killed: `dying_build.py FOLDER WORKERS VICTIM COUNT PATTERN`.

SIGKILL comes when the victim opens, makes or renames what matches the pattern for the COUNT-th time: VICTIM is `main`,
the process that plans, hands out units and puts them together (and does them, where WORKERS is 1), or `worker`, any of
those it started. A COUNT of 0 lets everybody live.
"""

import os
import signal
import sys
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from tokenization.building.runners import OnDone, ProcessRunner, Task
from tokenization.cleaning.spec import CleanSpec, NearDuplicates
from tokenization.corpus_build import build_corpus
from tokenization.errors import RunError
from tokenization.spec import CorpusSpec
from tokenization.vocabulary import Tokenizer

UNIT_BYTES = 1500


def arm(count: int, pattern: str) -> None:
    """Let this process die at its COUNT-th file event."""
    left = count

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        paths = {"open": arguments[:1], "os.mkdir": arguments[:1], "os.rename": arguments[:2]}.get(event, ())
        if any(isinstance(path, str | os.PathLike) and fnmatch(os.fspath(path), pattern) for path in paths):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


@dataclass
class Dying:
    """A task whose process is armed when it is first called there."""

    task: Task
    count: int
    pattern: str
    armed: bool = False

    def __call__(self, unit: int) -> None:
        if not self.armed:
            self.armed = True
            arm(self.count, self.pattern)
        self.task(unit)


class DyingRunner(ProcessRunner):
    """Processes that die."""

    def __init__(self, workers: int, count: int, pattern: str) -> None:
        super().__init__(workers)
        self.count, self.pattern = count, pattern

    def __call__(self, task: Task, units: list[int], on_done: OnDone) -> None:  # type: ignore[override]
        super().__call__(Dying(task, self.count, self.pattern) if self.count else task, units, on_done)


def main(folder: Path, workers: int, victim: str, count: int, pattern: str) -> None:
    """The command."""
    clean = CleanSpec(control=True, min_characters=3, exact=True, near=NearDuplicates(permutations=32))
    spec = CorpusSpec("c", (folder / "texts" / "*.txt",), held_out=0.1, weights=(1.5,), clean=clean)
    if victim == "main" and count:
        arm(count, pattern)
    runner = DyingRunner(workers, count if victim == "worker" else 0, pattern)
    tokenizer = Tokenizer.load(folder / "tokenizer")
    build_corpus(spec, tokenizer, folder / "out", runner=runner, unit_bytes=UNIT_BYTES)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5])
    except RunError as error:
        sys.exit(f"RunError: {error}")
