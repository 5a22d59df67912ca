"""Sums over runs of rows, without padding: what a run gives does not depend on the runs beside it.

Sums are taken in float32. No runs give no rows, with a live graph.

Shape letters: M rows, P runs, D width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from model.reading import Reading


@dataclass(frozen=True)
class Runs:
    """Rows that are pooled run by run.

    Attributes:
        rows_MD: float32, the rows of all runs, end to end.
        lengths_P: int64 on the rows' device, rows of each run.
    """

    rows_MD: Tensor
    lengths_P: Tensor

    def spread(self, values_PD: Tensor) -> Tensor:
        """Each run's value at each of its rows, (M, D)."""
        run_M = torch.arange(len(self.lengths_P), device=self.lengths_P.device).repeat_interleave(self.lengths_P)
        return values_PD.index_select(0, run_M)

    def sum(self, values_MD: Tensor) -> Tensor:
        """(P, D), 0 of a run without rows."""
        return _reduced(values_MD, self.lengths_P, "sum")

    def mean(self) -> Tensor:
        """The mean of each run's rows, (P, D), 0 of a run without rows."""
        return self.sum(self.rows_MD) / self.lengths_P[:, None].clamp(min=1)

    def max(self) -> Tensor:
        """The largest value of each unit among a run's rows, (P, D); no run may be without rows."""
        return _reduced(self.rows_MD, self.lengths_P, "max")

    def attended(self, scores_M: Tensor) -> Tensor:
        """The rows weighted by the softmax of their scores over their run, (P, D); 0 of a run without rows."""
        scores_M1 = scores_M[:, None]
        highest_P1 = _reduced(scores_M1.detach(), self.lengths_P, "max")
        shares_M1 = (scores_M1 - self.spread(highest_P1)).exp()
        total_P1 = self.sum(shares_M1)
        return self.sum(shares_M1 * self.rows_MD) / torch.where(total_P1 > 0, total_P1, 1.0)


def runs_of(reading: Reading, side: int | None = None) -> Runs:
    """The runs that a head is given, or of each the rows of one side."""
    lengths_P = reading.runs_P1.diff().to(reading.rows_MD.device)
    runs = Runs(reading.rows_MD.float(), lengths_P)
    if side is None:
        return runs
    is_own_M = reading.sides_M == side
    own_P = runs.sum(is_own_M[:, None].float())[:, 0].long()
    return Runs(runs.rows_MD.index_select(0, is_own_M.nonzero()[:, 0]), own_P)


def _reduced(values_MD: Tensor, lengths_P: Tensor, how: str) -> Tensor:
    if not len(lengths_P):
        return values_MD  # of no runs there are no rows
    if not len(values_MD):
        return values_MD.new_zeros(len(lengths_P), values_MD.shape[1]) + values_MD.sum()
    return torch.segment_reduce(values_MD, how, lengths=lengths_P, unsafe=True)
