"""What a few repetitions tell of a number, and whether two runs differ by more than their seeds do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median, stdev
from typing import Literal

from scipy.stats import t as student

Verdict = Literal["unknown", "within noise", "outside noise"]
LEVEL = 0.95


@dataclass(frozen=True)
class Spread:
    """A number over seeds.

    Attributes:
        sd: sample standard deviation (n - 1); None of a single value.
        standard_error: of the mean; None of a single value.
    """

    mean: float
    sd: float | None
    median: float
    standard_error: float | None
    lowest: float
    highest: float


@dataclass(frozen=True)
class Paired:
    """The mean of differences B - A of runs under the same seeds, with its 95 % interval by Student's t.

    Attributes:
        seeds: those that both runs have.
        standard_error, interval: None with fewer than two seeds.
    """

    difference: float
    standard_error: float | None
    interval: tuple[float, float] | None
    seeds: tuple[int, ...]

    @property
    def verdict(self) -> Verdict:
        """Within noise where the interval holds 0."""
        if self.interval is None:
            return "unknown"
        return "within noise" if self.interval[0] <= 0.0 <= self.interval[1] else "outside noise"


def spread(values: Sequence[float]) -> Spread:
    """The spread of one value or more."""
    sd = stdev(values) if len(values) > 1 else None
    return Spread(
        mean=mean(values),
        sd=sd,
        median=median(values),
        standard_error=None if sd is None else sd / len(values) ** 0.5,
        lowest=min(values),
        highest=max(values),
    )


def paired(ours: Mapping[int, float], theirs: Mapping[int, float]) -> Paired | None:
    """Compare seed by seed: `theirs` - `ours`; None where no seed is in both."""
    seeds = tuple(sorted(ours.keys() & theirs.keys()))
    if not seeds:
        return None
    found = spread([theirs[seed] - ours[seed] for seed in seeds])
    if found.standard_error is None:
        return Paired(found.mean, None, None, seeds)
    reach = float(student.ppf(0.5 + LEVEL / 2, len(seeds) - 1)) * found.standard_error
    return Paired(found.mean, found.standard_error, (found.mean - reach, found.mean + reach), seeds)
