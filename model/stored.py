"""Rows of a frozen encoder that are computed once and read from then on: what stands in the place of the encoder.

A sequence is looked up by its content: its tokens, segments and positions, its attention kind and condition, and which
of its rows are read. What is missing is computed from that sequence alone, without dropout: what a batch's other
sequences are leaves no trace in it, not even of rounding.

Shape letters: T tokens, N sequences, R rows that are read, U of them without repeats, K layers (1, or all with the
embeddings first), A rows of one sequence, D width.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.attention import Attention
from model.batch import FlatBatch
from model.encoder import Encoder
from model.kinds import BOTH, Kinds
from tokenization.errors import RunError

Rows = NDArray[np.float32]
I64 = NDArray[np.int64]


class Shelf(Protocol):
    """Where rows are kept, under content addresses."""

    def get(self, address: bytes) -> Rows | None:
        """(K, A, D), or None where they are not there."""
        ...

    def put(self, address: bytes, rows_KAD: Rows) -> None:
        """Keep them, or not."""
        ...


@dataclass(frozen=True)
class Read:
    """A sequence of a batch of which something is read.

    Attributes:
        sequence: its place in the batch.
        rows_A: which of its rows, ascending, each once.
        address: the content of both.
    """

    sequence: int
    rows_A: I64
    address: bytes


class StoredEncoder:
    """What a network calls in the place of its encoder."""

    def __init__(self, encoder: Encoder, shelf: Shelf) -> None:
        self._encoder, self._shelf = encoder, shelf

    def __call__(
        self, batch: FlatBatch, attention: Attention, rows_R: Tensor | None = None, layers: bool = False
    ) -> Tensor:
        """The rows that are read, as `Encoder.forward` gives them, float32: (R, D), or (K, R, D) with `layers`."""
        assert rows_R is not None, "a network reads rows"
        unique_U, place_R = np.unique(rows_R.cpu().numpy(), return_inverse=True)
        found = [self._rows(batch, one, attention, layers) for one in reads_of(batch, unique_U)]
        if not found:
            width, depth = self._encoder.embeddings.norm.weight.shape[0], 1 + len(self._encoder.blocks)
            read_KRD = torch.zeros(depth if layers else 1, 0, width, device=rows_R.device)
        else:
            read_KRD = torch.from_numpy(np.concatenate(found, axis=1)[:, place_R]).to(rows_R.device)
        return read_KRD if layers else read_KRD[0]

    def _rows(self, batch: FlatBatch, read: Read, attention: Attention, layers: bool) -> Rows:
        known_KAD = self._shelf.get(read.address)
        if known_KAD is not None:
            return known_KAD
        computed_KAD = self._computed(batch, read, attention, layers)
        self._shelf.put(read.address, computed_KAD)
        return computed_KAD

    def _computed(self, batch: FlatBatch, read: Read, attention: Attention, layers: bool) -> Rows:
        if not self._encoder.embeddings.word.weight.numel():
            raise RunError(
                "a sequence is read that was not stored before the first step, and ZeRO-3 holds the encoder in pieces; "
                "use a lower ZeRO stage, or leave `stored` out"
            )
        training = self._encoder.training
        self._encoder.eval()
        with torch.no_grad():
            rows_A = torch.from_numpy(read.rows_A).to(batch.tokens_T.device)
            read_KAD = self._encoder(alone(batch, read.sequence), attention, rows_A, layers=layers)
        self._encoder.train(training)
        return (read_KAD if layers else read_KAD[None]).float().cpu().numpy()


def reads_of(batch: FlatBatch, rows_U: I64) -> Iterator[Read]:
    """The sequences in which some rows lie, ascending, with these rows; together in the order of the rows."""
    offsets_N1 = batch.offsets_N1.numpy()
    bounds_N1 = np.searchsorted(rows_U, offsets_N1)
    content_3T = torch.stack([batch.tokens_T, batch.segments_T, batch.positions_T]).cpu().numpy()
    for sequence in np.flatnonzero(np.diff(bounds_N1)).tolist():
        start, stop = offsets_N1[sequence], offsets_N1[sequence + 1]
        rows_A = rows_U[bounds_N1[sequence] : bounds_N1[sequence + 1]] - start
        digest = hashlib.blake2b(np.ascontiguousarray(content_3T[:, start:stop]).tobytes(), digest_size=16)
        digest.update(np.array([stop - start, *_way(batch, sequence)], dtype=np.int64).tobytes())
        digest.update(rows_A.astype(np.int64).tobytes())
        yield Read(sequence, rows_A, digest.digest())


def _way(batch: FlatBatch, sequence: int) -> tuple[int, int, int]:
    """Attention kind, its reach, and condition."""
    kind = BOTH if batch.kinds is None else int(batch.kinds.kind_N[sequence])
    reach = 0 if batch.kinds is None or kind == BOTH else int(batch.kinds.reach_N[sequence])
    return kind, reach, 0 if batch.conditions_N is None else int(batch.conditions_N[sequence])


def alone(batch: FlatBatch, sequence: int) -> FlatBatch:
    """One sequence of a batch, of which nothing is asked yet."""
    here, one = slice(*batch.offsets_N1[sequence : sequence + 2].tolist()), slice(sequence, sequence + 1)
    return replace(
        batch,
        tokens_T=batch.tokens_T[here],
        segments_T=batch.segments_T[here],
        positions_T=batch.positions_T[here],
        offsets_N1=torch.tensor([0, here.stop - here.start]),
        selections=(),
        kinds=None if batch.kinds is None else Kinds(batch.kinds.kind_N[one], batch.kinds.reach_N[one]),
        conditions_N=None if batch.conditions_N is None else batch.conditions_N[one],
        targets=None,
    )
