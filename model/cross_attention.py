"""Attention of a decoder's tokens to the encoder's rows (Vaswani et al. 2017, section 3.2.3).

Plain torch on one padded block of all targets. Shape letters: U target tokens, X rows read, J target sequences, Q and
S the most tokens and rows of one, D width (heads × C), H heads, C head width, Z = J·H.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.config import EncoderConfig


@dataclass(frozen=True)
class CrossLayout:
    """Where target tokens and the rows that they read stand in padded blocks.

    Attributes:
        tokens_JQ, rows_JS: int64, which token or row stands there; a padding slot repeats the first of all.
        slots_U: int64, the slot of each target token among the J·Q.
        bias_J1S: float, 0 at the rows of a target's memory and -inf at its padding.
    """

    tokens_JQ: Tensor
    rows_JS: Tensor
    slots_U: Tensor
    bias_J1S: Tensor


def cross_layout(targets_J1: Tensor, memory_J1: Tensor, device: torch.device) -> CrossLayout:
    """The layout for the offsets, int64 on the CPU, of the targets' tokens and of the rows that they read."""
    tokens_JQ, real_JQ = side_by_side(targets_J1)
    rows_JS, real_JS = side_by_side(memory_J1)
    bias_J1S = torch.zeros(real_JS.shape).masked_fill(~real_JS, -math.inf)[:, None]
    slots_U = torch.nonzero(real_JQ.flatten())[:, 0]
    return CrossLayout(*(part.to(device) for part in (tokens_JQ, rows_JS, slots_U, bias_J1S)))


def side_by_side(offsets_J1: Tensor) -> tuple[Tensor, Tensor]:
    """Sequences side by side, as long as the longest: which index stands where, and where there is one."""
    lengths_J = offsets_J1.diff()
    place_Q = torch.arange(int(lengths_J.max()) if len(lengths_J) else 0)
    real_JQ = place_Q < lengths_J[:, None]
    return torch.where(real_JQ, offsets_J1[:-1, None] + place_Q, 0), real_JQ


class CrossAttention(nn.Module):
    """Multi-head attention; keys and values of the rows are one matrix, stacked in this order."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.rate = config.dropout
        self.query = nn.Linear(config.hidden, config.hidden)
        self.memory = nn.Linear(config.hidden, 2 * config.hidden)
        self.out = nn.Linear(config.hidden, config.hidden)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, hidden_UD: Tensor, read_X2D: Tensor, layout: CrossLayout) -> Tensor:
        """(U, D) target tokens and what `memory` makes of the rows → (U, D)."""
        q_ZQC = self._split(self.query(hidden_UD), layout.tokens_JQ, 1)[0]
        k_ZSC, v_ZSC = self._split(read_X2D, layout.rows_JS, 2)
        bias_Z1S = layout.bias_J1S.repeat_interleave(self.heads, dim=0).to(q_ZQC.dtype)
        scores_ZQS = torch.baddbmm(bias_Z1S, q_ZQC, k_ZSC.transpose(1, 2), alpha=1.0 / math.sqrt(q_ZQC.shape[-1]))
        precise = torch.promote_types(scores_ZQS.dtype, torch.float32)
        shares_ZQS = torch.softmax(scores_ZQS, dim=-1, dtype=precise).to(v_ZSC.dtype)
        mixed_ZQC = torch.bmm(F.dropout(shares_ZQS, self.rate, self.training), v_ZSC)
        (targets, longest), width = layout.tokens_JQ.shape, hidden_UD.shape[1]
        mixed_JQHC = mixed_ZQC.view(targets, self.heads, longest, width // self.heads).transpose(1, 2)
        mixed_UD = mixed_JQHC.reshape(targets * longest, width).index_select(0, layout.slots_U)
        return self.dropout(self.out(mixed_UD))

    def _split(self, rows_UE: Tensor, index_JQ: Tensor, parts: int) -> tuple[Tensor, ...]:
        """Rows → padded blocks of each of their equal `parts`, (Z, Q, C)."""
        (targets, longest), width = index_JQ.shape, rows_UE.shape[1] // (parts * self.heads)
        block = rows_UE.index_select(0, index_JQ.flatten()).view(targets, longest, parts, self.heads, width)
        whole = block.permute(2, 0, 3, 1, 4).reshape(parts, targets * self.heads, longest, width)
        return whole.unbind(0)
