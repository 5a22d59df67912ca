"""From the draws of a step to FlatBatches.

Shape letters: K draws, M micro-batches, N sequences, S streams, T tokens, J target sequences.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.batch import FlatBatch, Kinds, Selection, Targets
from training.mixture import NOTHING, Mixture
from training.objective import Objective, Rows
from training.packing import pack
from training.sequences import I64, Sequences, offsets_of

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
    room = [
        np.ceil(lengths_K * stream.growth).astype(np.int64)
        for stream, lengths_K in zip(mixture.streams, lengths, strict=True)
    ]
    stream_K = np.repeat(np.arange(len(draws)), [len(draws_K) for draws_K in draws])
    draw_K = np.concatenate(draws)
    parts = [
        tuple(np.sort(draw_K[members][stream_K[members] == place]) for place in range(len(draws)))
        for members in pack(np.concatenate(room), budget)
    ]
    return StepDraw(parts, np.array([lengths_K.sum() for lengths_K in lengths], dtype=np.int64))


def flat_batch(mixture: Mixture, part: Part) -> FlatBatch:
    """Draw a micro-batch's sequences, let the objectives edit and select, and lay everything end to end."""
    pieces: list[Sequences] = []
    selections: list[Selection] = []
    start = target_start = 0
    for stream, draws_K in zip(mixture.streams, part, strict=True):
        if not len(draws_K):
            selections += [empty_selection(stream.name, objective) for objective in stream.objectives]
            continue
        sequences = stream.source.draw(draws_K, stream.key)
        rows: dict[str, Rows] = {}
        for objective in sorted(stream.objectives, key=lambda objective: not objective.edits):
            sequences, rows[objective.name] = objective.apply(sequences, stream.key)
        for objective in stream.objectives:
            found = rows[objective.name]
            selections.append(selection_of(stream.name, objective, found, target_start if found.of_targets else start))
        pieces.append(sequences)
        start += len(sequences.tokens_T)
        target_start += 0 if sequences.targets is None else len(sequences.targets.tokens_U)
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
        kinds=_kinds(pieces),
        conditions_N=_conditions(pieces),
        targets=_targets(pieces),
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
    sides_M = nothing if objective.guide else None
    return Selection(stream, objective.name, objective.head, nothing, nothing, sides_M=sides_M, guide=objective.guide)


def selection_of(stream: str, objective: Objective, rows: Rows, start: int) -> Selection:
    """The rows that an objective named, as the batch knows them, whose first token of the stream is `start`."""
    groups_G1, runs_P1, sides_M = (
        None if given is None else torch.from_numpy(given) for given in (rows.groups_G1, rows.runs_P1, rows.sides_M)
    )
    rows_M, labels_M = torch.from_numpy(rows.rows_M + start), torch.from_numpy(rows.labels_M)
    return Selection(
        stream, objective.name, objective.head, rows_M, labels_M, groups_G1, runs_P1, sides_M, objective.guide
    )


def _kinds(pieces: Sequence[Sequences]) -> Kinds | None:
    if all(piece.kinds_N is None for piece in pieces):
        return None
    return Kinds(
        _tensor([_or_zeros(piece.kinds_N, piece) for piece in pieces]),
        _tensor([_or_zeros(piece.reaches_N, piece) for piece in pieces]),
    )


def _conditions(pieces: Sequence[Sequences]) -> Tensor | None:
    if all(piece.conditions_N is None for piece in pieces):
        return None
    return _tensor([_or_zeros(piece.conditions_N, piece) for piece in pieces])


def _or_zeros(values_N: I64 | None, piece: Sequences) -> I64:
    return np.zeros(len(piece.draws_N), dtype=np.int64) if values_N is None else values_N


def _targets(pieces: Sequence[Sequences]) -> Targets | None:
    before = np.cumsum([0, *(len(piece.draws_N) for piece in pieces)])
    found = [(piece.targets, start) for piece, start in zip(pieces, before, strict=False) if piece.targets is not None]
    if not found:
        return None
    lengths_J = np.concatenate([np.diff(targets.offsets_J1) for targets, _ in found])
    return Targets(
        tokens_U=_tensor([targets.tokens_U for targets, _ in found]),
        positions_U=_tensor([targets.positions_U for targets, _ in found]),
        offsets_J1=torch.from_numpy(offsets_of(lengths_J)),
        memory_J=_tensor([targets.memory_J + start for targets, start in found]),
        unread_T=_unread(pieces),
    )


def _unread(pieces: Sequence[Sequences]) -> Tensor | None:
    of_targets = [None if piece.targets is None else piece.targets.unread_T for piece in pieces]
    if all(unread_T is None for unread_T in of_targets):
        return None
    columns = [
        np.zeros(len(piece.tokens_T), dtype=np.bool_) if unread_T is None else unread_T
        for unread_T, piece in zip(of_targets, pieces, strict=True)
    ]
    return torch.from_numpy(np.concatenate(columns))


def _tensor(pieces: list[NDArray[np.int64]]) -> Tensor:
    return torch.from_numpy(np.concatenate(pieces))
