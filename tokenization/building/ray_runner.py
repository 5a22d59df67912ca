"""Units done on a Ray cluster.

What the cluster must offer: every node has this Python environment but for `tokenization` itself, which is sent to it,
and sees the text and the store under the same paths. A unit whose worker dies is done again, on any node.
"""

import logging
import pickle
import socket
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tokenization.building.runners import OnDone, Runner, Task
from tokenization.deciding import LIBRARIES, library_versions
from tokenization.errors import RecipeError, RunError, TriptychError

# Ray's default, as `ray start --head` opens it.
CLIENT_PORT = 10001
_SECONDS_TO_ANSWER = 10.0
_RETRIES = 5
# Enough to keep any cluster busy and to tell an autoscaler what is wanted; few enough for the head's memory.
_IN_FLIGHT = 1000
_CODE = Path(__file__).resolve().parent.parent


@contextmanager
def on_ray(address: str) -> Iterator[Runner]:
    """A runner on the cluster at `ray://HOST` or `ray://HOST:PORT`, until the block ends.

    Raises:
        RecipeError: an address of another form, or Ray is not installed.
        RunError: the cluster does not answer, or has no core to work on.
    """
    host, port = _parsed(address)
    ray = _installed()
    _connect(ray, host, port)
    try:
        cores = ray.cluster_resources().get("CPU", 0)
        if cores < 1:
            raise RunError(
                f"--on {address}: the cluster has no CPU to work on. Add a node with "
                f"`ray start --address={host}:6379`; where nodes come on demand, have at least one there."
            )
        yield _RayRunner(ray, address)
    finally:
        ray.shutdown()


def _parsed(address: str) -> tuple[str, int]:
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port or CLIENT_PORT
    except ValueError:  # a port that is no number
        host = None
    if not host or parts.scheme != "ray" or parts.path not in ("", "/"):
        raise RecipeError(
            f"--on {address}: not the address of a cluster. It is ray://HOST:{CLIENT_PORT}, where HOST is the machine "
            "on which `ray start --head` was called."
        )
    return host, port


def _installed() -> Any:
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise RecipeError(
            f"--on ray://…: Ray is not installed here ({error}): in Triptych's clone, pip install -e '.[ray]'. "
            "Without a cluster, --workers N uses the cores of this machine."
        ) from None
    return ray


def _connect(ray: Any, host: str, port: int) -> None:
    check = (
        f"Check on the cluster's head that `ray status` answers and that its client port is {port} "
        "(`ray start --head --ray-client-server-port=…`), and that no firewall closes it to this machine"
    )
    try:
        # Ray would try for half a minute what is known at once.
        socket.create_connection((host, port), _SECONDS_TO_ANSWER).close()
    except OSError as error:
        raise RunError(f"ray://{host}:{port}: nothing answers there ({error}). {check}.") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a warning would only repeat the error
            ray.init(
                f"ray://{host}:{port}",
                logging_level=logging.CRITICAL,
                log_to_driver=False,
                runtime_env={"py_modules": [str(_CODE)], "env_vars": {"TOKENIZERS_PARALLELISM": "false"}},
            )
    except (ConnectionError, RuntimeError) as error:  # RuntimeError: another version of Ray or of Python there
        raise RunError(f"ray://{host}:{port}: no connection to a Ray cluster ({_brief(error)}). {check}.") from None


class _RayRunner:
    """One Ray task for each unit, on one core each."""

    def __init__(self, ray: Any, address: str) -> None:
        self._ray, self._address = ray, address

    def __call__(self, task: Task, units: Sequence[int], on_done: OnDone) -> None:
        """Do the units.

        Raises:
            TriptychError: as a worker raised it.
            RunError: a node has other libraries, the workers of one unit died again and again, or the cluster is gone.
        """
        ray = self._ray
        remote = ray.remote(num_cpus=1, max_retries=_RETRIES)(_do)
        waiting, running = deque(units), dict[Any, int]()
        try:
            # Pickled here, so that a node can look at its libraries before it loads what needs them.
            shared, versions = ray.put(pickle.dumps(task)), library_versions()
            while waiting or running:
                while waiting and len(running) < _IN_FLIGHT:
                    unit = waiting.popleft()
                    running[remote.remote(shared, versions, unit)] = unit
                for done in ray.wait(list(running))[0]:
                    error = ray.get(done)
                    if error is not None:
                        raise error
                    on_done(running.pop(done))
        except ray.exceptions.RayTaskError:
            raise  # a fault of ours, not of the cluster
        except (ray.exceptions.RayError, ConnectionError) as error:
            raise RunError(
                f"--on {self._address}: the cluster gave up, or went away ({_brief(error)}); a unit is "
                f"tried {_RETRIES + 1} times. Workers are killed mostly for want of memory, or when their node goes "
                "away. What is finished is kept: run the same command again."
            ) from None


def _do(pickled: bytes, versions: dict[str, str], unit: int) -> TriptychError | None:
    """On a node: do a unit. The user's mistakes are handed back, for Ray would raise them as an error of its own."""
    here = library_versions()
    other = [name for name in LIBRARIES if here.get(name) != versions.get(name)]
    if other:
        told = ", ".join(f"{name} {here.get(name, 'not installed')} instead of {versions.get(name)}" for name in other)
        return RunError(
            f"node {socket.gethostname()} of the Ray cluster has other libraries than this machine: {told}. "
            "Shards could differ from node to node: give all of them the same environment."
        )
    try:
        _loaded(pickled)(unit)
    except TriptychError as error:
        return error
    except ModuleNotFoundError as error:
        return RunError(
            f"node {socket.gethostname()} of the Ray cluster lacks a library ({error}): "
            "give all nodes the same environment."
        )
    return None


@lru_cache(maxsize=1)
def _loaded(pickled: bytes) -> Task:
    """The task, kept: a worker does many units, and a tokenizer that has met most words is faster."""
    task: Task = pickle.loads(pickled)
    return task


def _brief(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
