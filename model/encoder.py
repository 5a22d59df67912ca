"""BERT's encoder on a flat batch, from top to bottom (Devlin et al. 2019; post-LN blocks of Vaswani et al. 2017).

Nothing here sees padding: every layer but the attention works on the T rows as they are.

Shape letters: T tokens, N sequences, R rows that are read, M rows, K layers, D width, F inner width of a block.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.attention import Attention
from model.batch import FlatBatch
from model.conditional import Norm, Shifts, norms_of
from model.config import EncoderConfig


class Encoder(nn.Module):
    """Embeddings, blocks and, with `norm: pre`, one LayerNorm at the end."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.embeddings = Embeddings(config)
        self.blocks = nn.ModuleList(Block(config, 1 + 2 * place) for place in range(config.layers))
        self.final_norm = Norm(config, norms_of(config) - 1) if config.norm == "pre" else None

    def forward(
        self,
        batch: FlatBatch,
        attention: Attention,
        rows_R: Tensor | None = None,
        layers: bool = False,
        shifts: Shifts | None = None,
    ) -> Tensor:
        """The last layer's output, (T, D), or only its rows that are read, (R, D).

        What follows the last attention works on each row alone, so rows that nobody reads end there: three quarters of
        that block's products are saved on them.

        Args:
            layers: whether every layer is handed over, the embeddings first: (K, R, D) with K = layers + 1.
            shifts: what is added to the norms, for each token; None: nothing.
        """
        layout = attention.lay_out(batch.offsets_N1, batch.tokens_T.device, batch.kinds)
        hidden_TD = self.embeddings(batch.tokens_T, batch.positions_T, batch.segments_T, shifts)
        *others, last = self.blocks
        lower = [_rows(hidden_TD, rows_R)] if layers else []
        for block in others:
            hidden_TD = block(hidden_TD, attention, layout, shifts=shifts)
            lower += [_rows(hidden_TD, rows_R)] if layers else []
        hidden_RD = last(hidden_TD, attention, layout, rows_R, shifts)
        read_RD = hidden_RD if self.final_norm is None else self.final_norm(hidden_RD, _read(shifts, rows_R))
        return torch.stack([*lower, read_RD]) if layers else read_RD


class Embeddings(nn.Module):
    """Word + position + segment, LayerNorm, dropout."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.word = nn.Embedding(config.vocab_size, config.hidden)
        self.position = nn.Embedding(config.positions, config.hidden)
        self.segment = nn.Embedding(config.segments, config.hidden)
        self.norm = layer_norm(config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self, tokens_T: Tensor, positions_T: Tensor, segments_T: Tensor, shifts: Shifts | None = None
    ) -> Tensor:
        sum_TD = self.word(tokens_T) + self.segment(segments_T) + self.position(positions_T)
        return self.dropout(self.norm(sum_TD, shifts))


class Block(nn.Module):
    """Self-attention and feed-forward, each with dropout, residual and LayerNorm.

    `post` (BERT): x ← LN(x + branch(x)). `pre`: x ← x + branch(LN(x)).

    Args:
        first_norm: the place of its first norm among those of the encoder.
    """

    def __init__(self, config: EncoderConfig, first_norm: int) -> None:
        super().__init__()
        self.pre = config.norm == "pre"
        self.attention = SelfAttention(config)
        self.attention_norm = Norm(config, first_norm)
        self.feed_forward = FeedForward(config)
        self.feed_forward_norm = Norm(config, first_norm + 1)

    def forward(
        self,
        hidden_TD: Tensor,
        attention: Attention,
        layout: Any,
        rows_R: Tensor | None = None,
        shifts: Shifts | None = None,
    ) -> Tensor:
        """(T, D) → (R, D), all T rows unless some are named."""
        behind = _read(shifts, rows_R)
        if self.pre:
            branch_RD = self.attention(self.attention_norm(hidden_TD, shifts), attention, layout, rows_R)
            hidden_RD = _rows(hidden_TD, rows_R) + branch_RD
            return hidden_RD + self.feed_forward(self.feed_forward_norm(hidden_RD, behind))
        branch_RD = self.attention(hidden_TD, attention, layout, rows_R)
        hidden_RD = self.attention_norm(_rows(hidden_TD, rows_R) + branch_RD, behind)
        return self.feed_forward_norm(hidden_RD + self.feed_forward(hidden_RD), behind)


class SelfAttention(nn.Module):
    """Multi-head self-attention; queries, keys and values are one matrix, stacked in this order."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.rate = config.dropout
        self.qkv = nn.Linear(config.hidden, 3 * config.hidden)
        self.out = nn.Linear(config.hidden, config.hidden)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, hidden_TD: Tensor, attention: Attention, layout: Any, rows_R: Tensor | None) -> Tensor:
        rate = self.rate if self.training else 0.0
        mixed_TD = attention.attend(self.qkv(hidden_TD), layout, self.heads, rate)
        return self.dropout(self.out(_rows(mixed_TD, rows_R)))


class FeedForward(nn.Module):
    """Two matrices with the exact (erf) GELU between them."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.up = nn.Linear(config.hidden, config.feed_forward)
        self.down = nn.Linear(config.feed_forward, config.hidden)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, hidden_TD: Tensor) -> Tensor:
        inner_TF = F.gelu(self.up(hidden_TD))
        return self.dropout(self.down(inner_TF))


class Pooler(nn.Module):
    """Dense + tanh on the row that stands for its sequence ([CLS])."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden, config.hidden)

    def forward(self, rows_MD: Tensor) -> Tensor:
        return self.dense(rows_MD).tanh()


def _rows(hidden_TD: Tensor, rows_R: Tensor | None) -> Tensor:
    return hidden_TD if rows_R is None else hidden_TD.index_select(0, rows_R)


def _read(shifts: Shifts | None, rows_R: Tensor | None) -> Shifts | None:
    return None if shifts is None else shifts.read(rows_R)


def layer_norm(config: EncoderConfig) -> Norm:
    """LayerNorm with the config's epsilon."""
    return Norm(config)
