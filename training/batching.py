"""From the draws of a step to FlatBatches.

Shape letters: K draws, M micro-batches, N sequences, S streams, T tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.batch import FlatBatch, Selection
from training.mixture import NOTHING, Mixture
from training.objective import Objective, Rows
from training.packing import pack
from training.sequences import I64, Sequences

Part = tuple[I64, ...]
"""The draws of each stream that make one micro-batch, in the mixture's order."""


@dataclass(frozen=True)
class StepDraw:
    """A whole step: its micro-batches, the same for any number of ranks, and the real tokens of each stream."""

    parts: list[Part]
    tokens_S: I64


def draw_step(mixture: Mixture, step: int, budget: int) -> StepDraw:
    """Draw a step from the sources' indices alone and cut it into micro-batches of at most `budget` tokens."""
    draws = mixture.draws(step)
    lengths = [
        stream.source.lengths(draws_K, stream.key) if len(draws_K) else NOTHING
        for stream, draws_K in zip(mixture.streams, draws, strict=True)
    ]
    stream_K = np.repeat(np.arange(len(draws)), [len(draws_K) for draws_K in draws])
    draw_K = np.concatenate(draws)
    parts = [
        tuple(np.sort(draw_K[members][stream_K[members] == place]) for place in range(len(draws)))
        for members in pack(np.concatenate(lengths), budget)
    ]
    return StepDraw(parts, np.array([lengths_K.sum() for lengths_K in lengths], dtype=np.int64))


def flat_batch(mixture: Mixture, part: Part) -> FlatBatch:
    """Draw a micro-batch's sequences, let the objectives edit and select, and lay everything end to end."""
    pieces: list[Sequences] = []
    selections: list[Selection] = []
    start = 0
    for stream, draws_K in zip(mixture.streams, part, strict=True):
        if not len(draws_K):
            selections += [empty_selection(stream.name, objective) for objective in stream.objectives]
            continue
        sequences = stream.source.draw(draws_K, stream.key)
        rows: dict[str, Rows] = {}
        for objective in sorted(stream.objectives, key=lambda objective: not objective.edits):
            sequences, rows[objective.name] = objective.apply(sequences, stream.key)
        selections += [
            _selection(stream.name, objective.name, objective.head, rows[objective.name], start)
            for objective in stream.objectives
        ]
        pieces.append(sequences)
        start += len(sequences.tokens_T)
    return lay_flat(pieces, tuple(selections))


def lay_flat(pieces: Sequence[Sequences], selections: tuple[Selection, ...]) -> FlatBatch:
    """Put sequences end to end as tensors; the selections' rows must already count from the batch's first token."""
    lengths_N = np.concatenate([piece.lengths_N for piece in pieces])
    return FlatBatch(
        tokens_T=_tensor([piece.tokens_T for piece in pieces]),
        segments_T=_tensor([piece.segments_T for piece in pieces]),
        positions_T=_tensor([piece.positions_T for piece in pieces]),
        offsets_N1=torch.from_numpy(np.concatenate([[0], np.cumsum(lengths_N)])),
        selections=selections,
    )


def empty_batch(mixture: Mixture) -> FlatBatch:
    """A micro-batch of one token that nothing is asked of, for a rank that has none of its own in this round."""
    one = torch.zeros(1, dtype=torch.int64)
    return FlatBatch(
        tokens_T=one,
        segments_T=one,
        positions_T=one,
        offsets_N1=torch.tensor([0, 1]),
        selections=tuple(
            empty_selection(mixture.streams[question.stream].name, question.objective) for question in mixture.questions
        ),
    )


def empty_selection(stream: str, objective: Objective) -> Selection:
    """The selection of an objective whose stream is idle: no rows, the same place in the order."""
    nothing = torch.empty(0, dtype=torch.int64)
    return Selection(stream, objective.name, objective.head, nothing, nothing)


def _selection(stream: str, objective: str, head: str, rows: Rows, start: int) -> Selection:
    groups_G1 = None if rows.groups_G1 is None else torch.from_numpy(rows.groups_G1)
    rows_M, labels_M = torch.from_numpy(rows.rows_M + start), torch.from_numpy(rows.labels_M)
    return Selection(stream, objective, head, rows_M, labels_M, groups_G1)


def _tensor(pieces: list[NDArray[np.int64]]) -> Tensor:
    return torch.from_numpy(np.concatenate(pieces))
