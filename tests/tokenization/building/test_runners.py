"""Runners: each unit done, errors told as themselves, and no process left behind."""

import fcntl
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tokenization.building.runners import ProcessRunner, in_this_process
from tokenization.errors import DataError, RunError


@dataclass(frozen=True)
class Note:
    """Writes a file for each unit; fails, or dies, at one of them."""

    folder: Path
    fails: int = -1
    dies: int = -1

    def __call__(self, unit: int) -> None:
        if unit == self.fails:
            raise DataError(f"unit {unit}: its file is cut short")
        if unit == self.dies:
            os.kill(os.getpid(), signal.SIGKILL)
        (self.folder / str(unit)).write_text(f"{os.getpid()} {os.environ.get('TOKENIZERS_PARALLELISM')}")


@pytest.mark.parametrize("runner", [in_this_process, ProcessRunner(1), ProcessRunner(3)])
def test_every_unit_is_done_and_told_once(tmp_path: Path, runner: ProcessRunner) -> None:
    told: list[int] = []
    runner(Note(tmp_path), range(2, 9), told.append)
    assert sorted(told) == list(range(2, 9))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(map(str, told))


def test_workers_leave_the_cores_to_each_other(tmp_path: Path) -> None:
    ProcessRunner(2)(Note(tmp_path), range(2), lambda unit: None)
    assert {path.read_text().split()[1] for path in tmp_path.iterdir()} == {"false"}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_worker_s_error_reaches_the_user_as_that_error(tmp_path: Path, workers: int) -> None:
    with pytest.raises(DataError, match="unit 3: its file is cut short"):
        ProcessRunner(workers)(Note(tmp_path, fails=3), range(6), lambda unit: None)


def test_a_worker_that_is_killed_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"exit code -9 while at unit 1 .*run the same command again"):
        ProcessRunner(2)(Note(tmp_path, dies=1), range(4), lambda unit: None)


def test_a_worker_that_is_killed_between_two_units_is_named_too(tmp_path: Path) -> None:
    def kill(unit: int) -> None:
        worker = int((tmp_path / str(unit)).read_text().split()[0])
        os.kill(worker, signal.SIGKILL)
        os.waitid(os.P_PID, worker, os.WEXITED | os.WNOWAIT)

    with pytest.raises(RunError, match=r"exit code -9 while at unit 2 .*run the same command again"):
        ProcessRunner(2)(Note(tmp_path), range(3), kill)


@dataclass(frozen=True)
class Hold:
    """Holds a lock as long as its process lives, and tells through a pipe's name that it does."""

    folder: Path

    def __call__(self, unit: int) -> None:
        with open(self.folder / f"lock-{unit}", "w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            (self.folder / f"held-{unit}").write_text("")  # a named pipe: waits for its reader
            signal.pause()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_end_with_the_process_that_started_them(tmp_path: Path, number: signal.Signals) -> None:
    for unit in range(2):
        os.mkfifo(tmp_path / f"held-{unit}")
    parent = subprocess.Popen([sys.executable, __file__, str(tmp_path)], stderr=subprocess.PIPE)
    for unit in range(2):
        (tmp_path / f"held-{unit}").read_text()
    parent.send_signal(number)
    for unit in range(2):
        with open(tmp_path / f"lock-{unit}") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)  # waits until the worker is gone
    parent.communicate(timeout=60)
    assert parent.returncode == -number


if __name__ == "__main__":
    ProcessRunner(2)(Hold(Path(sys.argv[1])), range(2), lambda unit: None)
