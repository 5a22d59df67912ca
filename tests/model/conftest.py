"""Flat batches and small encoders for the tests of this folder."""

from collections.abc import Callable, Sequence

import pytest
import torch

from model.batch import FlatBatch, Selection
from model.config import EncoderConfig


@pytest.fixture
def config() -> EncoderConfig:
    """Small, with no two sizes alike, so that a mixed-up axis cannot go unseen."""
    return EncoderConfig(61, layers=3, hidden=24, heads=4, feed_forward=40, positions=32, dropout=0.0)


@pytest.fixture
def select() -> Callable[..., Selection]:
    def make(head: str, rows: Sequence[int], labels: Sequence[float] | None = None) -> Selection:
        rows_M = torch.tensor(rows, dtype=torch.int64)
        labels_M = torch.zeros_like(rows_M) if labels is None else torch.tensor(labels)
        return Selection("stream", head, head, rows_M, labels_M)

    return make


@pytest.fixture
def ragged() -> Callable[..., FlatBatch]:
    def make(lengths: Sequence[int], selections: Sequence[Selection] = (), vocab: int = 61) -> FlatBatch:
        generator = torch.Generator().manual_seed(sum(lengths))
        offsets_N1 = torch.tensor([0, *lengths]).cumsum(0)
        total = int(offsets_N1[-1])
        positions = [torch.arange(length) for length in lengths]
        segments = [(torch.arange(length) > length // 2).long() for length in lengths]
        none = torch.zeros(0, dtype=torch.int64)
        return FlatBatch(
            torch.randint(1, vocab, (total,), generator=generator),  # 0 is [PAD], which no flat batch holds
            torch.cat([none, *segments]),
            torch.cat([none, *positions]),
            offsets_N1,
            tuple(selections),
        )

    return make
