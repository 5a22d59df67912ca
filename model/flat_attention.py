"""Attention on CUDA without padding: torch's variable-length kernel, and FlexAttention where kinds ask for a mask.

A batch whose sequences all see both ways, or all to the left, needs no mask but the sequences' bounds. Any other is
one interval of rows for each token (`model.kinds`), which says at once who sees whom and which sequence is whose, so
FlexAttention (Dong et al. 2024, "Flex Attention: A Programming Model for Generating Optimized Attention Kernels") gets
the whole batch as one sequence, and skips the blocks that nobody sees.

Shape letters: T tokens, D width (heads × C), H heads, C head width, N sequences, Q rows that FlexAttention is given
(T and some to spare), I and J blocks of them.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from model.kinds import LEFT, Kinds, seen_rows
from model.layout import FlatLayout, flat_layout

BLOCK = 128
"""Rows of a block that is computed or skipped whole: FlexAttention's own."""
FEWEST_ROWS = 1024
NARROWEST_HEAD = 16
"""FlexAttention's products are at least so wide; narrower heads are filled up with zeros."""

Sees = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class FlexLayout:
    """What FlexAttention reads.

    Attributes:
        rows: Q, a power of two, so that few sizes are ever compiled. A row to spare sees itself alone.
        blocks: torch's BlockMask: which blocks are seen, whole or in part, and `sees` for those seen in part.
    """

    rows: int
    blocks: Any


class FlatAttention:
    """Both kernels (CUDA, bf16 or fp16, no dropout inside)."""

    name = "flat (torch.nn.attention.varlen; FlexAttention for batches whose kinds need a mask)"

    def __init__(self) -> None:
        self.kernel = import_module("torch.nn.attention.varlen").varlen_attn
        self.to_the_left = to_the_left(self.kernel)

    def lay_out(self, offsets_N1: Tensor, device: torch.device, kinds: Kinds | None = None) -> FlatLayout | FlexLayout:
        if kinds is None or kinds.plain:
            return flat_layout(offsets_N1, device)
        if kinds.only(LEFT) and self.to_the_left:
            return flat_layout(offsets_N1, device, to_the_left=True)
        return flex_layout(offsets_N1, device, kinds)

    def attend(self, qkv_T3D: Tensor, layout: FlatLayout | FlexLayout, heads: int, dropout: float) -> Tensor:
        assert dropout == 0.0, "choose_attention lets no dropout through to the flat kernels"
        tokens, width = qkv_T3D.shape[0], qkv_T3D.shape[1] // 3
        if tokens == 0:
            return qkv_T3D[:, :width]
        if isinstance(layout, FlexLayout):
            return flex_attend(self._flex, qkv_T3D, layout, heads)
        q_THC, k_THC, v_THC = qkv_T3D.view(tokens, 3, heads, -1).unbind(1)
        offsets, longest = layout.offsets_N1, layout.longest
        more = self.to_the_left if layout.to_the_left else {}
        return self.kernel(q_THC, k_THC, v_THC, offsets, offsets, longest, longest, **more).reshape(tokens, width)

    @cached_property
    def _flex(self) -> Callable[..., Tensor]:
        """Compiled at its first call; uncompiled it would hold every score of the batch."""
        return torch.compile(import_module("torch.nn.attention.flex_attention").flex_attention)


def to_the_left(kernel: Callable[..., Any]) -> dict[str, Any]:
    """The keyword arguments that let the variable-length kernel see to the left only; none where it knows no such.

    Its seven positional arguments are common to torch 2.11 to 2.13; these moved.
    """
    known = inspect.signature(kernel).parameters
    if "window_size" in known:
        return {"window_size": (-1, 0)}
    return {"is_causal": True} if "is_causal" in known else {}


def flex_layout(offsets_N1: Tensor, device: torch.device, kinds: Kinds) -> FlexLayout:
    """Lay a batch of any kinds out for FlexAttention; `offsets_N1` is int64 on the CPU."""
    tokens = int(offsets_N1[-1])
    rows = max(FEWEST_ROWS, 1 << max(tokens - 1, 0).bit_length())
    spare = torch.arange(tokens, rows)
    low_Q, high_Q = (torch.cat([bound_T, spare]).to(device, torch.int32) for bound_T in seen_rows(kinds, offsets_N1))
    return FlexLayout(rows, seen_blocks(low_Q, high_Q))


def interval_mask(low_Q: Tensor, high_Q: Tensor) -> Sees:
    """FlexAttention's `mask_mod`: a row sees the rows of its interval, both ends included."""

    def sees(batch: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        return (low_Q[query] <= key) & (key <= high_Q[query])

    return sees


def seen_blocks(low_Q: Tensor, high_Q: Tensor) -> Any:
    """The BlockMask of intervals, counted block by block.

    torch's own `create_block_mask` gives the same, by way of the whole (Q, Q) mask.
    """
    blocks = len(low_Q) // BLOCK
    first_J = torch.arange(blocks, device=low_Q.device, dtype=low_Q.dtype) * BLOCK
    low_QJ, high_QJ = torch.maximum(low_Q[:, None], first_J), torch.minimum(high_Q[:, None], first_J + BLOCK - 1)
    pairs_IJ = (high_QJ - low_QJ + 1).clamp(min=0).view(blocks, BLOCK, blocks).sum(1)
    whole_IJ = pairs_IJ == BLOCK * BLOCK
    return import_module("torch.nn.attention.flex_attention").BlockMask.from_kv_blocks(
        *_listed((pairs_IJ > 0) & ~whole_IJ),
        *_listed(whole_IJ),
        BLOCK_SIZE=BLOCK,
        mask_mod=interval_mask(low_Q, high_Q),
    )


def _listed(chosen_IJ: Tensor) -> tuple[Tensor, Tensor]:
    """For one batch and head, how many blocks each row of blocks has, and which: those first, the others behind."""
    order_IJ = chosen_IJ.to(torch.int8).argsort(dim=1, descending=True, stable=True)
    return chosen_IJ.sum(1).to(torch.int32)[None, None], order_IJ.to(torch.int32)[None, None].contiguous()


def flex_attend(flex: Callable[..., Tensor], qkv_T3D: Tensor, layout: FlexLayout, heads: int) -> Tensor:
    """(T, 3D) → (T, D) by `flex`, torch's `flex_attention` or its compiled twin, on the batch as one sequence."""
    tokens, width = qkv_T3D.shape[0], qkv_T3D.shape[1] // 3
    wanted = width // heads
    rows_3HQC = F.pad(qkv_T3D, (0, 0, 0, layout.rows - tokens)).view(layout.rows, 3, heads, wanted).permute(1, 2, 0, 3)
    if wanted < NARROWEST_HEAD:
        rows_3HQC = F.pad(rows_3HQC, (0, NARROWEST_HEAD - wanted))
    q_1HQC, k_1HQC, v_1HQC = rows_3HQC[:, None].unbind(0)
    mixed_1HQC = flex(q_1HQC, k_1HQC, v_1HQC, block_mask=layout.blocks, scale=1.0 / math.sqrt(wanted))
    return mixed_1HQC[0, :, :tokens, :wanted].transpose(0, 1).reshape(tokens, width)
