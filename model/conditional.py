"""Conditional LayerNorm: each task shifts every norm of the encoder its own way, by offsets that start at zero.

    y = x̂ · (γ + Δγ) + (β + Δβ),  x̂ = (x - mean) / √(variance + ε),  (Δγ, Δβ) = W e

e is the task's vector, W two matrices for each norm (Su 2020, "Conditional text generation with conditional layer
normalization", kexue.fm/archives/7124; after Dumoulin et al. 2017, "A Learned Representation for Artistic Style"). At
the start W is zero, so that the encoder is the plain one to the last bit; W learns first, and the vectors with it.

Shape letters: T tokens, R rows, N sequences, K norms, S the scale and the shift of a norm, D width, J conditions with
none as the first, E width of a task's vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.config import EncoderConfig

WIDTH = 64
"""E. The offsets of a few tasks are of a rank no higher than their number; a wider vector would only cost memory."""


@dataclass(frozen=True)
class Condition:
    """A task under which sequences are normalised.

    Attributes:
        name: the task's.
        head: the head that answers it.
        place: the number by which batches name it, from 1 on.
    """

    name: str
    head: str
    place: int


@dataclass(frozen=True)
class Shifts:
    """What is added to each norm, for each row.

    Attributes:
        table_JKSD: float32, scales and shifts; those of no condition are zero.
        condition_R: int64, the condition of each row.
    """

    table_JKSD: Tensor
    condition_R: Tensor

    def read(self, rows_M: Tensor | None) -> Shifts:
        """The same for some of the rows."""
        if rows_M is None:
            return self
        return replace(self, condition_R=self.condition_R.index_select(0, rows_M))

    def added(self, standard_RD: Tensor, norm: int) -> Tensor:
        """x̂ · Δγ + Δβ of a norm, (R, D), given x̂."""
        shift_RX = F.embedding(self.condition_R, self.table_JKSD[:, norm].flatten(1))
        scale_RD, shift_RD = shift_RX.chunk(2, dim=1)
        return standard_RD * scale_RD + shift_RD


class Norm(nn.LayerNorm):
    """LayerNorm, shifted where it is told how.

    Args:
        place: its place among the norms of the encoder.
    """

    def __init__(self, config: EncoderConfig, place: int = 0) -> None:
        super().__init__(config.hidden, eps=config.layer_norm_eps)
        self.place = place

    def forward(self, input: Tensor, shifts: Shifts | None = None) -> Tensor:
        """(R, D) → (R, D). What is shifted is added to the plain norm, so that zero offsets leave it bit for bit."""
        plain_RD = super().forward(input)
        if shifts is None:
            return plain_RD
        return plain_RD + shifts.added(F.layer_norm(input, self.normalized_shape, eps=self.eps), self.place)


class StartsAtZero(nn.Linear):
    """A matrix whose initial values are zero."""


class ConditionalNorms(nn.Module):
    """The vectors of the conditions, and the matrices that make offsets of them."""

    def __init__(self, config: EncoderConfig, conditions: Sequence[Condition]) -> None:
        super().__init__()
        self.conditions = tuple(conditions)
        self.norms, self.hidden = norms_of(config), config.hidden
        # A vector has a name of its own: it is found again, and drawn alike, whatever tasks come to stand beside it.
        self.vectors = nn.ModuleDict({one.name: nn.Embedding(1, WIDTH) for one in conditions})
        self.offsets = StartsAtZero(WIDTH, self.norms * 2 * config.hidden, bias=False)

    def forward(self, conditions_N: Tensor | None, lengths_N: Tensor) -> Shifts:
        """What is added for each token of a batch; nothing for conditions that are not among ours.

        Args:
            conditions_N, lengths_N: int64 on the CPU, as in `FlatBatch`.
        """
        device = self.offsets.weight.device
        first = torch.zeros(1, dtype=torch.int64, device=device)
        with torch.autocast(device.type, enabled=False):
            vectors = torch.cat([vector(first) for vector in self.vectors.values()])
            table_JKSD = self.offsets(vectors).view(-1, self.norms, 2, self.hidden)
        known = {one.place: row for row, one in enumerate(self.conditions, start=1)}
        given = torch.zeros_like(lengths_N) if conditions_N is None else conditions_N
        condition_N = torch.tensor([known.get(place, 0) for place in given.tolist()], dtype=torch.int64)
        none = torch.zeros_like(table_JKSD[:1])
        return Shifts(torch.cat([none, table_JKSD]), condition_N.repeat_interleave(lengths_N).to(device))


def norms_of(config: EncoderConfig) -> int:
    """K: the norm of the embeddings, two of each block, and with `norm: pre` one at the end."""
    return 1 + 2 * config.layers + (config.norm == "pre")
