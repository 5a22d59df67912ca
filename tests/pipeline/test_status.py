"""Where a run stands; the oracle is the text written out by hand for a hand-made run directory."""

import json
import os
import socket
import subprocess
import sys

import pytest

from pipeline.status import status_text
from pipeline.wording import age
from tokenization.errors import RunError

NOW = 10_000.0
RECIPE = "name: demo\nstages:\n- {name: general, steps: 40}\n- {name: multi, steps: 1200}\n- {name: more, steps: 5}\n"


@pytest.fixture
def run(tmp_path):
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    for stage in ("general", "multi"):
        (tmp_path / "stages" / stage).mkdir(parents=True)
    (tmp_path / "stages" / "general" / "manifest.json").write_text('{"steps": 60, "state": {"step": 40}}')
    terms = {"rte/classification": {"loss": 0.5, "count": 8, "weight": 1.0}}
    lines = [
        {"kind": "evaluation", "step": 1000, "scores": {"rte": {"accuracy": 0.6}}, "joint": 0.6, "clock": {}},
        {"kind": "step", "step": 1005, "loss": 0.75, "terms": terms, "clock": {"time": NOW - 42}},
    ]
    (tmp_path / "stages" / "multi" / "metrics.jsonl").write_text("".join(json.dumps(x) + "\n" for x in lines))
    return tmp_path


def lock(run, pid, host=None):
    owner = {"pid": pid, "host": host or socket.gethostname(), "since": NOW - 600, "command": "triptych run demo"}
    (run / "lock").write_text(json.dumps(owner))


def dead_process():
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_a_causal_loss_is_told_with_its_perplexity(run):
    terms = {"books/causal": {"loss": 4.0, "count": 8, "perplexity": 54.6}, "books/mlm": {"loss": 1.0, "count": 8}}
    line = {"kind": "step", "step": 1006, "loss": 4.0, "terms": terms, "clock": {"time": NOW - 42}}
    with (run / "stages" / "multi" / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")
    assert "last loss 4.000 (books/causal 4.000, perplexity 55, books/mlm 1.000)" in status_text(run, now=NOW)


def test_what_held_out_text_told_of_a_finished_stage_is_shown(run):
    boundary = {
        "lm": {"wiki": 5.25, "law": 6.0},
        "lm_accuracy": {"wiki": 0.125, "law": 0.1},
        "lm_way": "left",
        "further": {"nsp": {"wiki": {"loss": 0.7, "accuracy": 0.5}}},
    }
    manifest = {"steps": 60, "state": {"step": 40}, "boundary": boundary}
    (run / "stages" / "general" / "manifest.json").write_text(json.dumps(manifest))
    lines = status_text(run, now=NOW).splitlines()
    assert lines[2:4] == [
        "           held-out wiki: left-to-right LM loss 5.250, accuracy 0.125; NSP loss 0.700, accuracy 0.500",
        "           held-out law: left-to-right LM loss 6.000, accuracy 0.100",
    ]


def test_the_status_of_a_run_under_way_is_this_to_the_letter(run):
    lock(run, os.getpid())
    assert status_text(run, now=NOW) == (
        f"demo in {run}\n"
        "  general  finished, 40 steps\n"
        "  multi    at step 1,005 of 1,200\n"
        "           last loss 0.750 (rte/classification 0.500)  (42 s ago)\n"
        "           last evaluation, step 1000: rte accuracy 0.600 | joint 0.600\n"
        "  more     not started\n"
        "evaluation: not done\n"
        f"held by process {os.getpid()} on {socket.gethostname()}, begun 10 min ago: triptych run demo\n"
    )


def test_a_lock_left_behind_by_a_killed_process_is_told_from_a_held_one(run):
    lock(run, dead_process())
    assert "that process is gone" in status_text(run, now=NOW)


def test_a_process_on_another_machine_is_believed_to_run(run):
    lock(run, dead_process(), host="elsewhere.example")
    assert "on elsewhere.example" in status_text(run, now=NOW)
    assert "gone" not in status_text(run, now=NOW)


def test_without_a_lock_nobody_holds_the_run(run):
    assert status_text(run, now=NOW).endswith("no process holds it\n")


def test_asking_leaves_the_run_directory_as_it_was(run):
    before = sorted((path, path.stat().st_mtime_ns) for path in run.rglob("*"))
    status_text(run)
    assert sorted((path, path.stat().st_mtime_ns) for path in run.rglob("*")) == before


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunError, match="is not a run directory"):
        status_text(tmp_path / "absent")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-3, "0 s ago"),
        (59, "59 s ago"),
        (119, "119 s ago"),
        (180, "3 min ago"),
        (7200, "2 h ago"),
        (5 * 86400, "5 days ago"),
    ],
)
def test_ages_are_told_in_the_largest_unit_that_fits_twice(seconds, words):
    assert age(seconds) == words
