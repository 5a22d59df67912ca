"""Beam search over texts that are written token by token; with one hypothesis it is greedy.

A text's score is log p(text, end) / lp(n), n its tokens with the end, lp(n) = ((5 + n) / 6)^alpha (Wu et al. 2016,
"Google's Neural Machine Translation System", equation 14, without coverage).

    step    of all continuations of a source's B hypotheses the 2B likeliest are looked at, in order: those that end
            are finished, if they are among the first B; the first B of the others are gone on with
    stop    B are finished, or none of those left can still come to a better score; the best finished one is the answer

Equal continuations are taken in the order of their hypotheses, then of their ids.

Shape letters: N sources, B hypotheses of a source, R = N·B, V vocabulary, C = B·V continuations, K of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from model.generation_settings import GenerationSettings, SpecialIds
from model.writers import Writer


def length_penalty(tokens: int, alpha: float) -> float:
    """By what a log probability of so many tokens, the end counted, is divided; 1 for one token."""
    return float(((5 + tokens) / 6) ** alpha)


Step = tuple[float, int, int]
"""A continuation: its log probability, the hypothesis that it continues, and the token."""


@dataclass
class _Search:
    """The state of the search for one source.

    Attributes:
        texts, scores: of the hypotheses that are gone on with, best first; log probabilities.
        parents: for each the place that what it continues had in the step before.
        found, best, finished: the best finished text, its score, and how many are finished.
    """

    texts: list[list[int]] = field(default_factory=lambda: [[]])
    scores: list[float] = field(default_factory=lambda: [0.0])
    parents: list[int] = field(default_factory=list)
    found: list[int] = field(default_factory=list)
    best: float = -math.inf
    finished: int = 0

    def take(self, steps: Sequence[Step], settings: GenerationSettings, end: int) -> None:
        """Finish some of the likeliest continuations, given best first, and go on with others."""
        before = self.texts
        self.texts, self.scores, self.parents = [], [], []
        divisor = length_penalty(len(before[0]) + 1, settings.length_penalty)
        for rank, (score, parent, token) in enumerate(steps):
            if score == -math.inf:
                return
            if token != end:
                if len(self.texts) < settings.beam:
                    self.texts.append([*before[parent], token])
                    self.scores.append(score)
                    self.parents.append(parent)
            elif rank < settings.beam:
                self.finished += 1
                if score / divisor > self.best:
                    self.found, self.best = before[parent], score / divisor

    def over(self, settings: GenerationSettings) -> bool:
        """Whether the answer is known: log probabilities only fall, and the longest text's is divided by most."""
        if not self.texts or self.finished >= settings.beam:
            return True
        return self.best >= self.scores[0] / length_penalty(settings.longest + 1, settings.length_penalty)

    def feed(self, beam: int) -> list[tuple[int, int]]:
        """Parent and last token of each hypothesis; the first again where there are fewer than others have."""
        pairs = [(parent, text[-1]) for parent, text in zip(self.parents, self.texts, strict=True)]
        return pairs + pairs[:1] * (beam - len(pairs))


def search(writer: Writer, settings: GenerationSettings, ids: SpecialIds) -> list[list[int]]:
    """The best text of each source, without its end."""
    every = [_Search() for _ in range(writer.sources)]
    going, logits_RV = every, writer.begin()
    for written in range(settings.longest + 1):
        gains_RV = _gains(logits_RV, written, settings, ids)
        for one, steps in zip(going, _likeliest(going, gains_RV, settings.beam), strict=True):
            one.take(steps, settings, ids.end)
        left = [place for place, one in enumerate(going) if not one.over(settings)]
        if not left:
            break
        left_N = None if len(left) == len(going) else torch.tensor(left, device=logits_RV.device)
        going = [going[place] for place in left]
        fed = [
            (place * settings.beam + parent, token)
            for place, one in zip(left, going, strict=True)
            for parent, token in one.feed(settings.beam)
        ]
        parents_R, tokens_R = torch.tensor(fed, device=logits_RV.device).unbind(1)
        logits_RV = writer.go_on(parents_R, tokens_R, left_N)
    return [one.found for one in every]


def _gains(logits_RV: Tensor, written: int, settings: GenerationSettings, ids: SpecialIds) -> Tensor:
    """Log probabilities, -inf for what may not be written; those of the others are not raised for it."""
    gains_RV = logits_RV.float().log_softmax(dim=1)
    end_R = gains_RV[:, ids.end].clone()
    if written == settings.longest:
        gains_RV.fill_(-math.inf)
    gains_RV[:, list(ids.never)] = -math.inf
    gains_RV[:, ids.end] = -math.inf if written < settings.shortest else end_R
    return gains_RV


def _likeliest(going: Sequence[_Search], gains_RV: Tensor, beam: int) -> list[list[Step]]:
    """For each source the 2B likeliest continuations of its hypotheses, best first."""
    scores = [one.scores + [-math.inf] * (beam - len(one.scores)) for one in going]
    scores_NC = (gains_RV + gains_RV.new_tensor(scores).view(-1, 1)).view(len(going), -1)
    places_NK = highest(scores_NC, 2 * beam)
    vocabulary = gains_RV.shape[1]
    columns = (scores_NC.gather(1, places_NK), places_NK // vocabulary, places_NK % vocabulary)
    return [list(zip(*row, strict=True)) for row in zip(*(column.tolist() for column in columns), strict=True)]


def highest(scores_NC: Tensor, count: int) -> Tensor:
    """The places of the highest scores of each row, best first, of equal ones the first.

    `topk` does not say which of equal ones it takes.
    """
    least_N1 = scores_NC.topk(count, dim=1).values[:, -1:]
    above_NC, level_NC = scores_NC > least_N1, scores_NC == least_N1
    missing_N1 = count - above_NC.sum(dim=1, keepdim=True)
    chosen_NC = above_NC | level_NC
    if int(chosen_NC.sum()) > len(scores_NC) * count:  # ties, which are rare: a running sum over a vocabulary is slow
        chosen_NC = above_NC | (level_NC & (level_NC.cumsum(dim=1) <= missing_N1))
    places_NK = torch.nonzero(chosen_NC)[:, 1].view(len(scores_NC), count)
    order_NK = scores_NC.gather(1, places_NK).sort(dim=1, descending=True, stable=True).indices
    return places_NK.gather(1, order_NK)
