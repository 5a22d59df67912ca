"""Attention over a flat batch: one meaning, three implementations.

- `ProductsAttention` (`padded`): batched products and a softmax on padded length groups; plain torch.
- `SdpaAttention` (`padded`): the same blocks through `scaled_dot_product_attention` with a key mask.
- `FlatAttention` (`flat`, `model.flat_attention`): torch's kernels on CUDA, no padding at all.

All compute softmax(q·kᵀ/√d)·v within what each token sees of its sequence (Vaswani et al. 2017, equation 1), the
softmax in float32.

Shape letters: T tokens, D width (heads × C), P padded slots, B sequences of a group, H heads, Z = B·H, L length,
C head width.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from model.flat_attention import FlatAttention
from model.kinds import Kinds
from model.layout import Group, PaddedLayout, padded_layout
from tokenization.errors import RecipeError, did_you_mean

AttentionName = Literal["auto", "padded", "flat"]
NAMES: tuple[AttentionName, ...] = ("auto", "padded", "flat")
# What torch's flash attention kernels ask.
FLAT_TYPES = (torch.bfloat16, torch.float16)
WIDEST_HEAD = 256
OLDEST_CAPABILITY = (8, 0)

log = logging.getLogger("triptych")


class Attention(Protocol):
    """An implementation: `lay_out` once per batch, `attend` once per layer."""

    name: str

    def lay_out(self, offsets_N1: Tensor, device: torch.device, kinds: Kinds | None = None) -> Any:
        """What `attend` needs to know of the batch; `offsets_N1` is int64 on the CPU; no kinds: all see both ways."""
        ...

    def attend(self, qkv_T3D: Tensor, layout: Any, heads: int, dropout: float) -> Tensor:
        """Mix the values of each sequence: (T, 3D) queries, keys and values side by side → (T, D).

        `dropout` is the rate on the attention probabilities (0 in evaluation).
        """
        ...


class _Padded:
    """Lay the rows out in padded blocks, attend block by block, take the rows back."""

    name = "padded"

    def lay_out(self, offsets_N1: Tensor, device: torch.device, kinds: Kinds | None = None) -> PaddedLayout:
        return padded_layout(offsets_N1, device, kinds)

    def attend(self, qkv_T3D: Tensor, layout: PaddedLayout, heads: int, dropout: float) -> Tensor:
        if not layout.groups:  # an empty micro-batch: no rows, but the graph stays live
            return qkv_T3D[:, : qkv_T3D.shape[1] // 3]
        blocks = _ToBlocks.apply(qkv_T3D, layout, heads)
        mixed = []
        for i, group in enumerate(layout.groups):
            q_BHLC, k_BHLC, v_BHLC = blocks[3 * i : 3 * i + 3]
            mixed.append(self.block(q_BHLC, k_BHLC, v_BHLC, group.mask_B1QL, dropout))
        return _FromBlocks.apply(layout, *mixed)

    def block(self, q_BHLC: Tensor, k_BHLC: Tensor, v_BHLC: Tensor, mask_B1QL: Tensor | None, dropout: float) -> Tensor:
        """One group → (B, H, L, C)."""
        raise NotImplementedError


class ProductsAttention(_Padded):
    """The padded arithmetic spelled out as two batched products."""

    name = "padded (batched products)"

    def attend(self, qkv_T3D: Tensor, layout: PaddedLayout, heads: int, dropout: float) -> Tensor:
        if torch.is_grad_enabled() or not layout.one_sequence:
            return super().attend(qkv_T3D, layout, heads, dropout)
        (group,) = layout.groups  # its rows are the block: there is nothing to copy
        q_BHLC, k_BHLC, v_BHLC = _view(qkv_T3D, group, 3, heads).unbind(0)
        return self.block(q_BHLC, k_BHLC, v_BHLC, group.mask_B1QL, dropout)[0].transpose(0, 1).flatten(1)

    def block(self, q_BHLC: Tensor, k_BHLC: Tensor, v_BHLC: Tensor, mask_B1QL: Tensor | None, dropout: float) -> Tensor:
        batch, heads, length, width = q_BHLC.shape
        q_ZLC, k_ZLC, v_ZLC = (x.reshape(batch * heads, length, width) for x in (q_BHLC, k_BHLC, v_BHLC))
        scores_ZLL = torch.baddbmm(_bias(mask_B1QL, q_BHLC), q_ZLC, k_ZLC.transpose(1, 2), alpha=1.0 / math.sqrt(width))
        precise = torch.promote_types(scores_ZLL.dtype, torch.float32)
        shares_ZLL = torch.softmax(scores_ZLL, dim=-1, dtype=precise).to(v_ZLC.dtype)
        mixed_ZLC = torch.bmm(F.dropout(shares_ZLL, dropout, training=dropout > 0.0), v_ZLC)
        return mixed_ZLC.view(batch, heads, length, width)


def _bias(mask_B1QL: Tensor | None, q_BHLC: Tensor) -> Tensor:
    """What is added to the scores, (B·H, Q, L): 0 at the keys that are seen, -inf at the others."""
    batch, heads, length, _ = q_BHLC.shape
    queries = 1 if mask_B1QL is None else mask_B1QL.shape[2]
    bias = q_BHLC.new_zeros(batch, heads, queries, length)
    if mask_B1QL is not None:
        bias.masked_fill_(~mask_B1QL, -math.inf)
    return bias.view(batch * heads, queries, length)


class SdpaAttention(_Padded):
    """The padded arithmetic by torch's fused call."""

    name = "padded (scaled_dot_product_attention)"

    def block(self, q_BHLC: Tensor, k_BHLC: Tensor, v_BHLC: Tensor, mask_B1QL: Tensor | None, dropout: float) -> Tensor:
        return F.scaled_dot_product_attention(q_BHLC, k_BHLC, v_BHLC, attn_mask=mask_B1QL, dropout_p=dropout)


