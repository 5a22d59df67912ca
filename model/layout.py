"""How a flat batch is laid out in padded blocks for the attention alone: made once per batch, on the host.

Sequences are sorted by length and cut into groups of similar length; a group is one rectangular block. Padding
exists only inside the attention, so its waste costs no other layer anything.

Shape letters: T tokens, N sequences, P slots of all blocks together (P >= T), B sequences of a group, L its length.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from model.kinds import Kinds, visible

# A group holds lengths from its longest down to this share of it, or to SLACK tokens less: cutting finer costs
# more calls than the padding it saves.
SHORTEST_SHARE = 0.75
SLACK = 8


@dataclass(frozen=True)
class Group:
    """One padded block.

    Attributes:
        first: its first slot among the P slots.
        sequences, length: B and L.
        mask_B1QL: True at the keys that a query sees; Q is 1 where all queries of a sequence see the same, else L.
            None where all B sequences have length L and see both ways.
    """

    first: int
    sequences: int
    length: int
    mask_B1QL: Tensor | None

    @property
    def slots(self) -> int:
        return self.sequences * self.length


@dataclass(frozen=True)
class PaddedLayout:
    """Where each token stands in the padded blocks.

    Attributes:
        groups: the blocks, longest first.
        slots_T: int64, the slot of each token; all different.
        rows_P: int64, the row in each slot; a padding slot repeats its sequence's last row.
        slots: P.
    """

    groups: tuple[Group, ...]
    slots_T: Tensor
    rows_P: Tensor
    slots: int

    @property
    def one_sequence(self) -> bool:
        """Whether there is one sequence alone, whose slots are its rows."""
        return len(self.groups) == 1 and self.groups[0].sequences == 1


@dataclass(frozen=True)
class FlatLayout:
    """What variable-length kernels read: cumulative lengths (int32, on the device) and the longest sequence.

    Attributes:
        to_the_left: whether each token sees those before it and itself alone.
    """

    offsets_N1: Tensor
    longest: int
    to_the_left: bool = False


def flat_layout(offsets_N1: Tensor, device: torch.device, to_the_left: bool = False) -> FlatLayout:
    """The layout for a kernel that needs no padding; `offsets_N1` is int64 on the CPU."""
    lengths_N = offsets_N1.diff()
    longest = int(lengths_N.max()) if len(lengths_N) else 0
    return FlatLayout(offsets_N1.to(device=device, dtype=torch.int32), longest, to_the_left)


def padded_layout(offsets_N1: Tensor, device: torch.device, kinds: Kinds | None = None) -> PaddedLayout:
    """Lay a batch out in length groups; `offsets_N1` is int64 on the CPU, the result's tensors are on `device`."""
    lengths_N = offsets_N1.diff()
    seen = None if kinds is None or kinds.plain else visible(kinds, lengths_N)
    order_N = torch.argsort(lengths_N, descending=True, stable=True)[: int((lengths_N > 0).sum())]
    sorted_N = lengths_N[order_N]
    slots_T = torch.empty(int(offsets_N1[-1]), dtype=torch.int64)
    rows: list[Tensor] = []
    groups: list[Group] = []
    slots = 0
    for start, stop in _cut(sorted_N.tolist()):
        length = int(sorted_N[start])
        lengths_B1 = sorted_N[start:stop, None]
        place_L = torch.arange(length)
        real_BL = place_L < lengths_B1
        rows_BL = offsets_N1[order_N[start:stop], None] + torch.minimum(place_L, lengths_B1 - 1)
        slots_BL = slots + torch.arange((stop - start) * length).view(-1, length)
        slots_T[rows_BL[real_BL]] = slots_BL[real_BL]
        rows.append(rows_BL.flatten())
        if seen is None or kinds is None or not bool(kinds.kind_N[order_N[start:stop]].any()):
            mask = None if bool(real_BL.all()) else real_BL[:, None, None, :]
        else:  # a padding slot repeats its sequence's last row, and sees what that sees
            low_BL, high_BL = (bound_T[rows_BL] for bound_T in seen)
            mask = ((low_BL[:, :, None] <= place_L) & (place_L <= high_BL[:, :, None]))[:, None]
        groups.append(Group(slots, stop - start, length, None if mask is None else mask.to(device)))
        slots += groups[-1].slots
    rows_P = torch.cat([slots_T.new_zeros(0), *rows])
    return PaddedLayout(tuple(groups), slots_T.to(device), rows_P.to(device), slots)


def _cut(lengths: list[int]) -> list[tuple[int, int]]:
    """Cut descending lengths into runs of similar length."""
    cuts: list[tuple[int, int]] = []
    start = 0
    for i in range(1, len(lengths) + 1):
        if i == len(lengths) or lengths[i] < min(lengths[start] * SHORTEST_SHARE, lengths[start] - SLACK):
            cuts.append((start, i))
            start = i
    return cuts
