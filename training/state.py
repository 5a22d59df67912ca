"""The control state of a stage: all that a checkpoint holds beside weights and moments. JSON, equal on all ranks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Best:
    """The best score so far and the step that reached it."""

    score: float
    step: int


@dataclass
class State:
    """Counters and decisions.

    Attributes:
        step: optimizer steps taken.
        tokens, items: real tokens and items drawn, per stream.
        steps: optimizer steps that drew a stream.
        labels: labels that counted, per question (`stream/objective`).
        best: per task, and `joint`.
        without_gain: evaluations since the joint score last rose.
        stopped: early stopping has ended the stage.
    """

    step: int = 0
    tokens: dict[str, int] = field(default_factory=dict)
    items: dict[str, int] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)
    best: dict[str, Best] = field(default_factory=dict)
    without_gain: int = 0
    stopped: bool = False
    steps: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> State:
        best = {name: Best(**entry) for name, entry in value["best"].items()}
        return State(**{**value, "best": best})

    def record(self, scores: Mapping[str, float], joint: float | None) -> bool:
        """Take up an evaluation's primary scores at this step; returns whether any best rose."""
        entries = dict(scores) if joint is None else {**scores, "joint": joint}
        risen = {
            name: Best(score, self.step)
            for name, score in entries.items()
            if name not in self.best or score > self.best[name].score
        }
        self.best.update(risen)
        if joint is not None:
            self.without_gain = 0 if "joint" in risen else self.without_gain + 1
        return bool(risen)

    def snapshots(self) -> set[int]:
        """The steps whose weights some best refers to."""
        return {best.step for best in self.best.values()}
