"""The flagship: a run that is killed again and again ends in the same bytes as one that never was; signals likewise."""

import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

LUCK = 20260801
LONGER = ("general.steps=30", "domain.steps=20")
Moment = tuple[str, Callable[[Path], bool]]


def exists(pattern: str) -> Callable[[Path], bool]:
    return lambda run: any(run.glob(pattern))


def has_step(stage: str, step: int) -> Callable[[Path], bool]:
    """Whether the metrics have come to a step."""

    def reached(run: Path) -> bool:
        path = run / "stages" / stage / "metrics.jsonl"
        lines = path.read_text().splitlines() if path.is_file() else []
        return any(f'"step": {step},' in line or f'"step": {step}}}' in line for line in lines)

    return reached


# What is under way when the kill comes; a random delay follows, so that it comes anywhere in it, or just after.
MOMENTS: tuple[Moment, ...] = (
    ("training the tokenizer", exists("../store/tokenizers/.aside-*")),
    ("tokenising", exists("../store/corpora/.aside-*")),
    ("steps of the first stage", has_step("general", 3)),
    ("saving in the first stage", exists("stages/general/checkpoints/.aside-*")),
    ("the first stage's boundary", exists("stages/general/checkpoints/step-00000030")),
    ("the second stage's manifest", exists("stages/domain/.aside-manifest.json")),
    ("a snapshot of the third stage", exists("stages/multitask/snapshots/.aside-*")),
    ("an evaluation of the third stage", has_step("multitask", 16)),
    ("saving in the third stage", exists("stages/multitask/checkpoints/.aside-step-00000025")),
    ("scoring", exists("evaluation")),
    ("exporting", exists(".aside-export")),
)


def run_words(house: Any, root: Path) -> list[object]:
    return ["run", house.file, "--run-dir", root, *(word for change in LONGER for word in ("--set", change))]


def finish(house: Any, command: Any, root: Path) -> str:
    process = command(house, *run_words(house, root))
    printed = str(process.communicate(timeout=200)[0])
    assert process.returncode == 0, printed
    return printed


def kill_during(process: subprocess.Popen[str], root: Path, moment: Moment, delay: float) -> bool:
    """Kill the process a little after the moment has come; whether it was still there to be killed."""
    name, has_come = moment
    begun = time.monotonic()
    while process.poll() is None and not has_come(root):
        assert time.monotonic() - begun < 100, f"{name} never came"
        time.sleep(0.0005)
    time.sleep(delay)
    process.kill()
    process.communicate()
    return process.returncode == -signal.SIGKILL


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
    killed = []
    for moment in MOMENTS:
        process = command(shared_house, *run_words(shared_house, root))
        if kill_during(process, root, moment, luck.uniform(0.0, 0.06)):
            killed.append(moment[0])
    assert len(killed) >= 9, f"only killed while {killed}"
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
    while not has_step("general", 12)(root):
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
    assert saved == step >= 12 or step % 5 == 0
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
