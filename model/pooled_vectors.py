"""One vector for each sequence: an encoder's rows pooled without anything that is learned.

Shape letters: T tokens, N sequences, K layers (the embeddings first), D width, W width of a vector.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from model.attention import Attention, choose_attention
from model.batch import FlatBatch
from model.network import Network
from tokenization.errors import RecipeError, did_you_mean

VectorPool = Literal["mean", "first", "concat"]
POOLS: tuple[VectorPool, ...] = get_args(VectorPool)
LAST, ALL = "last", "mean"


class PooledVectors(nn.Module):
    """A network's encoder that gives a vector a sequence.

    Args:
        pool: `mean` of all tokens, [CLS] and [SEP] included; `first`, the row of [CLS]; `concat`, the first, the
            maximum and the mean side by side.
        layer: `last`, `mean` of all, or a layer by its number, the embeddings being 0.

    Raises:
        RecipeError: an unknown pool, or a layer that the encoder does not have.
    """

    def __init__(self, network: Network, pool: str = "mean", layer: str = LAST) -> None:
        super().__init__()
        _check(pool, layer, network.config.layers)
        self.encoder, self.pool, self.layer = network.encoder, pool, layer
        self._config, self._name = network.config, network.attention
        self._chosen: Attention | None = None

    def forward(self, batch: FlatBatch) -> tuple[Tensor]:
        """A tuple of (N, W) alone, as what answers selections gives one tensor each."""
        layers_KTD = self.encoder(batch, self._attention(batch.tokens_T.device), layers=True)
        rows_TD = layers_KTD.mean(0) if self.layer == ALL else layers_KTD[-1 if self.layer == LAST else int(self.layer)]
        first_ND = rows_TD.index_select(0, batch.offsets_N1[:-1].to(rows_TD.device))
        if self.pool == "first":
            return (first_ND,)
        lengths_N = batch.lengths_N.to(rows_TD.device)
        mean_ND = torch.segment_reduce(rows_TD, "mean", lengths=lengths_N, axis=0)
        if self.pool == "mean":
            return (mean_ND,)
        return (torch.cat([first_ND, torch.segment_reduce(rows_TD, "max", lengths=lengths_N, axis=0), mean_ND], dim=1),)

    def _attention(self, device: torch.device) -> Attention:
        if self._chosen is None:
            self._chosen = choose_attention(self._name, device, torch.float32, 0.0, self._config.head_width)
        return self._chosen


def _check(pool: str, layer: str, blocks: int) -> None:
    if pool not in POOLS:
        raise RecipeError(f"--pool is {pool!r}; allowed are {', '.join(POOLS)}{did_you_mean(pool, POOLS)}")
    if layer not in (LAST, ALL, *map(str, range(blocks + 1))):
        raise RecipeError(
            f"--layer is {layer!r}; allowed are {LAST}, {ALL} and 0 (the embeddings) to {blocks} (the last block)"
        )
