"""Which rows of the encoder a decoder reads.

Shape letters: X rows read, N sequences, J target sequences, U target tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from model.batch import FlatBatch, Targets


@dataclass(frozen=True)
class Memory:
    """The rows of the encoder's sequences that stand behind the target sequences.

    Attributes:
        rows_X: int64, indices into the encoder's T rows, target after target.
        offsets_J1: int64 on the CPU, target sequence j reads offsets[j]:offsets[j + 1] of the X.
    """

    rows_X: Tensor
    offsets_J1: Tensor


def memory_of(batch: FlatBatch) -> Memory:
    """The tokens of the sequence beside each target, but those that it may not read."""
    targets = batch.targets or no_targets(batch)
    rows_X, offsets_J1 = rows_of(batch.offsets_N1, targets.memory_J)
    if targets.unread_T is not None:
        read_X = ~targets.unread_T[rows_X]
        before_X1 = torch.cat([offsets_J1.new_zeros(1), read_X.cumsum(0)])
        rows_X, offsets_J1 = rows_X[read_X], before_X1[offsets_J1]
    return Memory(rows_X.to(batch.tokens_T.device), offsets_J1)


def rows_of(offsets_N1: Tensor, sequences_J: Tensor) -> tuple[Tensor, Tensor]:
    """The rows of some sequences, one sequence after the other, and their offsets; all int64 on the CPU."""
    lengths_J = offsets_N1.diff()[sequences_J]
    offsets_J1 = torch.cat([lengths_J.new_zeros(1), lengths_J.cumsum(0)])
    first_J = offsets_N1[:-1][sequences_J] - offsets_J1[:-1]
    return torch.arange(int(offsets_J1[-1])) + first_J.repeat_interleave(lengths_J), offsets_J1


def no_targets(batch: FlatBatch) -> Targets:
    """Targets of no sequence, on the batch's device."""
    nothing = batch.tokens_T.new_zeros(0)
    return Targets(nothing, nothing, torch.zeros(1, dtype=torch.int64), torch.zeros(0, dtype=torch.int64))
