"""A speed counts only with its proof: the first step's loss and gradient norm, equal in all arms."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

# Relative. bf16 keeps 8 bits, and each arm rounds at other places.
TOLERANCE = {"fp32": 1e-5, "bf16": 1e-2}


@dataclass(frozen=True)
class Proof:
    """Of the first step, from equal weights on equal pairs; not a number before it was taken."""

    loss: float = math.nan
    norm: float = math.nan


def disagreements(proofs: Mapping[str, Proof], precision: str) -> list[str]:
    """A line for each arm that differs from the first one by more than rounding."""
    tolerance = TOLERANCE[precision]
    (_, reference), *others = proofs.items()
    return [
        f"{name}: {what} {found:.8g}, {expected:.8g} expected"
        for name, proof in others
        for what, found, expected in (("loss", proof.loss, reference.loss), ("norm", proof.norm, reference.norm))
        if not math.isclose(found, expected, rel_tol=tolerance)
    ]
