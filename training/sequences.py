"""What a source gives and an objective edits: some draws of one stream, their sequences end to end (numpy).

Shape letters: T tokens, N sequences, K draws, P ranges, M selected rows, U tokens and J sequences of targets.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from training.address import Key

Shape = Literal["sentence", "pair", "block"]
I64 = NDArray[np.int64]


@dataclass(frozen=True)
class TargetSequences:
    """Sequences that a decoder is to write, end to end.

    Attributes:
        tokens_U: int64 ids; of a source's targets the whole text with [CLS] and [SEP], of an objective's what the
            decoder is given.
        positions_U: int64, the position of each token.
        offsets_J1: int64, target sequence j is tokens offsets[j]:offsets[j + 1].
        memory_J: int64, the sequence that target sequence j belongs to.
        unread_T: bool, tokens of the sequences that no target may read; None: all are read.
    """

    tokens_U: I64
    positions_U: I64
    offsets_J1: I64
    memory_J: I64
    unread_T: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Sequences:
    """Sequences end to end.

    Attributes:
        tokens_T: int64 ids, special tokens included.
        segments_T: int64, 0 or 1.
        maskable_T: bool, ordinary tokens, which an objective may edit; never a special one.
        offsets_N1: int64, sequence i is tokens offsets[i]:offsets[i + 1].
        draws_N: int64, the address of each sequence within its stream; equal for sequences of one item.
        labels_N: int64 class or float32 score per sequence, or (N, C) float32 where a sequence has several labels; of
            candidates, 1 for the right one of an item and 0 for the others. None where the source has none.
        row_labels_T: int64 label per token with -100 where there is none, or None: tags; of spans, bit 0 where one
            starts and bit 1 where one ends; of text without labels in words, 0 where a word begins.
        continues_T: bool, whether a token continues the unit (word or phrase) of the token before it; special tokens
            and those after them never do. None where nobody asked for units: every token is its own.
        kinds_N, reaches_N: int64, attention kind and its reach as in `model.kinds.Kinds`; None: all see both ways.
        conditions_N: int64, as in `FlatBatch`; None: none.
        targets: what a decoder is to write, or is given; None where there is nothing.
    """

    tokens_T: I64
    segments_T: I64
    maskable_T: NDArray[np.bool_]
    offsets_N1: I64
    draws_N: I64
    labels_N: NDArray[np.int64] | NDArray[np.float32] | None = None
    row_labels_T: I64 | None = None
    continues_T: NDArray[np.bool_] | None = None
    kinds_N: I64 | None = None
    reaches_N: I64 | None = None
    conditions_N: I64 | None = None
    targets: TargetSequences | None = None

    @property
    def lengths_N(self) -> I64:
        return np.diff(self.offsets_N1)

    @property
    def positions_T(self) -> I64:
        """The place of each token in its sequence, from 0."""
        return np.arange(len(self.tokens_T)) - np.repeat(self.offsets_N1[:-1], self.lengths_N)


def ranges(first_P: I64, count_P: I64) -> I64:
    """The indices first, first + 1, … of each of some ranges, end to end."""
    return np.arange(count_P.sum()) + np.repeat(first_P - (np.cumsum(count_P) - count_P), count_P)


def offsets_of(lengths_P: I64) -> I64:
    """Where each of some things laid end to end begins, and the end of the last."""
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths_P)])


class Source(Protocol):
    """Where a stream's sequences come from. Everything is a pure function of (key, draw).

    Attributes:
        shape: what one item looks like; objectives check it.
        size: items in one epoch.
        mean_length: mean tokens of an item, special tokens included.
        longest: tokens of the largest item that can come.
        fingerprint: content address of the data behind it.
    """

    shape: Shape
    size: int
    mean_length: float
    longest: int
    fingerprint: str

    def lengths(self, draws_K: I64, key: Key) -> I64:
        """Tokens of each item, from the index alone."""
        ...

    def draw(self, draws_K: I64, key: Key) -> Sequences:
        """The items' sequences, in the order of the draws."""
        ...
