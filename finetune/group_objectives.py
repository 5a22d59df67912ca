"""Supervised objectives of rows that are answered together: an example's candidates, the tokens of a window.

A softmax runs over the rows of a group, and a group is what counts. Sums are taken in float32.

Shape letters: M selected rows, G groups, L rows of the longest group, N sequences.
"""

import numpy as np
import torch
from torch import Tensor

from finetune.encoding.encoded import ENDS, STARTS
from finetune.rows_read import rows_read
from finetune.tasks.spec import TaskSpec
from model.batch import IGNORED
from training.address import Key
from training.objective import Rows, Single, Term
from training.sequences import Sequences, Shape


class Candidates(Single):
    """Which of an example's candidates is right: -log of the right one's softmax over the scores of all.

    Liu et al. 2019, "Multi-Task Deep Neural Networks", equations 4 and 5, with gamma = 1. Each candidate's sequence has
    a score of its own.
    """

    edits = False
    shapes: tuple[Shape, ...] = ("sentence", "pair")

    def __init__(self, spec: TaskSpec) -> None:
        self.name: str = spec.kind
        self.head = spec.head_name
        self._spec = spec

    def apply(self, sequences: Sequences, key: Key) -> tuple[Sequences, Rows]:
        assert sequences.labels_N is not None
        read = rows_read(self._spec, sequences)
        turns = np.flatnonzero(np.diff(sequences.draws_N[read.sequence_A])) + 1
        groups_G1 = np.concatenate([[0], turns, [len(read.sequence_A)]])
        labels_A = sequences.labels_N[read.sequence_A]
        return sequences, Rows(read.rows_M, labels_A, groups_G1, read.runs_P1, read.sides_M)

    def term(self, logits_MC: Tensor, labels_M: Tensor, groups_G1: Tensor | None = None) -> Term:
        return summed_choice(logits_MC[:, 0], labels_M == 1, labels_M != IGNORED, groups_G1)


class Span(Single):
    """Where the answer starts and where it ends in a window: the mean of both cross-entropies.

    Devlin et al. 2019, sections 4.2 and 4.3: a softmax over the window's context and [CLS], which both stand on where
    the window does not hold the answer.
    """

    edits = False
    shapes: tuple[Shape, ...] = ("pair",)

    def __init__(self, spec: TaskSpec) -> None:
        self.name: str = spec.kind
        self.head = spec.head_name
        self._spec = spec

    def apply(self, sequences: Sequences, key: Key) -> tuple[Sequences, Rows]:
        assert sequences.row_labels_T is not None
        rows_M = rows_read(self._spec, sequences).rows_M
        return sequences, Rows(rows_M, sequences.row_labels_T[rows_M], np.searchsorted(rows_M, sequences.offsets_N1))

    def term(self, logits_MC: Tensor, labels_M: Tensor, groups_G1: Tensor | None = None) -> Term:
        counts_M = labels_M != IGNORED
        start, end = (
            summed_choice(logits_MC[:, place], counts_M & (labels_M & bit > 0), counts_M, groups_G1)
            for place, bit in enumerate((STARTS, ENDS))
        )
        return Term((start.sum + end.sum) / 2, start.count)


def summed_choice(scores_M: Tensor, is_right_M: Tensor, counts_M: Tensor, groups_G1: Tensor | None) -> Term:
    """-log of the right row's softmax over its group, summed over the groups that count; 0 with a live graph of none.

    Args:
        is_right_M: bool, one row of each group that counts.
        counts_M: bool, equal for the rows of a group.
        groups_G1: as in `Selection`; None or [0] where there are no groups.
    """
    if groups_G1 is None or len(groups_G1) < 2:
        return Term(scores_M.float().sum(), 0)
    rows_GL, is_row_GL = (part_GL.to(scores_M.device) for part_GL in _padded(groups_G1))
    scores_GL = scores_M.float().index_select(0, rows_GL.flatten()).view_as(rows_GL)
    log_shares_GL = scores_GL.masked_fill(~is_row_GL, -torch.inf).log_softmax(1)
    is_asked_GL = (is_right_M & counts_M)[rows_GL] & is_row_GL
    return Term(-log_shares_GL.masked_fill(~is_asked_GL, 0.0).sum(), int(counts_M[groups_G1[:-1]].sum()))


def _padded(groups_G1: Tensor) -> tuple[Tensor, Tensor]:
    """(G, L) the rows of each group, the last row of all where a group is shorter, and which of them are its own."""
    lengths_G = groups_G1.diff()
    place_L = torch.arange(int(lengths_G.max()))
    rows_GL = groups_G1[:-1, None] + place_L
    return rows_GL.clamp(max=int(groups_G1[-1]) - 1), place_L < lengths_G[:, None]
