"""A split as batches to answer: no padding, and each answer finds its way back to its example.

Shape letters: N sequences of a batch, M selected rows, T tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from finetune.tasks.encode import NO_WORD, Encoded
from model.batch import IGNORED, FlatBatch, Selection
from tokenization.errors import RecipeError
from training.batching import lay_flat
from training.sequences import I64

ANSWERING_TOKENS = 8192
"""Tokens of a batch that is only answered. Fixed, whatever the micro-batch of training: sums come in the same order
during a run and in `triptych evaluate`, so that scores are the same to the last bit."""


@dataclass(frozen=True)
class DevBatch:
    """Some examples of a split.

    Attributes:
        batch: with one selection, the task's rows, whose labels are all -100: no loss can come of them.
        examples_N: which example each sequence is.
        row_examples_M, row_words_M: which example, and for tagging which of its words, each selected row answers.
    """

    batch: FlatBatch
    examples_N: I64
    row_examples_M: I64
    row_words_M: I64


def dev_batches(encoded: Encoded, budget: int) -> list[DevBatch]:
    """Every example of a split once, longest first, at most `budget` tokens a batch.

    Raises:
        RecipeError: an example is larger than the budget.
    """
    lengths_N = encoded.lengths_N
    if lengths_N.max() > budget:
        raise RecipeError(
            f"a batch holds {budget} tokens, but task {encoded.spec.name!r} has an example of {lengths_N.max()}. "
            f"Give a smaller tasks.{encoded.spec.name}.length."
        )
    order_N = np.argsort(-lengths_N, kind="stable")
    groups: list[list[int]] = [[]]
    room = budget
    for example, length in zip(order_N.tolist(), lengths_N[order_N].tolist(), strict=True):
        if length > room:
            groups.append([])
            room = budget
        groups[-1].append(example)
        room -= length
    return [_batch(encoded, np.array(group, dtype=np.int64)) for group in groups]


def deal(batches: Sequence[DevBatch], rank: int, world: int) -> list[DevBatch]:
    """A rank's share. Every rank gets equally many, since ZeRO-3 needs every rank in every forward pass: the last
    round starts over with the first batches, whose second answers `in_order` drops.
    """
    rounds = -(-len(batches) // world)
    return [batches[(turn * world + rank) % len(batches)] for turn in range(rounds)]


def _batch(encoded: Encoded, examples_N: I64) -> DevBatch:
    sequences = encoded.take(examples_N, examples_N)
    if encoded.word_T is None:
        rows_M = sequences.offsets_N1[:-1]
        words_M = np.zeros_like(rows_M)
    else:
        word_T = encoded.word_T[encoded.tokens_of(examples_N)]
        rows_M = np.flatnonzero(word_T != NO_WORD)
        words_M = word_T[rows_M]
    spec = encoded.spec
    unlabelled_M = torch.full((len(rows_M),), IGNORED, dtype=torch.int64)
    selection = Selection(spec.name, spec.kind, spec.name, torch.from_numpy(rows_M), unlabelled_M)
    sequence_T = np.repeat(examples_N, sequences.lengths_N)
    return DevBatch(lay_flat([sequences], (selection,)), examples_N, sequence_T[rows_M], words_M)
