"""Work on a Ray cluster, in a process of its own: `ray_build.main()` with the words ADDRESS WHAT FOLDER.

WHAT is `corpus`, built by two workers one of which is killed half-way, or `errors`: tasks that end badly, a line each.
The address `here` builds the corpus without Ray.

To be imported, here and on the nodes, for a task is pickled by name.
"""

import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import ray
from dying_build import UNIT_BYTES, arm

from tokenization.building import ray_runner
from tokenization.building.runners import OnDone, Runner, Task, in_this_process
from tokenization.building.unit import build_unit
from tokenization.cleaning.spec import CleanSpec, NearDuplicates
from tokenization.corpus_build import build_corpus
from tokenization.errors import DataError
from tokenization.spec import CorpusSpec
from tokenization.vocabulary import Tokenizer

_PATIENCE = 60.0
VERSIONS = ray_runner.library_versions()


@dataclass(frozen=True)
class DyingOnce:
    """A task that notes its nodes; unit 0 waits for a second one, unit 1 is killed once when it is half written."""

    task: Task
    folder: Path

    def __call__(self, unit: int) -> None:
        (self.folder / f"node-{ray.get_runtime_context().get_node_id()}").touch()
        if unit == 0:
            self._wait_for_another_node()
        marker = self.folder / "killed"
        if unit == 1 and not marker.exists():
            marker.touch()
            arm(3, "*/ids-00001*")
        self.task(unit)

    def _wait_for_another_node(self) -> None:
        end = time.monotonic() + _PATIENCE
        while len(list(self.folder.glob("node-*"))) < 2 and time.monotonic() < end:
            time.sleep(0.05)


def dying(unit: int) -> None:
    """Die, each time."""
    os.kill(os.getpid(), signal.SIGKILL)


def malformed(unit: int) -> None:
    """Meet a user's mistake."""
    raise DataError(f"text.txt: unit {unit} is malformed")


def homeless(unit: int) -> None:
    """Ask for a library that a node has not."""
    raise ModuleNotFoundError("No module named 'zstandard'")


def faulty(unit: int) -> None:
    """Have a fault of ours."""
    raise KeyError(f"unit {unit}")


def build(folder: Path, runner: Runner) -> None:
    """The corpus, its second unit killed on the way where the runner's workers are processes of their own."""
    clean = CleanSpec(control=True, exact=True, near=NearDuplicates(permutations=32))
    spec = CorpusSpec("c", (folder / "text.txt",), held_out=0.1, clean=clean)
    build_corpus(spec, Tokenizer.load(folder / "tokenizer"), folder / "out", runner=runner, unit_bytes=UNIT_BYTES)


def main() -> None:
    """The command."""
    address, what, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    if address == "here":
        return build(folder, in_this_process)
    with ray_runner.on_ray(address) as on_cluster:
        if what == "corpus":
            return build(folder, partial(_killing, on_cluster, folder))
        ray_runner._RETRIES = 1
        for task in (malformed, homeless, faulty, dying):
            end_badly(on_cluster, task)
        ray_runner.library_versions = lambda: {**VERSIONS, "tokenizers": "0.0.1"}
        end_badly(on_cluster, abs)


def end_badly(runner: Runner, task: Task) -> None:
    """Print the error that comes of a task."""
    try:
        runner(task, range(1), print)
    except Exception as error:
        print(f"{task.__name__}: {type(error).__name__}: {error!s}".replace("\n", "|"))


def _killing(runner: Runner, folder: Path, task: Task, units: Sequence[int], on_done: OnDone) -> None:
    """Only tokenising is disturbed: units are sketched before."""
    builds = isinstance(task, partial) and task.func is build_unit
    runner(DyingOnce(task, folder) if builds else task, units, on_done)
