"""What the progress line says: oracles are closed forms over a hand-made clock."""

import io
import json
import math

import pytest

from pipeline import wording
from pipeline.metrics_lines import last_lines, line_of, read_lines
from pipeline.pace import WINDOW, Pace, Smoothed
from pipeline.progress import Progress
from tokenization.errors import RunError

ESC = "\x1b"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def step(n, *, loss=2.0, tokens=1000, seconds=0.5, **terms):
    return {
        "kind": "step",
        "step": n,
        "loss": loss,
        "terms": {name: {"loss": x, "count": c, "weight": 1.0} for name, (x, c) in terms.items()},
        "tokens": tokens,
        "rate": 1e-3,
        "grad_norm": 1.0,
        "clock": {"time": 5.0 + n, "seconds": seconds},
    }


def evaluation(n, scores, joint=None):
    return {"kind": "evaluation", "step": n, "scores": scores, "joint": joint, "clock": {"time": 9.0}}


def paced(start, steps, seconds_each):
    """A pace that began at `start`, with one step after each of the given pauses."""
    pace, now = Pace(start, steps, now=50.0), 50.0
    for n, pause in enumerate(seconds_each, start=start + 1):
        now += pause
        pace.add(line_of(step(n)), now)
    return pace


def test_remaining_time_is_the_steps_left_times_the_seconds_a_step_took():
    assert paced(0, 100, [2.0] * 10).eta == pytest.approx(2.0 * 90)


def test_after_a_resume_only_the_steps_of_this_process_set_the_remaining_time():
    assert paced(400, 500, [3.0] * 4).eta == pytest.approx(3.0 * 96)


def test_a_slow_first_step_is_forgotten_once_the_window_has_passed():
    assert paced(0, 1000, [60.0] + [1.0] * WINDOW).eta == pytest.approx(1000 - WINDOW - 1)


def test_remaining_time_is_unknown_before_the_first_step_and_zero_after_the_last():
    assert paced(7, 10, []).eta is None
    assert paced(7, 10, [1.0] * 3).eta == 0.0


def test_lines_logged_every_tenth_step_give_the_same_remaining_time():
    pace = Pace(0, 100, now=0.0)
    for n in (10, 20, 30):
        pace.add(line_of(step(n)), now=n * 2.0)
    assert pace.eta == pytest.approx(2.0 * 70)


def test_speed_is_real_tokens_over_the_seconds_of_their_steps_whatever_passes_between_them():
    pace = Pace(0, 10, now=0.0)
    pace.add(line_of(step(1, tokens=1000, seconds=0.5)), now=1.0)
    pace.add(line_of(step(2, tokens=3000, seconds=1.5)), now=60.0)
    assert pace.tokens_per_second == pytest.approx(4000 / 2.0)


def test_a_smoothed_loss_is_the_weighted_mean_with_weights_falling_by_the_memory():
    mean = Smoothed(memory=0.5)
    for value, count in ((4.0, 1), (2.0, 3), (1.0, 2)):
        mean.add(value, count)
    assert mean.value == pytest.approx((0.25 * 4 + 0.5 * 3 * 2 + 2 * 1) / (0.25 + 0.5 * 3 + 2))


def test_a_constant_loss_is_shown_as_it_is_from_the_first_step_on():
    mean = Smoothed()
    assert math.isnan(mean.value)
    for count in (3, 1, 500):
        mean.add(7.25, count)
        assert mean.value == pytest.approx(7.25)


def test_a_task_that_is_absent_from_a_step_keeps_its_loss():
    pace = Pace(0, 10, now=0.0)
    pace.add(line_of(step(1, **{"rte/classification": (0.7, 8)})), now=1.0)
    pace.add(line_of(step(2, **{"rte/classification": (None, 0), "aux/mlm": (5.0, 100)})), now=2.0)
    assert {name: loss.value for name, loss in pace.losses.items()} == pytest.approx(
        {"rte/classification": 0.7, "aux/mlm": 5.0}
    )


def followed(stream, *, every=2, quiet=False):
    clock = Clock()
    progress = Progress(stream=stream, every=every, quiet=quiet, clock=clock)
    progress.start("general", 4, 8)
    for n in (5, 6, 7, 8):
        clock.now += 2.0
        progress.step(step(n, loss=3.0, **{"pairs/mlm": (2.5, 40), "pairs/nsp": (0.5, 8)}))
    progress.evaluation(evaluation(8, {"rte": {"accuracy": 0.6}}, joint=0.6))
    progress.say("saved checkpoints/8")
    progress.close()
    return stream.getvalue()


