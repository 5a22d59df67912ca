"""Units on a Ray cluster of two nodes: the same bytes whatever dies, and mistakes told as they are everywhere else."""

import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tokenization.building.ray_runner import on_ray
from tokenization.corpus_build import build_corpus
from tokenization.errors import RecipeError, RunError
from tokenization.locking import locked
from tokenization.spec import CorpusSpec
from tokenization.vocabulary import Tokenizer

HERE = Path(__file__).parent
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": str(HERE),
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_memory_monitor_refresh_ms": "0",  # what else runs here must not decide who is killed
}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def ray_start(log: Path, *words: object) -> subprocess.Popen[bytes]:
    """A node of one core, in a process group of its own, until it is ended."""
    plain = ("--block", "--num-cpus=1", "--object-store-memory=100000000", "--disable-usage-stats")
    command = [Path(sys.executable).with_name("ray"), "start", *words, *plain, "--include-log-monitor=false"]
    with open(log, "wb") as out:
        return subprocess.Popen(
            list(map(str, command)), env=ENVIRONMENT, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )


def end(node: subprocess.Popen[bytes]) -> None:
    """With all that it started; there is nothing to be saved."""
    os.killpg(node.pid, signal.SIGKILL)
    node.wait()


def do(address: str, what: str, folder: Path) -> str:
    """Do something in a process of its own, on the cluster at an address or `here`; what it printed."""
    words = [sys.executable, "-c", "import ray_build; ray_build.main()", address, what, str(folder)]
    done = subprocess.run(words, env=ENVIRONMENT, cwd=folder, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of two nodes of one core each, on this machine.

    One such cluster at a time: the heads of two give their clients' servers ports of one range, and may meet there.
    """
    folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))  # short: a socket's path has at most 107 bytes
    port, client = free_port(), free_port()
    local = ("--node-ip-address=127.0.0.1", f"--temp-dir={folder}")
    head = ("--head", f"--port={port}", f"--ray-client-server-port={client}", "--include-dashboard=false", *local)
    nodes: list[subprocess.Popen[bytes]] = []
    with locked(Path("/tmp/triptych-ray-tests.lock")):
        try:
            nodes.append(ray_start(folder / "head.log", *head))
            while not answers(client):
                assert nodes[0].poll() is None, (folder / "head.log").read_text()
                time.sleep(0.2)
            nodes.append(ray_start(folder / "node.log", f"--address=127.0.0.1:{port}", *local))
            yield f"ray://127.0.0.1:{client}"
        finally:
            for node in reversed(nodes):
                end(node)
            shutil.rmtree(folder)


def write_text(folder: Path) -> None:
    """Some 10 kB, with copies."""
    luck = random.Random(7)
    documents = [
        "\n".join(" ".join(luck.choices("abcdefghijklmnopqrst", k=luck.randint(3, 20))) + "." for _ in range(5))
        for _ in range(80)
    ]
    (folder / "text.txt").write_text("\n\n".join([*documents, *luck.sample(documents, 8)]), encoding="utf-8")


@pytest.fixture
def content() -> Callable[[Path], dict[str, bytes]]:
    """The files of a folder."""
    return lambda folder: {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.slow
def test_a_corpus_of_two_nodes_one_worker_killed_half_way_has_the_bytes_of_one_process(
    cluster: str, letters: Tokenizer, content: Callable[[Path], dict[str, bytes]], tmp_path: Path
) -> None:
    write_text(tmp_path)
    letters.save(tmp_path / "tokenizer")
    assert do(cluster, "corpus", tmp_path) == ""
    assert (tmp_path / "killed").exists()
    assert len(list(tmp_path.glob("node-*"))) == 2
    (tmp_path / "out").rename(tmp_path / "by-the-cluster")
    assert do("here", "corpus", tmp_path) == ""
    ours, theirs = content(tmp_path / "by-the-cluster"), content(tmp_path / "out")
    assert len([name for name in theirs if name.startswith("ids-")]) >= 4
    assert ours == theirs
    assert not list(tmp_path.glob(".*"))


@pytest.mark.slow
def test_what_goes_wrong_on_a_node_is_told_as_it_is_anywhere_else(cluster: str, tmp_path: Path) -> None:
    malformed, homeless, faulty, dying, other = do(cluster, "errors", tmp_path).splitlines()
    node = f"RunError: node {socket.gethostname()} of the Ray cluster"
    assert malformed == "malformed: DataError: text.txt: unit 0 is malformed"
    assert homeless.startswith(f"homeless: {node} lacks a library (No module named 'zstandard'): give all nodes ")
    assert dying.startswith(f"dying: RunError: --on {cluster}: the cluster gave up, or went away (WorkerCrashedError: ")
    assert "a unit is tried 2 times" in dying
    assert other.startswith(f"abs: {node} has other libraries than this machine: tokenizers ")
    assert "instead of 0.0.1" in other
    assert faulty.startswith("faulty: RayTaskError(KeyError): ")  # a fault of ours keeps its traceback
    assert 'raise KeyError(f"unit {unit}")' in faulty


@pytest.mark.parametrize(
    "address", ["ray:/host", "http://host:10001", "host:10001", "ray://host:port", "ray://", "auto"]
)
def test_an_address_of_another_form_is_refused_with_the_right_one(address: str) -> None:
    with pytest.raises(RecipeError, match=f"^--on {address}: not the address of a cluster. It is ray://HOST:10001"):
        on_ray(address).__enter__()


def test_a_cluster_that_does_not_answer_is_told_at_once_with_what_to_check() -> None:
    address = f"ray://127.0.0.1:{free_port()}"
    with pytest.raises(RunError, match=f"^{address}: nothing answers there .*`ray status`"):
        on_ray(address).__enter__()


def test_without_ray_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(RecipeError, match=re.escape("in Triptych's clone, pip install -e '.[ray]'.")):
        on_ray("ray://127.0.0.1:10001").__enter__()


def test_nodes_that_write_to_disks_of_their_own_are_found_out(
    letters: Tokenizer, text_spec: Callable[..., CorpusSpec], tmp_path: Path
) -> None:
    with pytest.raises(RunError, match="1 of 1 units were done, but nothing of them is seen from here"):
        build_corpus(text_spec([["a b."]]), letters, tmp_path / "out", runner=lambda task, units, on_done: None)