class _ToBlocks(torch.autograd.Function):
    """Rows (T, 3D) → per group its queries, keys and values, each (B, H, L, C) and contiguous.

    Written by hand because autograd's own backward of slices and repeated gathers fills and adds whole tensors
    (three quarters of the attention's time on a CPU). A padding slot holds a copy of some real row; as a key it is
    masked and as a query it is never read, so its gradient is exactly zero and is left out.
    """

    @staticmethod
    def forward(ctx: Any, qkv_T3D: Tensor, layout: PaddedLayout, heads: int) -> tuple[Tensor, ...]:
        ctx.layout, ctx.heads = layout, heads
        qkv_P3D = qkv_T3D.index_select(0, layout.rows_P)
        blocks = [_view(qkv_P3D, group, 3, heads).contiguous() for group in layout.groups]
        return tuple(part for block in blocks for part in block.unbind(0))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        layout: PaddedLayout = ctx.layout
        grad_P3D = grads[0].new_empty(layout.slots, 3 * ctx.heads * grads[0].shape[-1])
        for i, group in enumerate(layout.groups):
            parts_3BHLC = _view(grad_P3D, group, 3, ctx.heads)
            for part in range(3):
                parts_3BHLC[part].copy_(grads[3 * i + part])
        return grad_P3D.index_select(0, layout.slots_T), None, None


class _FromBlocks(torch.autograd.Function):
    """Per group (B, H, L, C) → rows (T, D)."""

    @staticmethod
    def forward(ctx: Any, layout: PaddedLayout, *blocks: Tensor) -> Tensor:
        ctx.layout, ctx.heads = layout, blocks[0].shape[1]
        mixed_PD = blocks[0].new_empty(layout.slots, ctx.heads * blocks[0].shape[-1])
        for group, block_BHLC in zip(layout.groups, blocks, strict=True):
            _view(mixed_PD, group, 1, ctx.heads)[0].copy_(block_BHLC)
        return mixed_PD.index_select(0, layout.slots_T)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        layout: PaddedLayout = ctx.layout
        grad_PD = grads[0].new_zeros(layout.slots, grads[0].shape[1]).index_copy_(0, layout.slots_T, grads[0])
        return None, *(_view(grad_PD, group, 1, ctx.heads)[0].contiguous() for group in layout.groups)


def _view(rows_PE: Tensor, group: Group, parts: int, heads: int) -> Tensor:
    """A group's slots, cut into `parts` equal columns and heads: (parts, B, H, L, C), sharing memory."""
    block = rows_PE[group.first : group.first + group.slots]
    return block.view(group.sequences, group.length, parts, heads, -1).permute(2, 0, 3, 1, 4)


