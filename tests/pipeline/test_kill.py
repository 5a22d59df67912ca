"""The flagship: a run that is killed again and again ends in the same bytes as one that never was; signals likewise."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

LUCK = 20260801
LONGER = ("general.steps=30", "domain.steps=20")
DYING = Path(__file__).with_name("dying.py")

# What is under way when the kill comes, the files that it touches, and how often it touches them at least:
# the kill comes at a random one of these touches.
MOMENTS = (
    ("training the tokenizer", "*/store/tokenizers/*", 12),
    ("tokenising", "*/store/corpora/.building-general-*", 40),
    ("cutting windows", "*/store/corpora/general-*/windows/*", 12),
    ("steps of the first stage", "*/stages/general/metrics.jsonl", 25),
    ("saving in the first stage", "*/stages/general/checkpoints/.aside-*", 30),
    ("the first stage's boundary", "*/stages/general/checkpoints/*step-00000030*", 10),
    ("the second stage's manifest", "*/stages/domain/*manifest.json*", 3),
    ("a snapshot of the third stage", "*/stages/multitask/snapshots/*", 8),
    ("saving in the third stage", "*/stages/multitask/checkpoints/.aside-*", 15),
    ("predictions of the third stage", "*/stages/multitask/predictions/*", 8),
    ("scoring", "*/r/evaluation/*", 3),
    ("exporting", "*/r/.aside-export*", 12),
)


def has_step(stage: str, step: int) -> Callable[[Path], bool]:
    """Whether the metrics have come to a step."""

    def reached(run: Path) -> bool:
        path = run / "stages" / stage / "metrics.jsonl"
        lines = path.read_text().splitlines() if path.is_file() else []
        return any(f'"step": {step},' in line or f'"step": {step}}}' in line for line in lines)

    return reached


def run_words(house: Any, root: Path) -> list[object]:
    return ["run", house.file, "--run-dir", root, *(word for change in LONGER for word in ("--set", change))]


def finish(house: Any, command: Any, root: Path) -> str:
    process = command(house, *run_words(house, root))
    printed = str(process.communicate(timeout=200)[0])
    assert process.returncode == 0, printed
    return printed


def killed_while(house: Any, root: Path, pattern: str, count: int) -> str:
    """Run until files of a pattern have been touched so often; what was printed up to the kill."""
    words = [sys.executable, DYING, pattern, count, *run_words(house, root)]
    process = subprocess.run(
        list(map(str, words)), cwd=house.base, env=house.environment, capture_output=True, text=True, timeout=200
    )
    assert process.returncode == -signal.SIGKILL, f"{pattern} never came:\n{process.stdout}{process.stderr}"
    return process.stdout


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, shared_house: Any, command: Any) -> Path:
    """The uninterrupted run, in a process of its own, with its own store."""
    root = tmp_path_factory.mktemp("whole") / "r"
    finish(shared_house, command, root)
    return root


def test_a_run_killed_at_random_moments_of_every_stage_ends_in_the_same_bytes(
    shared_house: Any, command: Any, lasting: Any, whole: Path, tmp_path: Path
) -> None:
    luck, root = random.Random(LUCK), tmp_path / "r"
    for name, pattern, touches in MOMENTS:
        printed = killed_while(shared_house, root, pattern, luck.randint(1, touches))
        assert "Forgetting ledger" not in printed or name == "exporting", name
    printed = finish(shared_house, command, root)
    ours, theirs = lasting(root), lasting(whole)
    assert ours.keys() == theirs.keys()
    assert [path for path in theirs if ours[path] != theirs[path]] == []
    assert {"evaluation/scores.json", "export/model.safetensors", "stages/multitask/predictions/topic.jsonl"} <= set(
        ours
    )
    assert "Forgetting ledger" in printed


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_finishes_the_step_saves_and_says_how_to_go_on(
    shared_house: Any, command: Any, lasting: Any, whole: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    root = tmp_path / "r"
    process = command(shared_house, *run_words(shared_house, root))
    while not has_step("general", 3)(root):
        assert process.poll() is None
        time.sleep(0.0005)
    process.send_signal(number)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == code, printed
    assert f"triptych: stopped by {number.name} after step " in printed
    assert "everything is saved. Run the same command again to go on." in printed
    assert "Traceback" not in printed
    step = int(printed.split("after step ")[1].split(";")[0])
    (saved,) = {int(path.name[5:]) for path in root.glob("stages/general/checkpoints/step-*")} - {5, 10, 15, 20, 25}
    assert saved == step >= 3 or step % 5 == 0
    again = finish(shared_house, command, root)
    assert f"general: resume, checkpoint at step {step} of 30" in again
    assert lasting(root) == lasting(whole)


def test_a_second_process_on_the_same_run_directory_is_refused_by_name(
    shared_house: Any, command: Any, tmp_path: Path
) -> None:
    root = tmp_path / "r"
    first = command(shared_house, *run_words(shared_house, root))
    while not has_step("general", 1)(root):
        assert first.poll() is None
        time.sleep(0.001)
    first.send_signal(signal.SIGSTOP)  # it holds the folder while it stands still
    second = command(shared_house, *run_words(shared_house, root))
    printed, _ = second.communicate(timeout=60)
    first.kill()
    first.communicate()
    assert second.returncode == 1
    assert f"is in use by process {first.pid} on " in printed
