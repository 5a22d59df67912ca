"""A build that is killed again and again ends in the same bytes as one that never was, whoever did the units."""

import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tokenization.building.work import units_done
from tokenization.vocabulary import Tokenizer

pytestmark = pytest.mark.slow

LUCK = 20261121
KILLS = 12
ANY = "*/.building-*"
DYING = Path(__file__).with_name("dying_build.py")


def write_texts(folder: Path) -> None:
    """Some 60 kB in three files, with copies and near copies between them."""
    luck = random.Random(7)
    documents = [
        "\n".join(" ".join(luck.choices("abcdefghijklmnopqrst", k=luck.randint(3, 20))) + "." for _ in range(5))
        for _ in range(400)
    ]
    documents += [*luck.sample(documents, 20), *(document[:-1] + " z." for document in luck.sample(documents, 20))]
    (folder / "texts").mkdir(parents=True)
    for number in range(3):
        (folder / "texts" / f"{number}.txt").write_text("\n\n".join(documents[number::3]))


def build(folder: Path, workers: int, victim: str = "main", count: int = 0, pattern: str = ANY) -> tuple[int, str]:
    words = [sys.executable, DYING, folder, workers, victim, count, pattern]
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout + done.stderr


def assert_equal(folder: Path, whole: Path) -> None:
    """The same files of the same bytes, but for the place of the texts, which examples tell; nothing beside them."""
    ours, theirs = content(folder / "out"), content(whole / "out")
    assert list(ours) == list(theirs)
    assert [name for name in theirs if ours[name].replace(bytes(folder), bytes(whole)) != theirs[name]] == []
    assert sorted(path.name for path in folder.iterdir()) == ["out", "texts", "tokenizer"]


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, letters: Tokenizer) -> Path:
    """A folder with texts, tokenizer and the undisturbed corpus of one process."""
    folder = tmp_path_factory.mktemp("whole")
    write_texts(folder)
    letters.save(folder / "tokenizer")
    assert build(folder, 1) == (0, "")
    return folder


@pytest.mark.parametrize(("workers", "victims"), [(1, ["main"]), (2, ["worker", "main"])])
def test_a_build_killed_at_random_moments_ends_in_the_same_bytes(
    whole: Path, tmp_path: Path, workers: int, victims: list[str]
) -> None:
    luck = random.Random(LUCK + workers)
    for part in ("texts", "tokenizer"):
        shutil.copytree(whole / part, tmp_path / part)
    for _ in range(KILLS):
        victim = luck.choice(victims)
        # What the process that only hands out units touches is little: the lock and the plan.
        code, told = build(tmp_path, workers, victim, luck.randint(1, 80 if victim == victims[0] else 3))
        assert code == (-signal.SIGKILL if victim == "main" else 1), told
        assert victim == "main" or "a worker process ended with exit code -9" in told
        assert not (tmp_path / "out").exists()
    done = units_done(tmp_path / "out")
    assert done is not None
    assert done[1] > 12
    assert build(tmp_path, workers) == (0, "")
    assert_equal(tmp_path, whole)


def test_kills_while_the_units_are_put_together_lose_nothing(whole: Path, tmp_path: Path) -> None:
    for part in ("texts", "tokenizer"):
        shutil.copytree(whole / part, tmp_path / part)
    moments = [
        (f"*{name}", count)
        for name in ("held_out.npy", "times.npy", "cleaning.json", "manifest.json")
        for count in (1, 2)
    ]
    for pattern, count in [*moments, ("*/work/unit-00003.json", 1), ("*/out", 1)]:
        code, told = build(tmp_path, 1, "main", count, pattern)
        assert code == -signal.SIGKILL, (pattern, told)
    assert build(tmp_path, 1) == (0, "")
    assert_equal(tmp_path, whole)
