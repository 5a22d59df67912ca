"""Attention of tokens that are written one after another to those before them, whose keys and values are kept.

It stands in the place of the attention of a whole batch (`model.attention`), so that the same blocks run in both.
What comes first, the source, is read once, and its B hypotheses share its keys and values.

Shape letters: N sources, B hypotheses of a source, R = N·B, n new tokens of each, T = R·n, L tokens kept of each, S
tokens of the longest source, H heads, C head width, D = H·C.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from model.attention import Attention
from model.cross_attention import side_by_side
from model.kinds import Kinds


@dataclass(frozen=True)
class Kept:
    """Keys and values of one layer, each (rows, H, tokens, C)."""

    keys: Tensor
    values: Tensor

    def select(self, rows: Tensor) -> Kept:
        return Kept(self.keys.index_select(0, rows), self.values.index_select(0, rows))


class RecordingAttention:
    """Another attention, whose keys and values are recorded layer by layer."""

    name = "recording"

    def __init__(self, inner: Attention, offsets_N1: Tensor) -> None:
        self._inner = inner
        self._rows_NS, self.real_NS = side_by_side(offsets_N1)
        self.layers: list[Kept] = []

    def lay_out(self, offsets_N1: Tensor, device: torch.device, kinds: Kinds | None = None) -> Any:
        return self._inner.lay_out(offsets_N1, device, kinds)

    def attend(self, qkv_T3D: Tensor, layout: Any, heads: int, dropout: float) -> Tensor:
        sources, longest = self._rows_NS.shape
        rows = qkv_T3D.index_select(0, self._rows_NS.flatten().to(qkv_T3D.device))
        _, keys, values = rows.view(sources, longest, 3, heads, -1).permute(2, 0, 3, 1, 4)
        self.layers.append(Kept(keys, values))
        return self._inner.attend(qkv_T3D, layout, heads, dropout)


class CachedAttention:
    """The last few tokens of each hypothesis see its source and all its tokens up to themselves.

    Args:
        beam: B.
        source: what a `RecordingAttention` recorded; None where a hypothesis has nothing before it.
        passing: new tokens, the last ones, that are seen only now and not kept.

    Attributes:
        new: n of the next pass.
    """

    name = "cached"

    def __init__(self, beam: int, source: RecordingAttention | None = None, passing: int = 0) -> None:
        self.new = 1
        self._beam, self._passing = beam, passing
        self._source = [] if source is None else source.layers
        self._real_NS = None if source is None else source.real_NS.to(source.layers[0].keys.device)
        self._written: list[Kept] = []
        self._layer = 0

    def lay_out(self, offsets_N1: Tensor, device: torch.device, kinds: Kinds | None = None) -> None:
        """A pass begins; what each token sees is known from those before it."""
        self._layer = 0

    def attend(self, qkv_T3D: Tensor, layout: None, heads: int, dropout: float) -> Tensor:
        q, k, v = qkv_T3D.view(len(qkv_T3D) // self.new, self.new, 3, heads, -1).permute(2, 0, 3, 1, 4)
        k_RHLC, v_RHLC = self._keep(Kept(k, v))
        ahead_nL = torch.ones(self.new, k_RHLC.shape[2], dtype=torch.bool, device=q.device)
        ahead_nL = ahead_nL.triu(k_RHLC.shape[2] - self.new + 1)
        scores_RHnL = (q @ k_RHLC.transpose(2, 3)).masked_fill(ahead_nL, -math.inf)
        near = scores_RHnL.shape[3]
        if self._real_NS is not None:
            scores_RHnL = torch.cat([scores_RHnL, self._source_scores(q)], dim=3)
        precise = torch.promote_types(q.dtype, torch.float32)
        shares_RHnL = torch.softmax(scores_RHnL.to(precise) / math.sqrt(q.shape[3]), dim=3).to(v.dtype)
        mixed_RHnC = shares_RHnL[..., :near] @ v_RHLC
        if self._real_NS is not None:
            values = self._source[self._layer].values
            mixed_RHnC = mixed_RHnC + self._by_hypothesis(self._by_source(shares_RHnL[..., near:]) @ values)
        self._layer += 1
        return mixed_RHnC.transpose(1, 2).reshape(len(qkv_T3D), -1)

    def follow(self, parents_R: Tensor, sources_N: Tensor | None) -> None:
        """Go on with some of the hypotheses, and with some of the sources alone where they are named."""
        self._written = [kept.select(parents_R) for kept in self._written]
        if sources_N is not None and self._real_NS is not None:
            self._source = [kept.select(sources_N) for kept in self._source]
            self._real_NS = self._real_NS.index_select(0, sources_N)

    def _keep(self, fresh: Kept) -> tuple[Tensor, Tensor]:
        """Keys and values of all tokens of the hypotheses; those that do not pass are remembered."""
        if self._layer < len(self._written):
            before = self._written[self._layer]
            fresh = Kept(torch.cat([before.keys, fresh.keys], dim=2), torch.cat([before.values, fresh.values], dim=2))
        stay = fresh.keys.shape[2] - self._passing
        self._written[self._layer : self._layer + 1] = [Kept(fresh.keys[:, :, :stay], fresh.values[:, :, :stay])]
        return fresh.keys, fresh.values

    def _source_scores(self, q_RHnC: Tensor) -> Tensor:
        assert self._real_NS is not None
        keys_NHSC = self._source[self._layer].keys
        scores = self._by_source(q_RHnC) @ keys_NHSC.transpose(2, 3)
        return self._by_hypothesis(scores.masked_fill(~self._real_NS[:, None, None], -math.inf))

    def _by_source(self, x_RHnC: Tensor) -> Tensor:
        """(R, H, n, C) → (N, H, B·n, C)."""
        rows, heads, new, width = x_RHnC.shape
        whole = x_RHnC.view(rows // self._beam, self._beam, heads, new, width)
        return whole.transpose(1, 2).reshape(rows // self._beam, heads, self._beam * new, width)

    def _by_hypothesis(self, x_NHmC: Tensor) -> Tensor:
        """The inverse of `_by_source`."""
        sources, heads, rows, width = x_NHmC.shape
        whole = x_NHmC.view(sources, heads, self._beam, rows // self._beam, width)
        return whole.transpose(1, 2).reshape(sources * self._beam, heads, rows // self._beam, width)