def test_off_a_terminal_there_is_a_plain_line_every_k_steps():
    assert followed(io.StringIO()).splitlines() == [
        "general 4/8 | goes on",
        "general 6/8 | 2.00k tokens/s | ETA 0:04 | loss 3.000 | pairs/mlm 2.500 | pairs/nsp 0.500",
        "general 8/8 | 2.00k tokens/s | ETA 0:00 | loss 3.000 | pairs/mlm 2.500 | pairs/nsp 0.500",
        "general 8/8 | rte accuracy 0.600 | joint 0.600",
        "saved checkpoints/8",
    ]


def test_off_a_terminal_nothing_but_text_and_newlines_is_written(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    shown = followed(io.StringIO())
    assert ESC not in shown
    assert "\r" not in shown


def test_the_last_step_has_its_line_also_when_k_does_not_divide_it():
    assert "general 8/8 | 2.00k" in followed(io.StringIO(), every=5)


def test_on_a_terminal_one_line_is_drawn_over_and_messages_stand_above_it(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "160")
    shown = followed(Terminal())
    assert ESC in shown
    assert "general 8/8" in shown
    assert "pairs/mlm 2.500" in shown
    assert shown.index("saved checkpoints/8") < shown.rindex("general 8/8")


def test_a_narrow_terminal_cuts_losses_and_keeps_the_step_and_the_remaining_time(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "70")
    shown = followed(Terminal())
    assert "general 8/8" in shown
    assert "ETA 0:00" in shown
    assert "pairs/nsp" not in shown


def test_names_with_brackets_are_shown_as_they_are(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "160")
    stream, clock = Terminal(), Clock()
    progress = Progress(stream=stream, clock=clock)
    progress.start("[red]x", 0, 1)
    progress.step(step(1, **{"[bold]s/mlm": (1.0, 1)}))
    progress.say("[/nothing]")
    progress.close()
    for words in ("[red]x 1/1", "[bold]s/mlm 1.000", "[/nothing]"):
        assert words in stream.getvalue()


def test_other_ranks_show_nothing():
    assert followed(io.StringIO(), quiet=True) == ""
    assert followed(Terminal(), quiet=True) == ""


def test_closing_twice_and_starting_the_next_stage_are_harmless(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    progress = Progress(stream=(stream := Terminal()), clock=Clock())
    progress.start("one", 0, 2)
    progress.start("two", 0, 2)
    progress.close()
    progress.close()
    assert "two 0/2" in stream.getvalue()


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "–"), (840, "840"), (999.6, "1.00k"), (19800, "19.8k"), (198_000, "198k"), (2.5e6, "2.50M")],
)
def test_large_numbers_have_three_digits(value, words):
    assert wording.compact(value) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(None, "–"), (0, "0:00"), (125, "2:05"), (3725, "1:02:05"), (59.7, "1:00")]
)
def test_durations_carry_into_the_next_unit(seconds, words):
    assert wording.duration(seconds) == words


def write_lines(path, records, tail=""):
    path.write_text("".join(json.dumps(record) + "\n" for record in records) + tail)
    return path


def test_a_line_that_is_being_written_is_not_read_yet(tmp_path):
    path = write_lines(tmp_path / "metrics.jsonl", [step(1), step(2)], tail='{"kind": "step", "st')
    assert [line.step for line in read_lines(path)] == [1, 2]


def test_the_last_step_and_evaluation_are_those_a_full_reading_ends_with(tmp_path):
    records = [step(1), evaluation(1, {"a": {"f1": 0.1}}), step(2), evaluation(2, {"a": {"f1": 0.2}}), step(3)]
    path = write_lines(tmp_path / "metrics.jsonl", records)
    lines = read_lines(path)
    assert last_lines(path) == (lines[-1], lines[-2])
    assert last_lines(tmp_path / "absent") == (None, None)


def test_a_damaged_line_is_named_by_file_and_number(tmp_path):
    path = write_lines(tmp_path / "metrics.jsonl", [step(1), {"kind": "step", "step": 2}, step(3)])
    with pytest.raises(RunError, match=r"metrics\.jsonl, line 2: .*loss"):
        read_lines(path)


def test_lines_from_before_perplexities_were_written_have_them_by_their_loss():
    terms = line_of(step(1, **{"text/causal": (2.0, 5), "text/mass": (800.0, 5), "text/mlm": (2.0, 5)})).terms
    assert terms["text/causal"].perplexity == pytest.approx(math.exp(2.0))
    assert terms["text/mass"].perplexity == pytest.approx(math.exp(700.0))
    assert terms["text/mlm"].perplexity is None
