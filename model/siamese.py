"""Two texts read apart: each is one vector, and the answer is worked out from both vectors.

Reimers, Gurevych 2019, "Sentence-BERT", section 3. A vector does not depend on the other text, so that of a candidate
can be stored.

Shape letters: M rows, P pairs, N texts, D width, C classes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.answer_network import pair_features
from model.reading import Reading
from model.runs import runs_of


class SiameseHead(nn.Module):
    """Dropout and one linear layer on (u, v, |u − v|, u · v); u and v are the means of each text's rows."""

    def __init__(self, width: int, size: int, rate: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(rate)
        self.linear = nn.Linear(4 * width, size)

    def forward(self, reading: Reading) -> Tensor:
        """(M, D) rows, whose sides are the two texts → (P, C)."""
        return self.answer(vectors(reading, 0), vectors(reading, 1))

    def answer(self, first_PD: Tensor, second_PD: Tensor) -> Tensor:
        """Vectors of first and of second texts → (P, C)."""
        return self.linear(self.dropout(torch.cat(pair_features(first_PD, second_PD), dim=1)))


def vectors(reading: Reading, side: int = 0) -> Tensor:
    """The vector of the text of one side of each run, (N, D) in float32."""
    return runs_of(reading, side).mean()
