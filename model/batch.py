"""The FlatBatch: every sequence of a micro-batch end to end, without padding.

Shape letters: T tokens, N sequences, M selected rows, G groups of rows, P runs of rows, C classes, U tokens and J
sequences of the targets.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from model.kinds import Kinds as Kinds  # part of what a batch is: floors above take it from here

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
        runs_P1: int64 on the CPU, run p is rows runs[p]:runs[p + 1], which the head reads together (a sequence that
            is pooled, the words of a sentence); a head that pools answers, and is labelled, once a run. None where it
            reads single rows.
        sides_M: int64, which part of its run a row is of: its segment, its sequence, its view; None where none asks.
        guide: the head whose answer to the rows of side 0, without gradient, stands in the place of the own head's;
            "" for none.
    """

    stream: str
    objective: str
    head: str
    rows_M: Tensor
    labels_M: Tensor
    groups_G1: Tensor | None = None
    runs_P1: Tensor | None = None
    sides_M: Tensor | None = None
    guide: str = ""

    @property
    def count(self) -> int:
        """Rows whose label counts, or groups whose first row's label does."""
        labels_M = self.labels_M if self.labels_M.dim() == 1 else self.labels_M[:, 0]
        if self.groups_G1 is not None:
            labels_M = labels_M[self.groups_G1[:-1].to(labels_M.device)]
        return int((labels_M != IGNORED).sum())

    def to(self, device: torch.device) -> Selection:
        sides_M = None if self.sides_M is None else self.sides_M.to(device)
        return replace(self, rows_M=self.rows_M.to(device), labels_M=self.labels_M.to(device), sides_M=sides_M)


@dataclass(frozen=True)
class Targets:
    """What a decoder works on: sequences of its own, each beside a sequence of the encoder's.

    Attributes:
        tokens_U, positions_U: int64, the decoder's inputs and the positions at which they stand.
        offsets_J1: int64 on the CPU, target sequence j is tokens offsets[j]:offsets[j + 1].
        memory_J: int64 on the CPU, the encoder's sequence that target sequence j reads.
        unread_T: bool on the CPU, the encoder's rows that no target reads; None: all are read.
    """

    tokens_U: Tensor
    positions_U: Tensor
    offsets_J1: Tensor
    memory_J: Tensor
    unread_T: Tensor | None = None

    def to(self, device: torch.device) -> Targets:
        return replace(self, tokens_U=self.tokens_U.to(device), positions_U=self.positions_U.to(device))


@dataclass(frozen=True)
class FlatBatch:
    """A micro-batch.

    Attributes:
        tokens_T, segments_T, positions_T: int64 ids, segment (0 or 1) and position within its sequence.
        offsets_N1: int64 on the CPU, sequence i is rows offsets[i]:offsets[i + 1].
        selections: always the same streams and objectives in the same order, empty where idle. The rows of a
            decoder's selection are those of `targets`.
        kinds: the attention kind of each sequence; None: all see both ways.
        conditions_N: int64 on the CPU, the place, from 1 on, of the condition under which a sequence is normalised,
            0 for none; None: none at all.
        targets: the decoder's sequences; None where nothing is asked of a decoder.
    """

    tokens_T: Tensor
    segments_T: Tensor
    positions_T: Tensor
    offsets_N1: Tensor
    selections: tuple[Selection, ...] = ()
    kinds: Kinds | None = None
    conditions_N: Tensor | None = None
    targets: Targets | None = None

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
            targets=None if self.targets is None else self.targets.to(device),
        )
