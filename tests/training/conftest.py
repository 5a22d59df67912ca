"""The toy stage for the tests of this folder, and ways to run it in processes of its own."""

import importlib.util
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType

import pytest
import torch

TOY = Path(__file__).with_name("toy.py")


@pytest.fixture(scope="session")
def toy() -> ModuleType:
    """The module beside this file; tests are no package, so it is loaded by its path."""
    spec = importlib.util.spec_from_file_location("toy", TOY)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["toy"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Tiny tensors are slower on several threads, whose number also decides the order of some sums."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def lines() -> Callable[[Path], list[dict[str, object]]]:
    """The records of a stage's metrics file, without what depends on the clock."""

    def read(root: Path) -> list[dict[str, object]]:
        records = [json.loads(line) for line in (root / "metrics.jsonl").read_text().splitlines()]
        return [{key: value for key, value in record.items() if key != "clock"} for record in records]

    return read


@pytest.fixture(scope="session")
def start_ranks() -> Iterator[Callable[..., list[subprocess.Popen[str]]]]:
    """Start the toy's program once per rank; whatever still runs at the end of the session is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(jobs: Sequence[dict[str, object]], ranks: int = 1) -> list[subprocess.Popen[str]]:
        shared = {"OMP_NUM_THREADS": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port())}
        distributed = {} if ranks == 1 else {"WORLD_SIZE": str(ranks)}
        now = [
            subprocess.Popen(
                [sys.executable, str(TOY), json.dumps(jobs)],
                env={**os.environ, **shared, **distributed, "RANK": str(rank), "LOCAL_RANK": str(rank)},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for rank in range(ranks)
        ]
        started.extend(now)
        return now

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def run_ranks(start_ranks: Callable[..., list[subprocess.Popen[str]]]) -> Callable[..., None]:
    """Run the toy's program to its end on some ranks; a rank that fails fails the test with what it printed."""

    def run(jobs: Sequence[dict[str, object]], ranks: int = 1, timeout: float = 200.0) -> None:
        processes = start_ranks(jobs, ranks)
        printed = [process.communicate(timeout=timeout)[0] for process in processes]
        assert [process.returncode for process in processes] == [0] * ranks, "\n".join(printed)

    return run


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
