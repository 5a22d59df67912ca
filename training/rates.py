"""Rates by layer: what of the stage's rate each parameter group moves at, step by step. Pure functions.

Depth counts from the top: heads and pooler 0, the last block 1, the first of L blocks L, the embeddings L + 1.

Two ways of letting layers move one after the other, and one of letting the lower ones move less:

    discriminative  depth d moves at decay^-d of the rate       Howard, Ruder 2018 ("ULMFiT"), section 3.1
    gradual         depth d moves from step d · every on        the same, section 3.3
    sequential      new heads at once, all but the embeddings from step `head` on, these from step `encoder` on
                                                                Chronopoulou et al. 2019 ("SiATL"), section 3

A group that stands still has rate 0: AdamW then moves no weight, decay included. Its gradients are computed all the
same, so its moments run, which at its first move are those of the steps before, and the norm that is clipped counts
them: ZeRO clips what it has summed, whatever the rates.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class LayerRates:
    """What each group, by name, moves at.

    Attributes:
        scales: share of the stage's rate.
        begins: the optimizer step (0-based) from which on it moves; others move from the first.
    """

    scales: Mapping[str, float]
    begins: Mapping[str, int] = field(default_factory=dict)

    def factors(self, step: int) -> dict[str, float]:
        """The factor on the stage's rate at optimizer step `step`; 0 stands still."""
        return {name: scale if step >= self.begins.get(name, 0) else 0.0 for name, scale in self.scales.items()}


def scales_of(depths: Mapping[str, int], decay: float | None) -> dict[str, float]:
    """Each layer's rate is that of the one above divided by `decay`; None: all move alike."""
    return {name: (decay or 1.0) ** -depth for name, depth in depths.items()}


def gradual(depths: Mapping[str, int], every: int) -> dict[str, int]:
    """The step from which each group moves: one more layer after every `every` steps, from the top."""
    return {name: depth * every for name, depth in depths.items()}


def sequential(depths: Mapping[str, int], head: int, encoder: int, known: Collection[str] = ()) -> dict[str, int]:
    """The step from which each group moves.

    Args:
        head: steps in which the new heads move alone.
        encoder: steps before the embeddings move too.
        known: groups of depth 0 that were trained before, and so wait with the hidden layers.
    """
    deepest = max(depths.values())

    def begin(name: str, depth: int) -> int:
        if depth == 0 and name not in known:
            return 0
        return encoder if depth == deepest else head

    return {name: begin(name, depth) for name, depth in depths.items()}
