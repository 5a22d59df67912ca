"""Who does the units: this process, or several on this machine. Which one never changes what comes out."""

import os
import queue
import signal
import threading
from collections.abc import Callable, Sequence
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Protocol

from tokenization.errors import RunError, TriptychError

Task = Callable[[int], None]
OnDone = Callable[[int], None]


class Runner(Protocol):
    """Does a task for each of some units, in any order, each at least once; returns when all are done.

    An engine of its own (a cluster's) is one more of these: the task can be pickled, and repeating it does no harm.
    """

    def __call__(self, task: Task, units: Sequence[int], on_done: OnDone) -> None:
        """Do the units; `on_done` is told of each, in this process.

        Raises:
            TriptychError: as the task raised it, wherever it ran.
        """


def in_this_process(task: Task, units: Sequence[int], on_done: OnDone) -> None:
    """One unit after the other, here."""
    for unit in units:
        task(unit)
        on_done(unit)


def usable_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class ProcessRunner:
    """Processes on this machine, each given a unit when it has done the one before.

    Workers die with this process, however it ends: each watches the pipe to it.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def __call__(self, task: Task, units: Sequence[int], on_done: OnDone) -> None:
        """Do the units.

        Raises:
            TriptychError: as a worker raised it.
            RunError: a worker died.
        """
        if min(self.workers, len(units)) <= 1:
            return in_this_process(task, units, on_done)
        waiting = list(reversed(units))
        workers = [_Worker(task) for _ in range(min(self.workers, len(units)))]
        try:
            for worker in workers:
                worker.give(waiting.pop())
            while busy := [worker for worker in workers if worker.unit is not None]:
                for worker in _heard_from(busy):
                    on_done(worker.take())
                    if waiting:
                        worker.give(waiting.pop())
        finally:
            for worker in workers:
                worker.end()


class _Worker:
    """A process and the pipe to it; `unit` is what it is doing, or None."""

    def __init__(self, task: Task) -> None:
        context = get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.unit: int | None = None
        self.process: BaseProcess = context.Process(target=_serve, args=(task, theirs), daemon=True)
        self.process.start()
        theirs.close()

    def give(self, unit: int) -> None:
        self.unit = unit
        try:
            self.pipe.send(unit)
        except OSError:
            raise self._death(unit) from None

    def take(self) -> int:
        """The unit that is done, or the error that ended it."""
        unit = self.unit
        assert unit is not None, "a worker that has no unit has nothing to tell"
        try:
            error = self.pipe.recv()
        except (EOFError, OSError):
            raise self._death(unit) from None
        if error is not None:
            raise error
        self.unit = None
        return unit

    def _death(self, unit: int) -> RunError:
        self.process.join()
        return RunError(
            f"a worker process ended with exit code {self.process.exitcode} while at unit {unit} "
            "(-9: killed, perhaps for want of memory). What is finished is kept: run the same command again, "
            "with fewer --workers if memory was short."
        )

    def end(self) -> None:
        self.pipe.close()
        self.process.join()


def _heard_from(workers: Sequence[_Worker]) -> list[_Worker]:
    ready = connection.wait([worker.pipe for worker in workers])
    return [worker for worker in workers if worker.pipe in ready]


def _serve(task: Task, pipe: Connection) -> None:
    """A worker's life: units from the pipe, what became of each back into it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends Ctrl-C to all; the first process ends us
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    units: queue.Queue[int] = queue.Queue()
    threading.Thread(target=_receive, args=(pipe, units), daemon=True).start()
    while True:
        try:
            task(units.get())
        except TriptychError as error:
            pipe.send(error)
        else:
            pipe.send(None)


def _receive(pipe: Connection, units: "queue.Queue[int]") -> None:
    """Take units as they come; when the pipe ends, the process that gave them is gone, and so is the worker."""
    while True:
        try:
            units.put(pipe.recv())
        except (EOFError, OSError):
            os._exit(0)