def choose_attention(name: str, device: torch.device, dtype: torch.dtype, dropout: float, head_width: int) -> Attention:
    """The implementation that a recipe's `attention` means here; the choice is logged.

    Args:
        name: `auto`, `padded` or `flat`.
        device, dtype: where and in what precision the attention runs (bf16 under autocast).
        dropout: the rate on the attention probabilities in training.
        head_width: the width of one attention head.

    Raises:
        RecipeError: an unknown name, or `flat` where it cannot run (with the reason).
    """
    chosen, reason = _choice(name, device, dtype, dropout, head_width)
    log.info("attention: %s; %s", chosen.name, reason)
    return chosen


def attention_words(name: str, device: torch.device, dtype: torch.dtype, dropout: float, head_width: int) -> str:
    """What `choose_attention` chooses, and why, for whoever reads the run."""
    chosen, reason = _choice(name, device, dtype, dropout, head_width)
    return f"{chosen.name}; {reason}"


def _choice(
    name: str, device: torch.device, dtype: torch.dtype, dropout: float, head_width: int
) -> tuple[Attention, str]:
    check_attention_name(name)
    obstacles = flat_obstacles(device, dtype, dropout, head_width)
    why, remedy = ", and ".join(one.reason for one in obstacles), _remedy(obstacles)
    if name == "flat" and obstacles:
        way_out = f"Set {remedy}, or" if remedy else "Set encoder.attention to"
        raise RecipeError(f"encoder.attention is 'flat', which cannot run here: {why}. {way_out} 'padded' or 'auto'.")
    if name == "padded":
        return padded_attention(device), "as the recipe says"
    if obstacles:
        would = f"; it can with {remedy}" if remedy else ""
        return padded_attention(device), f"flat cannot run: {why}{would}"
    return FlatAttention(), "as the recipe says" if name == "flat" else "no padding, on CUDA"


def _remedy(obstacles: Sequence[Obstacle]) -> str:
    """The settings that take all obstacles away; empty where none do."""
    remedies = [one.remedy for one in obstacles]
    return " and ".join(remedies) if all(remedies) else ""


def check_attention_name(name: str) -> None:
    """Raise RecipeError unless `name` is `auto`, `padded` or `flat`."""
    if name not in NAMES:
        raise RecipeError(f"encoder.attention is {name!r}; allowed are {', '.join(NAMES)}{did_you_mean(name, NAMES)}")


def padded_attention(device: torch.device) -> Attention:
    """The faster spelling of the padded twin on this device.

    Forward and backward on two CPU cores, 4,096 tokens, 4 heads of 64, microseconds a token: at length 128 in fp32
    6.5 (products) against 7.0 (SDPA), in bf16 11.6 against 18.7; at lengths 16 … 128 6.9 against 8.1 and
    13.4 against 22.9. Only bf16 with dropout, where SDPA takes its own products, is the other way round.
    """
    return SdpaAttention() if device.type == "cuda" else ProductsAttention()


@dataclass(frozen=True)
class Obstacle:
    """Why the variable-length kernel cannot run, and the setting that takes this away; empty where none does."""

    reason: str
    remedy: str = ""


def flat_obstacles(device: torch.device, dtype: torch.dtype, dropout: float, head_width: int) -> tuple[Obstacle, ...]:
    """All that keeps the variable-length kernel from running; none where it can run."""
    if device.type != "cuda":
        return (Obstacle(f"it needs a CUDA device, this is {device.type}"),)
    found = []
    if dtype not in FLAT_TYPES:
        given = str(dtype).removeprefix("torch.")
        found.append(Obstacle(f"its kernel computes in bf16 or fp16, this is {given}", "precision: bf16"))
    if dropout > 0.0:
        found.append(Obstacle(f"its kernel has no dropout, encoder.dropout is {dropout}", "encoder.dropout: 0"))
    if head_width % 8 or head_width > WIDEST_HEAD:
        wanted = f"heads of a multiple of 8, at most {WIDEST_HEAD} wide"
        found.append(Obstacle(f"its kernel needs {wanted}, these are {head_width} wide"))
    if torch.cuda.is_available() and torch.cuda.get_device_capability(device) < OLDEST_CAPABILITY:
        older = torch.cuda.get_device_name(device)
        found.append(Obstacle(f"its kernel needs compute capability 8.0 (Ampere), {older} is older"))
    return tuple(found)
