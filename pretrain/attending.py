"""What each sequence of an objective sees: its attention kind, set on sequences that a source gave.

Shape letters: T tokens, N sequences.
"""

from dataclasses import replace
from typing import Literal

import numpy as np

from model.kinds import KINDS, PREFIX
from training.sequences import I64, Sequences

Attention = Literal["both", "left", "right", "prefix"]


def attending(sequences: Sequences, kind: Attention) -> Sequences:
    """The sequences under one kind; of `prefix` the first segment is the prefix. `both` hands them back."""
    if kind == "both":
        return sequences
    count = len(sequences.draws_N)
    reaches_N = first_segments(sequences) if kind == KINDS[PREFIX] else np.zeros(count, dtype=np.int64)
    return replace(sequences, kinds_N=np.full(count, KINDS.index(kind), dtype=np.int64), reaches_N=reaches_N)


def first_segments(sequences: Sequences) -> I64:
    """Tokens of segment 0 of each sequence, [CLS] and the first [SEP] included; they come first."""
    before_T1 = np.concatenate([[0], np.cumsum(sequences.segments_T == 0)])
    return np.diff(before_T1[sequences.offsets_N1])
