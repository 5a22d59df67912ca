"""Which rows of the encoder's output a task reads: one answer for training and for answering.

Shape letters: T tokens, N sequences, M rows read, P runs of rows, A answers.
"""

from dataclasses import dataclass

import numpy as np

from finetune.tasks.spec import TaskSpec
from model.batch import IGNORED
from training.sequences import I64, Sequences, ranges


@dataclass(frozen=True)
class RowsRead:
    """The rows that a task reads of some sequences.

    Attributes:
        rows_M: indices into the tokens of the sequences; those of one sequence stand together.
        sequence_A: of each answer the sequence that it is about, the first one of an item of two texts, or of a text
            that is read in two directions.
        runs_P1, sides_M: as in `Selection`; None where each row is read alone.
        apart: whether each run is read from left to right (side 0) and then again from right to left (side 1).
    """

    rows_M: I64
    sequence_A: I64
    runs_P1: I64 | None = None
    sides_M: I64 | None = None
    apart: bool = False

    @property
    def once_M(self) -> I64:
        """The rows, of a token that is read in two directions the first."""
        return self.rows_M[self.sides_M == 0] if self.apart else self.rows_M


def rows_read(spec: TaskSpec, sequences: Sequences) -> RowsRead:
    """The rows that a task's head reads, and how they hang together.

    A tag is read at the first piece of its word, a span at [CLS] and the context's tokens, a task in words where the
    language model is asked, as `row_labels_T` marks them. Every other kind is read at the row that stands for its
    sequence, or, by a head that pools, at all of its tokens, or at those of both texts.
    """
    if spec.attention == "apart":
        return _both_directions(spec, sequences)
    if spec.kind in ("tagging", "span") or spec.worded:
        return _marked(spec, sequences)
    if spec.design.pool == "siamese":
        return _both_texts(sequences)
    if spec.design.reads_runs:
        return _whole(spec, sequences)
    return RowsRead(_standing(spec, sequences), np.arange(len(sequences.draws_N)))


def _standing(spec: TaskSpec, sequences: Sequences) -> I64:
    """The row that stands for each sequence: the first token's, or the last's where that one alone has seen all.

    Left-to-right models are read at the last token (Radford et al. 2018, section 3.2).
    """
    return sequences.offsets_N1[1:] - 1 if spec.attention == "left" else sequences.offsets_N1[:-1]


def _marked(spec: TaskSpec, sequences: Sequences) -> RowsRead:
    """The marked tokens, an answer each; a head that reads a sentence's words one after the other has it as a run."""
    assert sequences.row_labels_T is not None
    rows_M = np.flatnonzero(sequences.row_labels_T != IGNORED)
    runs_P1 = np.searchsorted(rows_M, sequences.offsets_N1) if spec.design.reads_runs else None
    return RowsRead(rows_M, np.searchsorted(sequences.offsets_N1, rows_M, side="right") - 1, runs_P1)


def _whole(spec: TaskSpec, sequences: Sequences) -> RowsRead:
    """All tokens of a sequence, one answer for each; their sides are their segments.

    A run begins with the row that stands for its sequence: what is read at the last token runs backwards.
    """
    rows_M = np.arange(len(sequences.tokens_T))
    if spec.attention == "left" and spec.design.pool == "concat":
        ends_M = np.repeat(sequences.offsets_N1[:-1] + sequences.offsets_N1[1:] - 1, sequences.lengths_N)
        rows_M = ends_M - rows_M
    return RowsRead(rows_M, np.arange(len(sequences.draws_N)), sequences.offsets_N1, sequences.segments_T[rows_M])


def _both_texts(sequences: Sequences) -> RowsRead:
    """All tokens of both sequences of an item, one answer for each item; their sides are the two sequences."""
    count = len(sequences.draws_N)
    assert count % 2 == 0, "an item is two texts"
    sides_M = np.repeat(np.arange(count) % 2, sequences.lengths_N)
    rows_M = ranges(sequences.offsets_N1[:-1], sequences.lengths_N)
    return RowsRead(rows_M, np.arange(0, count, 2), sequences.offsets_N1[::2], sides_M)


def _both_directions(spec: TaskSpec, sequences: Sequences) -> RowsRead:
    """A run for each text: its rows in its left-to-right sequence, then the same rows in its right-to-left one."""
    read = (_marked if spec.kind == "tagging" else _whole)(spec, sequences)
    assert read.runs_P1 is not None, "an LSTM reads runs"
    sides_M = (np.searchsorted(sequences.offsets_N1, read.rows_M, side="right") - 1) % 2
    return RowsRead(read.rows_M, read.sequence_A[read.sequence_A % 2 == 0], read.runs_P1[::2], sides_M, apart=True)
