"""Metrics lines: appended whole, cut back on resume, valid JSON whatever the numbers."""

import json

import pytest

from training.metrics_log import MetricsLog, kept_lines


@pytest.fixture
def path(tmp_path):
    return tmp_path / "stage" / "metrics.jsonl"


def write(path, steps, resumed_from=0):
    log = MetricsLog(path, resumed_from, quiet=False)
    for step in steps:
        log.write({"kind": "step", "step": step, "loss": step / 3})


def test_a_resumed_log_equals_an_uninterrupted_one_byte_for_byte(path, tmp_path):
    write(path, range(1, 9))
    write(path, range(6, 11), resumed_from=5)
    write(tmp_path / "whole", range(1, 11))
    assert path.read_bytes() == (tmp_path / "whole").read_bytes()


@pytest.mark.parametrize("cut", range(1, 20))
def test_a_last_line_cut_short_anywhere_is_dropped(path, cut):
    write(path, range(1, 6))
    whole = path.read_text().splitlines()
    path.write_text("\n".join(whole)[:-cut])
    assert kept_lines(path, 5) == whole[:4]


def test_lines_of_the_checkpoints_own_step_are_kept_evaluations_too(path):
    log = MetricsLog(path, 0, quiet=False)
    for kind, step in (("step", 4), ("step", 5), ("evaluation", 5), ("step", 6)):
        log.write({"kind": kind, "step": step})
    assert [json.loads(line)["kind"] for line in kept_lines(path, 5)] == ["step", "step", "evaluation"]


def test_numbers_that_json_lacks_become_strings(path):
    MetricsLog(path, 0, quiet=False).write(
        {"step": 1, "terms": {"a": {"loss": float("nan")}}, "norm": float("inf"), "low": float("-inf"), "one": 1.0}
    )
    read = json.loads(path.read_text(), parse_constant=lambda text: pytest.fail(f"{text} is not JSON"))
    assert read == {"step": 1, "terms": {"a": {"loss": "nan"}}, "norm": "inf", "low": "-inf", "one": 1.0}


def test_ranks_other_than_the_first_write_nothing(path):
    MetricsLog(path, 0, quiet=True).write({"step": 1})
    assert not path.exists()
    assert not path.parent.exists()
