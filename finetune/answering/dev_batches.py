"""A split as batches to answer: no padding, and each answer finds its way back to its example.

Shape letters: I items, S sequences of a batch, M selected rows, A answers, T tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from finetune.encoding.encoded import Encoded
from finetune.rows_read import rows_read
from model.batch import IGNORED, FlatBatch, Selection
from training.batching import lay_flat
from training.sequences import I64, offsets_of

ANSWERING_TOKENS = 8192
"""Tokens of a batch that is only answered. Fixed, whatever the micro-batch of training: sums come in the same order
during a run and in `triptych evaluate`, so that scores are the same to the last bit."""


@dataclass(frozen=True)
class DevBatch:
    """Some items of a split.

    Attributes:
        batch: with one selection, the task's rows, whose labels are all -100: no loss can come of them.
        sequences_S: which sequence of the split each one is; those of an item stand together.
        firsts_I: the first sequence of each item, by its index in the split.
        rows_M: which token of the split each selected row is; of one that is read in two directions it stands once.
        rows_S1: of sequence s these are rows[s]:rows[s + 1].
    """

    batch: FlatBatch
    sequences_S: I64
    firsts_I: I64
    rows_M: I64
    rows_S1: I64


def dev_batches(encoded: Encoded, budget: int) -> list[DevBatch]:
    """Every item of a split once, longest first, at most `budget` tokens a batch; a larger item has one of its own.

    The budget keeps the memory down and is no law: an item that was trained on, such as a question with very many
    candidates, can be answered too.
    """
    encoded = encoded.unanswered
    lengths_I = encoded.lengths_I
    order_I = np.argsort(-lengths_I, kind="stable")
    groups: list[list[int]] = [[]]
    room = budget
    for item, length in zip(order_I.tolist(), lengths_I[order_I].tolist(), strict=True):
        if length > room and groups[-1]:
            groups.append([])
            room = budget
        groups[-1].append(item)
        room -= length
    return [dev_batch(encoded, np.array(group, dtype=np.int64)) for group in groups]


def deal(batches: Sequence[DevBatch], rank: int, world: int) -> list[DevBatch]:
    """A rank's share. Every rank gets equally many, since ZeRO-3 needs every rank in every forward pass: the last
    round starts over with the first batches, whose second answers `in_order` drops.
    """
    rounds = -(-len(batches) // world)
    return [batches[(turn * world + rank) % len(batches)] for turn in range(rounds)]


def dev_batch(encoded: Encoded, items_I: I64) -> DevBatch:
    """Some items as one batch, in the order given."""
    spec, taken_S = encoded.spec, encoded.sequences_of(items_I)
    sequences_S = taken_S[:: len(spec.ways)]
    sequences = encoded.unanswered.take(items_I, items_I)
    read = rows_read(spec, sequences)
    sequence_M = (np.searchsorted(sequences.offsets_N1, read.once_M, side="right") - 1) // len(spec.ways)
    runs_P1, sides_M = (None if given is None else torch.from_numpy(given) for given in (read.runs_P1, read.sides_M))
    unlabelled_A = torch.full((len(read.sequence_A),), IGNORED, dtype=torch.int64)
    selection = Selection(
        spec.name,
        spec.kind,
        spec.head_name,
        torch.from_numpy(read.rows_M),
        unlabelled_A,
        runs_P1=runs_P1,
        sides_M=sides_M,
    )
    return DevBatch(
        lay_flat([sequences], (selection,)),
        sequences_S,
        encoded.items_I1[items_I],
        encoded.tokens_of(taken_S)[read.once_M],
        offsets_of(np.bincount(sequence_M, minlength=len(sequences_S))),
    )
