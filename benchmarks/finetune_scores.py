"""Scores of many trainings: each kept as soon as it is there, then compared side by side."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from tokenization.atomic import write_json
from tokenization.fingerprint import of_value


class Store:
    """Results on disk, so that a benchmark that was broken off goes on where it was.

    Args:
        settings: whatever the results depend on; with other settings they are made anew.
    """

    def __init__(self, root: Path, settings: Mapping[str, Any]) -> None:
        self.folder = root / of_value(settings)[:12]
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(self.folder / "settings.json", dict(settings))

    def get(self, name: str) -> Any:
        """What is kept under a name, or None."""
        path = self.folder / f"{name}.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None

    def put(self, name: str, found: Any) -> None:
        """Keep it."""
        write_json(self.folder / f"{name}.json", found)

    def score(self, name: str, train: Callable[[], float], say: Callable[[str], None]) -> None:
        """Train once and keep the score, unless it is there."""
        if self.get(name) is None:
            begun = time.perf_counter()
            self.put(name, {"score": train(), "seconds": time.perf_counter() - begun})
        kept = self.get(name)
        say(f"{name}: {kept['score']:.4f} ({kept['seconds']:.0f} s)")


@dataclass(frozen=True)
class Comparison:
    """Two samples of scores.

    Attributes:
        error: standard error of the difference of the means, sqrt(s1² / n1 + s2² / n2).
    """

    ours: tuple[float, ...]
    theirs: tuple[float, ...]
    difference: float
    error: float

    @property
    def within(self) -> bool:
        """Whether the means differ by no more than two standard errors."""
        return abs(self.difference) <= 2.0 * self.error


def compare(ours: Sequence[float], theirs: Sequence[float]) -> Comparison:
    """Compare the means of two samples of at least two scores each."""
    error = sqrt(stdev(ours) ** 2 / len(ours) + stdev(theirs) ** 2 / len(theirs))
    return Comparison(tuple(ours), tuple(theirs), fmean(ours) - fmean(theirs), error)
