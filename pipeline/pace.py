"""How fast a stage goes and how its losses stand, from the lines of its steps: pure arithmetic, no display."""

import math
from collections import deque

from pipeline.metrics_lines import StepLine

MEMORY = 0.95  # what a smoothed loss keeps of its past at each step: about the last 20 steps count
WINDOW = 100  # steps that speed and ETA look back on: a slow first step is forgotten, an evaluation is not


class Smoothed:
    """A running mean that forgets: Σ memory^(t-i) · c_i · x_i / Σ memory^(t-i) · c_i over the values so far.

    Being a ratio of two sums it needs no correction at the start, and a value over many labels counts for more.
    """

    def __init__(self, memory: float = MEMORY) -> None:
        self._memory = memory
        self._sum = 0.0
        self._count = 0.0

    def add(self, value: float, count: float = 1.0) -> None:
        self._sum = self._memory * self._sum + count * value
        self._count = self._memory * self._count + count

    @property
    def value(self) -> float:
        """The mean; NaN before the first value."""
        return self._sum / self._count if self._count else math.nan


class Pace:
    """Losses, speed and remaining time of one stage in this process.

    Attributes:
        losses: smoothed loss of each `stream/objective` seen so far, in order of first appearance.
        loss: smoothed loss of the step.
    """

    def __init__(self, step: int, steps: int, now: float) -> None:
        """Start at `step` of `steps`; only what happens after that counts, so a resumed stage is not flattered.

        Args:
            now: seconds on any clock that only goes forward; `add` must use the same.
        """
        self.step = step
        self.steps = steps
        self.loss = Smoothed()
        self.losses: dict[str, Smoothed] = {}
        self._ticks: deque[tuple[int, float]] = deque([(step, now)], maxlen=WINDOW + 1)
        self._work: deque[tuple[int, float]] = deque(maxlen=WINDOW)

    def add(self, line: StepLine, now: float) -> None:
        """Take a finished step into account."""
        self.step = line.step
        self.loss.add(line.loss)
        for name, term in line.terms.items():
            self.losses.setdefault(name, Smoothed()).add(term.loss, term.count)
        self._ticks.append((line.step, now))
        if line.seconds is not None:
            self._work.append((line.tokens, line.seconds))

    @property
    def tokens_per_second(self) -> float | None:
        """Real tokens over the seconds their steps took; evaluations and saves do not slow it."""
        seconds = sum(seconds for _, seconds in self._work)
        return sum(tokens for tokens, _ in self._work) / seconds if seconds > 0 else None

    @property
    def eta(self) -> float | None:
        """Seconds to the last step at the pace of the last steps, evaluations and saves included."""
        (first, began), (last, now) = self._ticks[0], self._ticks[-1]
        if last <= first:
            return None
        return (now - began) / (last - first) * max(0, self.steps - last)
