"""SIGTERM and Ctrl-C: the step is finished and saved; one rank's stop is every rank's."""

import os
import signal
import time

import pytest

from training.checkpoint import StageFolder, verify
from training.interrupt import stop_on_signals

ENDLESS = 10_000_000


def wait_for_steps(root, processes, steps=3, limit=120.0):
    """Until so many steps are logged; a process that ends before fails the test with what it printed."""
    end = time.monotonic() + limit
    metrics = root / "metrics.jsonl"
    while not (metrics.is_file() and metrics.read_text().count("\n") >= steps):
        for process in processes:
            assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end, "the toy did not start training in time"
        time.sleep(0.05)


def assert_stopped_and_saved(root, processes, lines):
    printed = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [3] * len(processes), printed
    (step,) = StageFolder(root).saved_steps()
    verify(StageFolder(root).checkpoint(step))
    assert lines(root)[-1]["step"] == step
    return step, printed


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_a_signal_during_training_saves_the_finished_step_and_says_so(start_ranks, lines, tmp_path, number):
    (process,) = start_ranks([{"kind": "plain", "root": str(tmp_path), "steps": ENDLESS, "save_every": ENDLESS}])
    wait_for_steps(tmp_path, [process])
    process.send_signal(number)
    step, (printed,) = assert_stopped_and_saved(tmp_path, [process], lines)
    assert f"stopped by {number.name} after step {step}" in printed


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_a_signal_to_one_of_two_ranks_stops_both_after_the_same_step(start_ranks, lines, tmp_path, rank):
    job = {"kind": "plain", "root": str(tmp_path), "steps": ENDLESS, "save_every": ENDLESS}
    processes = start_ranks([job], ranks=2)
    wait_for_steps(tmp_path, processes)
    processes[rank].send_signal(signal.SIGTERM)
    step, printed = assert_stopped_and_saved(tmp_path, processes, lines)
    assert f"stopped by SIGTERM after step {step}" in printed[rank]
    assert f"stopped by a signal to another rank after step {step}" in printed[1 - rank]


def test_the_first_signal_asks_a_second_interrupts_and_the_handlers_are_put_back():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with stop_on_signals() as request:
        assert not request
        os.kill(os.getpid(), signal.SIGINT)
        assert request
        assert request.name == "SIGINT"
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
