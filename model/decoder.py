"""A decoder beside the encoder: what MASS and translation write with (Vaswani et al. 2017, section 3.1).

It is a head that reads two things: target sequences of its own, each token of which sees itself and those before it,
and the rows of the encoder's sequence beside each. Word embedding and output matrix are the encoder's (section 3.4
there); the input layer is BERT's, and the output has no bias.

Shape letters: U target tokens, X rows read, M rows asked for, J target sequences, D width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.attention import Attention
from model.batch import Targets
from model.config import EncoderConfig
from model.cross_attention import CrossAttention, CrossLayout, cross_layout
from model.encoder import FeedForward, SelfAttention, layer_norm
from model.kinds import LEFT, Kinds
from model.memory import Memory


class Decoder(nn.Module):
    """Embeddings, blocks, and the word embedding transposed.

    Args:
        depth: blocks.
        word: the word embedding's matrix. It is used only in this module's own forward, so it is a parameter of it
            (ZeRO-3 gathers them around the owner's forward).
    """

    def __init__(self, config: EncoderConfig, depth: int, word: Tensor) -> None:
        super().__init__()
        self.word = word
        self.position = nn.Embedding(config.positions, config.hidden)
        self.norm = layer_norm(config)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(DecoderBlock(config) for _ in range(depth))
        self.final_norm = layer_norm(config) if config.norm == "pre" else None

    def forward(
        self,
        targets: Targets,
        memory_XD: Tensor,
        memory: Memory,
        rows_M: Tensor,
        attention: Attention,
        read: Sequence[Tensor] | None = None,
    ) -> Tensor:
        """(M, V), the logits of some of the U target tokens.

        Args:
            memory_XD: the encoder's rows that are read; `memory` says which target reads which.
            attention: of the targets among themselves.
            read: what `read` made of `memory_XD`, for whoever asks many times of the same.
        """
        device = targets.tokens_U.device
        kind_J = torch.full_like(targets.memory_J, LEFT)
        layout = attention.lay_out(targets.offsets_J1, device, Kinds(kind_J, torch.zeros_like(kind_J)))
        cross = cross_layout(targets.offsets_J1, memory.offsets_J1, device)
        words_UD = F.embedding(targets.tokens_U, self.word)
        hidden_UD = self.dropout(self.norm(words_UD + self.position(targets.positions_U)))
        for block, read_X2D in zip(self.blocks, self.read(memory_XD) if read is None else read, strict=True):
            hidden_UD = block(hidden_UD, attention, layout, read_X2D, cross)
        hidden_MD = hidden_UD.index_select(0, rows_M)
        return F.linear(hidden_MD if self.final_norm is None else self.final_norm(hidden_MD), self.word)

    def read(self, memory_XD: Tensor) -> list[Tensor]:
        """The keys and values, (X, 2D), that each block makes of the encoder's rows."""
        return [cast(DecoderBlock, block).cross.memory(memory_XD) for block in self.blocks]


class DecoderBlock(nn.Module):
    """Self-attention, attention to the encoder's rows, feed-forward; each with dropout, residual and LayerNorm.

    `post` and `pre` as in the encoder's blocks.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.pre = config.norm == "pre"
        self.attention = SelfAttention(config)
        self.attention_norm = layer_norm(config)
        self.cross = CrossAttention(config)
        self.cross_norm = layer_norm(config)
        self.feed_forward = FeedForward(config)
        self.feed_forward_norm = layer_norm(config)

    def forward(
        self, hidden_UD: Tensor, attention: Attention, layout: Any, read_X2D: Tensor, cross: CrossLayout
    ) -> Tensor:
        """(U, D) → (U, D)."""
        if self.pre:
            hidden_UD = hidden_UD + self.attention(self.attention_norm(hidden_UD), attention, layout, None)
            hidden_UD = hidden_UD + self.cross(self.cross_norm(hidden_UD), read_X2D, cross)
            return hidden_UD + self.feed_forward(self.feed_forward_norm(hidden_UD))
        hidden_UD = self.attention_norm(hidden_UD + self.attention(hidden_UD, attention, layout, None))
        hidden_UD = self.cross_norm(hidden_UD + self.cross(hidden_UD, read_X2D, cross))
        return self.feed_forward_norm(hidden_UD + self.feed_forward(hidden_UD))
