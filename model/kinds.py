"""Attention kinds: which tokens of its own sequence a token sees. Sequences of all kinds stand in one flat batch.

Every kind is one interval of places for each token, so masks, kernels and tests share a single rule:

    both      all                           BERT
    left      up to itself                  left-to-right LM (Radford et al. 2018)
    right     from itself on                right-to-left LM (Peters et al. 2018)
    prefix p  the first p, and up to itself  sequence to sequence in one encoder (Dong et al. 2019, "UniLM", figure 1)
    window w  at most w places away         near views (Clark et al. 2018, "Semi-Supervised Sequence Modeling ...")

Shape letters: T tokens, N sequences.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

KindName = Literal["both", "left", "right", "prefix", "window"]
KINDS: tuple[KindName, ...] = get_args(KindName)
BOTH, LEFT, RIGHT, PREFIX, WINDOW = range(len(KINDS))


@dataclass(frozen=True)
class Kinds:
    """The attention kind of each sequence of a batch.

    Attributes:
        kind_N: int64 on the CPU, indices into `KINDS`.
        reach_N: int64 on the CPU, the prefix's length or the window's reach in tokens; of other kinds not read.
    """

    kind_N: Tensor
    reach_N: Tensor

    @property
    def plain(self) -> bool:
        """Whether every sequence sees both ways, so that no mask is needed."""
        return not bool(self.kind_N.any())

    def only(self, kind: int) -> bool:
        """Whether every sequence is of this kind."""
        return bool((self.kind_N == kind).all())


def visible(kinds: Kinds, lengths_N: Tensor) -> tuple[Tensor, Tensor]:
    """The first and the last place that each token sees, within its own sequence: two int64 (T,) on the CPU."""
    place_T = torch.arange(int(lengths_N.sum())) - (lengths_N.cumsum(0) - lengths_N).repeat_interleave(lengths_N)
    kind_T, reach_T = kinds.kind_N.repeat_interleave(lengths_N), kinds.reach_N.repeat_interleave(lengths_N)
    last_T = (lengths_N - 1).repeat_interleave(lengths_N)
    near_T = kind_T == WINDOW
    low_T = torch.where(kind_T == RIGHT, place_T, torch.where(near_T, place_T - reach_T, 0)).clamp(min=0)
    high_T = torch.where(kind_T == LEFT, place_T, last_T)
    high_T = torch.where(kind_T == PREFIX, torch.maximum(place_T, reach_T - 1), high_T)
    high_T = torch.where(near_T, place_T + reach_T, high_T)
    return low_T, torch.minimum(high_T, last_T)


def seen_rows(kinds: Kinds, offsets_N1: Tensor) -> tuple[Tensor, Tensor]:
    """The first and the last row of the flat batch that each token sees: two int64 (T,) on the CPU."""
    lengths_N = offsets_N1.diff()
    first_T = offsets_N1[:-1].repeat_interleave(lengths_N)
    low_T, high_T = visible(kinds, lengths_N)
    return first_T + low_T, first_T + high_T
