"""Schedules of the learning rate and of loss weights: pure functions of the step."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

RateKind = Literal["constant", "linear", "cosine", "slanted"]
WeightKind = Literal["constant", "linear", "exponential"]


@dataclass(frozen=True)
class RateSchedule:
    """The factor on the peak learning rate.

    Attributes:
        kind: `constant`, `linear` and `cosine` rise linearly over the warm-up and then stay, or fall to `floor`;
            `slanted` is the slanted triangle of Howard and Ruder (2018, "Universal Language Model Fine-tuning for
            Text Classification", section 3.2) with its `cut_fraction` and `ratio`.
        warmup: share of the steps spent rising, in [0, 1).
        floor: factor at the last step, in [0, 1].
    """

    kind: RateKind = "linear"
    warmup: float = 0.1
    floor: float = 0.0
    cut_fraction: float = 0.1
    ratio: float = 32.0

    def factor(self, step: int, steps: int) -> float:
        """The factor at optimizer step `step` of `steps` (0-based)."""
        if self.kind == "slanted":
            return self._slanted(step, steps)
        rising = round(self.warmup * steps)
        if step < rising:
            return (step + 1) / rising
        left = 1.0 - (step - rising) / max(1, steps - rising)
        return self.floor + (1.0 - self.floor) * _FALL[self.kind](left)

    def _slanted(self, step: int, steps: int) -> float:
        cut = max(1, math.floor(steps * self.cut_fraction))
        share = step / cut if step < cut else 1.0 - (step - cut) / (cut * (1.0 / self.cut_fraction - 1.0))
        return (1.0 + max(0.0, share) * (self.ratio - 1.0)) / self.ratio


_FALL: dict[str, Callable[[float], float]] = {
    "constant": lambda left: 1.0,
    "linear": lambda left: left,
    "cosine": lambda left: 0.5 - 0.5 * math.cos(math.pi * left),
}


@dataclass(frozen=True)
class WeightSchedule:
    """A loss weight that goes from `start` at the first step to `end` at the last.

    `exponential` multiplies by the same factor each step (Chronopoulou et al. 2019, "An Embarrassingly Simple
    Approach for Transfer Learning from Pretrained Language Models", section 3: 0.2 to 0.1).
    """

    kind: WeightKind
    start: float
    end: float

    def value(self, step: int, steps: int) -> float:
        """The weight at optimizer step `step` of `steps` (0-based)."""
        share = step / (steps - 1) if steps > 1 else 0.0
        if self.kind == "exponential":
            return self.start * (self.end / self.start) ** share
        return self.start + (self.end - self.start) * share


def constant_weight(value: float) -> WeightSchedule:
    """A weight that stands still."""
    return WeightSchedule("constant", value, value)
