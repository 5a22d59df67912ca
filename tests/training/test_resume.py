"""Resuming: a stage that was stopped or killed anywhere ends byte for byte as one that ran through."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from training.checkpoint import StageFolder, load_state
from training.interrupt import StopRequest
from training.loop import Evaluation, Stopped

STEPS, EVERY = 12, 5


class Killed(Exception):
    """Stands for SIGKILL: nothing more is saved."""


class Watcher:
    """Kills the run, or asks it to stop, when a step's line is written."""

    def __init__(self, step=None, stop=None):
        self._at, self._stop = step, stop

    def step(self, record):
        if record["step"] == self._at and self._stop is None:
            raise Killed
        if record["step"] == self._at:
            self._stop.name = "SIGTERM"

    def evaluation(self, record): ...


@pytest.fixture(scope="module")
def fit(toy):
    """Train in a folder from its last checkpoint on, if it has one; dropout and an alternating mixture are on."""

    def run(root, watcher=None, stop=None):
        saved = StageFolder(root).saved_steps()
        resume = saved[-1] if saved else None
        plan = toy.plan(STEPS, save_every=EVERY, evaluate_every=3, log_every=1)
        scores = iter([0.2, 0.6, 0.4, 0.5][(resume or 0) // 3 :])

        def evaluate():
            score = next(scores)
            return Evaluation({"a": {"accuracy": score}}, {"a": score}, score)

        more = {"watcher": watcher or Watcher(), "stop": StopRequest() if stop is None else stop}
        toy.train(root, plan, resume=resume, evaluate=evaluate, **more)

    return run


@pytest.fixture(scope="module")
def whole(fit, tmp_path_factory):
    root = tmp_path_factory.mktemp("whole")
    fit(root)
    return root


def assert_equal_to_the_byte(lines, root: Path, whole: Path):
    assert lines(root) == lines(whole)
    names = {str(file.relative_to(whole)) for file in whole.rglob("*") if file.is_file()}
    found = {str(file.relative_to(root)) for file in root.rglob("*") if file.is_file()}
    last = StageFolder(whole).checkpoint(STEPS).relative_to(whole)
    needed = [name for name in names if name.startswith(("snapshots/", str(last)))]
    assert len(needed) == 6
    assert {name for name in found if name.startswith("snapshots/")} <= set(needed)
    for name in needed:
        assert (root / name).read_bytes() == (whole / name).read_bytes(), name


@pytest.mark.parametrize("step", [1, 4, 5, 6, 9, 10, 11])
def test_a_stage_stopped_after_any_step_and_resumed_ends_as_one_that_ran_through(fit, lines, whole, tmp_path, step):
    stop = StopRequest()
    with pytest.raises(Stopped, match=f"after step {step}"):
        fit(tmp_path / "cut", Watcher(step, stop), stop)
    assert StageFolder(tmp_path / "cut").saved_steps()[-1] == step
    fit(tmp_path / "cut")
    assert_equal_to_the_byte(lines, tmp_path / "cut", whole)


@pytest.mark.parametrize("step", [3, 5, 8, 10, 12])
def test_a_stage_killed_between_checkpoints_and_resumed_ends_as_one_that_ran_through(fit, lines, whole, tmp_path, step):
    root = tmp_path / "cut"
    with pytest.raises(Killed):
        fit(root, Watcher(step))
    assert StageFolder(root).saved_steps() == [saved for saved in (5, 10) if saved < step]
    with open(root / "metrics.jsonl", "a") as handle:
        handle.write('{"kind": "step", "st')
    fit(root)
    assert_equal_to_the_byte(lines, root, whole)


def test_a_stage_stopped_three_times_ends_as_one_that_ran_through(fit, lines, whole, tmp_path):
    for step in (2, 3, 7):
        stop = StopRequest()
        with pytest.raises(Stopped):
            fit(tmp_path / "cut", Watcher(step, stop), stop)
    fit(tmp_path / "cut")
    assert_equal_to_the_byte(lines, tmp_path / "cut", whole)


@pytest.mark.slow
def test_on_several_threads_too_a_resumed_stage_ends_as_one_that_ran_through(fit, lines, tmp_path):
    """Some backward passes add up in whatever order their threads come; none of those may be in the step."""
    torch.set_num_threads(2)
    try:
        fit(tmp_path / "whole")
        with pytest.raises(Killed):
            fit(tmp_path / "cut", Watcher(8))
        fit(tmp_path / "cut")
    finally:
        torch.set_num_threads(1)
    assert_equal_to_the_byte(lines, tmp_path / "cut", tmp_path / "whole")


def test_a_finished_stage_takes_no_further_step(fit, whole, tmp_path):
    root = tmp_path / "finished"
    shutil.copytree(whole, root)
    fit(root)
    assert (root / "metrics.jsonl").read_bytes() == (whole / "metrics.jsonl").read_bytes()
    assert load_state(StageFolder(root), STEPS).step == STEPS


def test_metrics_lines_say_when_they_were_written_in_their_clock_alone(fit, whole, tmp_path):
    fit(tmp_path / "again")
    one, other = [
        [json.loads(line) for line in (root / "metrics.jsonl").read_text().splitlines()]
        for root in (whole, tmp_path / "again")
    ]
    assert all(record["clock"]["seconds"] > 0 for record in one)
    differing = {key for a, b in zip(one, other, strict=True) for key in a if a[key] != b[key]}
    assert differing == {"clock"}
