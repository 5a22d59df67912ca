"""The FlatBatch: every sequence of a micro-batch end to end, without padding.

Shape letters: T tokens, N sequences, M selected rows, G groups of rows, C classes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

IGNORED = -100


@dataclass(frozen=True)
class Selection:
    """The rows of the encoder's output that one objective of one stream reads, with what it wants of them.

    Attributes:
        stream, objective: who asks.
        head: the head that turns the rows into logits.
        rows_M: int64, indices into the T rows of the encoder's output.
        labels_M: int64 classes or float32 scores, one per row, or (M, C) float32 where a row has several labels;
            -100 marks a row that does not count.
        groups_G1: int64 on the CPU, group g is rows groups[g]:groups[g + 1], where rows are answered together (the
            candidates of a choice, the tokens of a window) and a group is what counts; None where each row stands
            alone.
    """

    stream: str
    objective: str
    head: str
    rows_M: Tensor
    labels_M: Tensor
    groups_G1: Tensor | None = None

    @property
    def count(self) -> int:
        """Rows whose label counts, or groups whose first row's label does."""
        labels_M = self.labels_M if self.labels_M.dim() == 1 else self.labels_M[:, 0]
        if self.groups_G1 is not None:
            labels_M = labels_M[self.groups_G1[:-1].to(labels_M.device)]
        return int((labels_M != IGNORED).sum())

    def to(self, device: torch.device) -> Selection:
        return replace(self, rows_M=self.rows_M.to(device), labels_M=self.labels_M.to(device))


@dataclass(frozen=True)
class FlatBatch:
    """A micro-batch.

    Attributes:
        tokens_T, segments_T, positions_T: int64 ids, segment (0 or 1) and position within its sequence.
        offsets_N1: int64 on the CPU, sequence i is rows offsets[i]:offsets[i + 1].
        selections: always the same streams and objectives in the same order, empty where idle.
    """

    tokens_T: Tensor
    segments_T: Tensor
    positions_T: Tensor
    offsets_N1: Tensor
    selections: tuple[Selection, ...] = ()

    @property
    def lengths_N(self) -> Tensor:
        """Tokens of each sequence, int64 on the CPU."""
        return self.offsets_N1.diff()

    def to(self, device: torch.device) -> FlatBatch:
        """Move all but the offsets, which the host reads to lay the attention out."""
        return replace(
            self,
            tokens_T=self.tokens_T.to(device),
            segments_T=self.segments_T.to(device),
            positions_T=self.positions_T.to(device),
            selections=tuple(selection.to(device) for selection in self.selections),
        )
