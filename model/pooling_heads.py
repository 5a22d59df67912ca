"""Heads that pool a run of rows, one answer each: by concatenation, or by a learned mean.

Shape letters: M rows, P runs, D width, C classes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.reading import Reading
from model.runs import runs_of


class ConcatHead(nn.Module):
    """Dropout and one linear layer on [first row; maximum; mean] of a run.

    "Concat pooling" of Howard, Ruder 2018, section 3.3, whose first part is the row that stands for the whole text.
    """

    def __init__(self, width: int, size: int, rate: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(rate)
        self.linear = nn.Linear(3 * width, size)

    def forward(self, reading: Reading) -> Tensor:
        """(M, D) rows → (P, C)."""
        runs = runs_of(reading)
        first_PD = runs.rows_MD.index_select(0, reading.runs_P1[:-1].to(runs.rows_MD.device))
        return self.linear(self.dropout(torch.cat([first_PD, runs.max(), runs.mean()], dim=1)))


class AttentionHead(nn.Module):
    """Dropout and one linear layer on the rows of a run weighted by softmax(w · row).

    The self-attention that the stochastic answer network begins with (Liu et al. 2018, section 2.3).
    """

    def __init__(self, width: int, size: int, rate: float) -> None:
        super().__init__()
        self.score = nn.Linear(width, 1, bias=False)
        self.dropout = nn.Dropout(rate)
        self.linear = nn.Linear(width, size)

    def forward(self, reading: Reading) -> Tensor:
        """(M, D) rows → (P, C)."""
        runs = runs_of(reading)
        scores_M = self.score(runs.rows_MD)[:, 0].float()
        return self.linear(self.dropout(runs.attended(scores_M)))
