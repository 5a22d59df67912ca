"""The stochastic answer network: several turns of reading both texts, whose predictions are averaged.

Liu et al. 2018, "Stochastic Answer Networks for Natural Language Inference", as in Liu et al. 2019, "Multi-Task Deep
Neural Networks", section 3 ("Pairwise text classification output").

Shape letters: M rows, P runs, K turns, D width, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.reading import Reading
from model.runs import Runs, runs_of

PREMISE, HYPOTHESIS = 0, 1


class AnswerNetwork(nn.Module):
    """A state, begun with a learned mean of the hypothesis, reads the premise turn after turn through a GRU.

    s₀ = Σ softmax(w · h)ⱼ hⱼ; in each turn xₖ = Σ softmax(sₖᵀ W p)ⱼ pⱼ, the prediction is a linear layer on
    [s; x; |s − x|; s · x], and sₖ₊₁ = GRU(xₖ, sₖ). The predictions of all turns are averaged; in training some are left
    out at random for each run, never all ("stochastic prediction dropout"). Worked out in float32, under autocast too.

    Args:
        kind: a head kind; of classes probabilities are averaged, of several labels each one's, and else the scores.
        steps: turns, K.
        rate: of dropout, and the share of predictions left out in training.
    """

    def __init__(self, kind: str, width: int, size: int, steps: int, rate: float) -> None:
        super().__init__()
        self.kind, self.steps, self.rate = kind, steps, rate
        self.start = nn.Linear(width, 1, bias=False)
        self.attend = nn.Linear(width, width, bias=False)
        self.turn = nn.GRUCell(width, width)
        self.dropout = nn.Dropout(rate)
        self.linear = nn.Linear(4 * width, size)

    def forward(self, reading: Reading) -> Tensor:
        """(M, D) rows with the side of each → (P, C)."""
        with torch.autocast(reading.rows_MD.device.type, enabled=False):
            premise, hypothesis = runs_of(reading, PREMISE), runs_of(reading, HYPOTHESIS)
            state_PD = hypothesis.attended(self.start(hypothesis.rows_MD)[:, 0])
            predictions: list[Tensor] = []
            for turn in range(self.steps):
                read_PD = self._read(premise, state_PD)
                both_PD = self.dropout(torch.cat(pair_features(state_PD, read_PD), dim=1))
                predictions.append(self.linear(both_PD))
                if turn + 1 < self.steps:
                    state_PD = self.turn(read_PD, state_PD)
            return averaged(self.kind, predictions, self._kept(state_PD))

    def _read(self, premise: Runs, state_PD: Tensor) -> Tensor:
        asked_MD = premise.spread(self.attend(state_PD))
        return premise.attended((asked_MD * premise.rows_MD).sum(1))

    def _kept(self, state_PD: Tensor) -> Tensor:
        """(P, K) bool: the predictions that count; all of them outside of training."""
        if not self.training:
            return torch.ones(len(state_PD), self.steps, dtype=torch.bool, device=state_PD.device)
        kept_PK = torch.rand(len(state_PD), self.steps, device=state_PD.device) >= self.rate
        return kept_PK | ~kept_PK.any(1, keepdim=True)


def pair_features(one_PD: Tensor, other_PD: Tensor) -> list[Tensor]:
    """Both, how far they are apart, and their product: four of (P, D)."""
    return [one_PD, other_PD, (one_PD - other_PD).abs(), one_PD * other_PD]


def averaged(kind: str, predictions: Sequence[Tensor], kept_PK: Tensor) -> Tensor:
    """The logits (P, C) that stand for the mean of what the kept predictions, each (P, C), say."""
    logits_PKC = torch.stack(list(predictions), dim=1)
    if kind == "classification":
        return _log_mean(logits_PKC.log_softmax(2), kept_PK)
    if kind == "multilabel":
        return _log_mean(F.logsigmoid(logits_PKC), kept_PK) - _log_mean(F.logsigmoid(-logits_PKC), kept_PK)
    return (logits_PKC * kept_PK[..., None]).sum(1) / kept_PK.sum(1, keepdim=True)


def _log_mean(logs_PKC: Tensor, kept_PK: Tensor) -> Tensor:
    """The logarithm of the mean of the kept numbers whose logarithms are given."""
    kept_PKC = kept_PK[..., None].expand_as(logs_PKC)
    return logs_PKC.masked_fill(~kept_PKC, -torch.inf).logsumexp(1) - kept_PK.sum(1, keepdim=True).log()
