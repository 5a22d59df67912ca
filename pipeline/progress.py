"""What is shown while a stage runs: one live line on a terminal, plain lines elsewhere, nothing on other ranks."""

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar
from rich.text import Text

from pipeline import wording
from pipeline.metrics_lines import EvaluationLine, StepLine, line_of
from pipeline.pace import Pace

_REFRESH = 0.1  # seconds between two drawings of the live line
_BAR = 16  # cells


class Display(Protocol):
    """Where the words go."""

    def begin(self, stage: str, pace: Pace) -> None: ...

    def update(self, stage: str, pace: Pace) -> None: ...

    def say(self, line: str) -> None: ...

    def close(self) -> None: ...


class Progress:
    """Follows the stages of a run.

    Feed it the very records that go into `metrics.jsonl`; its speed therefore counts real tokens only, and its
    remaining time only the steps of this process.
    """

    def __init__(
        self,
        *,
        quiet: bool = False,
        every: int = 10,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Choose the display.

        Args:
            quiet: show nothing at all (every rank but 0).
            every: steps between two plain lines; the live line ignores it.
            stream: where to write; standard output by default.
            clock: seconds, going forward only.
        """
        console = Console(file=stream or sys.stdout)
        live = console.is_terminal and not console.is_dumb_terminal
        self._display: Display = (
            _Silent() if quiet else _Live(console, clock) if live else _Plain(stream or sys.stdout, every)
        )
        self._clock = clock
        self._stage = ""
        self._pace = Pace(0, 0, clock())

    def start(self, stage: str, step: int, steps: int) -> None:
        """A stage begins, or goes on, at `step` of `steps`."""
        self._display.close()
        self._stage = stage
        self._pace = Pace(step, steps, self._clock())
        self._display.begin(stage, self._pace)

    def step(self, record: Mapping[str, Any]) -> None:
        """An optimizer step is done."""
        line = line_of(record)
        if isinstance(line, StepLine):
            self._pace.add(line, self._clock())
            self._display.update(self._stage, self._pace)

    def evaluation(self, record: Mapping[str, Any]) -> None:
        """An evaluation is done."""
        line = line_of(record)
        if isinstance(line, EvaluationLine):
            self.say(f"{self._stage} {line.step}/{self._pace.steps} | {evaluation_words(line)}")

    def say(self, line: str) -> None:
        """Print one line, above the live line where there is one."""
        self._display.say(line)

    def close(self) -> None:
        """Leave the screen in order; a later `start` opens it again."""
        self._display.close()


def evaluation_words(line: EvaluationLine) -> str:
    """`rte accuracy 0.600 | joint 0.600`."""
    words = [
        f"{task} " + ", ".join(f"{metric} {wording.score(value)}" for metric, value in metrics.items())
        for task, metrics in line.scores.items()
    ]
    if line.joint is not None:
        words.append(f"joint {wording.score(line.joint)}")
    return " | ".join(words)


def pace_words(pace: Pace) -> list[str]:
    """Speed and remaining time first, so that a narrow screen cuts losses only."""
    return [
        f"{wording.compact(pace.tokens_per_second)} tokens/s",
        f"ETA {wording.duration(pace.eta)}",
        f"loss {wording.score(pace.loss.value)}",
        *(f"{name} {wording.score(loss.value)}" for name, loss in pace.losses.items()),
    ]


class _Silent:
    def begin(self, stage: str, pace: Pace) -> None: ...

    def update(self, stage: str, pace: Pace) -> None: ...

    def say(self, line: str) -> None: ...

    def close(self) -> None: ...


class _Plain:
    """One line every so many steps, without control codes: for log files."""

    def __init__(self, stream: TextIO, every: int) -> None:
        self._stream = stream
        self._every = every

    def begin(self, stage: str, pace: Pace) -> None:
        self.say(f"{stage} {pace.step}/{pace.steps} | " + ("goes on" if pace.step else "starts"))

    def update(self, stage: str, pace: Pace) -> None:
        if pace.step % self._every == 0 or pace.step == pace.steps:
            self.say(" | ".join([f"{stage} {pace.step}/{pace.steps}", *pace_words(pace)]))

    def say(self, line: str) -> None:
        print(line, file=self._stream, flush=True)

    def close(self) -> None: ...


class _Live:
    """One line that is drawn over; drawn from `update` itself, so that no thread runs beside the training."""

    def __init__(self, console: Console, clock: Callable[[], float]) -> None:
        self._console = console
        self._clock = clock
        self._bar: Bar | None = None
        self._drawn = clock()

    def begin(self, stage: str, pace: Pace) -> None:
        self._bar = Bar(
            TextColumn("{task.description} {task.completed}/{task.total}", markup=False),
            BarColumn(bar_width=_BAR),
            TextColumn("{task.fields[words]}", markup=False),
            console=self._console,
            auto_refresh=False,
        )
        self._bar.add_task(stage, total=pace.steps, completed=pace.step, words="")
        self._bar.start()

    def update(self, stage: str, pace: Pace) -> None:
        now = self._clock()
        if self._bar is None or (now - self._drawn < _REFRESH and pace.step < pace.steps):
            return
        self._drawn = now
        # Cut here: rich would shorten the stage and its step as well.
        words = Text("  ".join(pace_words(pace)))
        words.truncate(
            self._console.width - cell_len(f"{stage} {pace.step}/{pace.steps}") - _BAR - 2, overflow="ellipsis"
        )
        self._bar.update(self._bar.task_ids[0], completed=pace.step, words=words.plain)
        self._bar.refresh()

    def say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
