"""The learned mean of an encoder's layers, and the heads that read it or stand beside the words.

Shape letters: K layers (the embeddings first), M rows, D width, A answers, C classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from model.reading import Reading

MIXES, INPUT, OUTPUT = "mixes", "input", "output"
"""Under which name a head has its mixes, and where it may have one."""


class ScalarMix(nn.Module):
    """γ · Σ_j softmax(s)_j h_j over the embeddings and all blocks (Peters et al. 2018, equation 1).

    At the start s is 0 and γ is 1: the plain mean. No LayerNorm is put on the layers.
    """

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.scores = nn.Parameter(torch.zeros(layers))
        self.gamma = nn.Parameter(torch.ones(1))

    def forward(self, layers_KMD: Tensor) -> Tensor:
        """(K, M, D) → (M, D)."""
        shares_K = self.scores.float().softmax(0)
        return self.gamma * (shares_K[:, None, None] * layers_KMD.float()).sum(0)


class MixedHead(nn.Module):
    """A head that reads the learned mean of the layers in the place of the last one."""

    def __init__(self, layers: int, head: nn.Module) -> None:
        super().__init__()
        self.mixes = nn.ModuleDict({INPUT: ScalarMix(layers)})
        self.head = head

    def forward(self, reading: Reading) -> Tensor:
        """(K, M, D) → what the head gives, (A, C)."""
        assert reading.layers_KMD is not None, "the network hands all layers to a head that mixes them"
        return self.head(replace(reading, rows_MD=self.mixes[INPUT](reading.layers_KMD)))


class BesideWordsHead(nn.Module):
    """A head that reads [word embedding ; last layer], so that it is twice as wide (McCann et al. 2017, section 5)."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head

    def forward(self, reading: Reading) -> Tensor:
        """Two times (M, D) → what the head gives, (A, C)."""
        return self.head(replace(reading, rows_MD=beside_words(reading)))


def beside_words(reading: Reading) -> Tensor:
    """(M, 2 D): the word embedding of each row, then its last layer."""
    assert reading.words_MD is not None, "the network hands the words to a head that reads them"
    return torch.cat([reading.words_MD, reading.rows_MD], dim=1)


@dataclass(frozen=True)
class Mixed:
    """What a mix has learned.

    Attributes:
        shares_K: softmax(s), the embeddings first.
        gamma: γ.
    """

    shares_K: tuple[float, ...]
    gamma: float


def mixes_in(weights: Mapping[str, Tensor]) -> dict[str, dict[str, Mixed]]:
    """Head → where it mixes (`input`, `output`) → what it learned, of a network's weights by their names."""
    found: dict[str, dict[str, Mixed]] = {}
    for name, scores_K in weights.items():
        match name.split("."):
            case ["heads", head, "mixes", place, "scores"]:
                shares_K = tuple(scores_K.double().softmax(0).tolist())
                gamma = float(weights[f"heads.{head}.mixes.{place}.gamma"])
                found.setdefault(head, {})[place] = Mixed(shares_K, gamma)
    return found
