"""Arms that take turns, so that whatever slows the machine down for a while slows all of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Protocol


class Arm(Protocol):
    """Something timed in blocks of equal work.

    Attributes:
        name: what the tables call it.
    """

    name: str

    def run_block(self) -> float:
        """Do one block and wait until the device is done; returns its work (real tokens, or operations)."""
        ...


@dataclass(frozen=True)
class Rates:
    """Work per second in each block of an arm."""

    blocks: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.blocks)

    @property
    def spread(self) -> float:
        """Largest less smallest, as a share of the median."""
        return (max(self.blocks) - min(self.blocks)) / self.median


def take_turns(arms: Sequence[Arm], blocks: int, say: Callable[[str], None]) -> dict[str, Rates]:
    """Run every arm once per round, for `blocks` rounds."""
    rates: dict[str, list[float]] = {arm.name: [] for arm in arms}
    for turn in range(blocks):
        for arm in arms:
            begun = perf_counter()
            work = arm.run_block()
            rates[arm.name].append(work / (perf_counter() - begun))
        say(f"round {turn + 1} of {blocks}: " + ", ".join(f"{name} {found[-1]:.4g}" for name, found in rates.items()))
    return {name: Rates(tuple(found)) for name, found in rates.items()}


def ratio(ours: Rates, theirs: Rates) -> Rates:
    """How many times as fast, round by round: the machine was the same within a round."""
    return Rates(tuple(a / b for a, b in zip(ours.blocks, theirs.blocks, strict=True)))


def fastest(rates: Mapping[str, Rates], names: Sequence[str]) -> str:
    """The name with the highest median."""
    return max(names, key=lambda name: rates[name].median)
