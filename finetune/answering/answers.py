"""Logits → what each item of a batch answers, by the kind of its task.

Probabilities are taken in float64; of equals the lowest index is the answer.

Shape letters: M selected rows, C classes, S sequences and I items of a batch, A rows of one sequence, G candidates of
one example, W words.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import scipy.special
from numpy.typing import NDArray

from finetune.answering.dev_batches import DevBatch
from finetune.answering.span_answers import best_span
from finetune.encoding.encoded import Encoded
from finetune.tasks.spec import OUTSIDE
from training.sequences import I64

F64 = NDArray[np.float64]
Answer = int | float | str | I64
"""A class id, a score, the index of a candidate, the text of a span ("" where there is none), or an array: of a tag id
per word, or of 0 or 1 per class."""


@dataclass(frozen=True)
class Partial:
    """What one item answers; ranks exchange these. A question has one for each window of its text.

    Attributes:
        sequence: the item's first sequence, by its index in the split.
        scores: class or candidate probabilities; of a window the scores of its best answer and of none; else None.
    """

    sequence: int
    answer: Answer
    scores: F64 | None


def answers_of(encoded: Encoded, batch: DevBatch, logits_MC: F64) -> list[Partial]:
    """The answers that the logits of a batch stand for, in the batch's order."""
    return list(_OF_KIND[encoded.spec.kind](encoded, batch, logits_MC))


def _classes(encoded: Encoded, batch: DevBatch, logits_MC: F64) -> Iterator[Partial]:
    for sequence, scores_C in zip(batch.firsts_I.tolist(), scipy.special.softmax(logits_MC, axis=1), strict=True):
        yield Partial(sequence, int(scores_C.argmax()), scores_C)


def _several(encoded: Encoded, batch: DevBatch, logits_MC: F64) -> Iterator[Partial]:
    """Every class that is more likely than not."""
    for sequence, logits_C in zip(batch.firsts_I.tolist(), logits_MC, strict=True):
        yield Partial(sequence, (logits_C > 0).astype(np.int64), scipy.special.expit(logits_C))


def _scores(encoded: Encoded, batch: DevBatch, logits_MC: F64) -> Iterator[Partial]:
    """From the head's unit interval to the task's range, which no score may leave."""
    low, high = encoded.spec.score_range
    scores_I = np.clip(low + (high - low) * logits_MC[:, 0], low, high)
    for sequence, score in zip(batch.firsts_I.tolist(), scores_I.tolist(), strict=True):
        yield Partial(sequence, score, None)


def _candidates(encoded: Encoded, batch: DevBatch, logits_MC: F64) -> Iterator[Partial]:
    """The candidate with the highest score, beside the softmax over the candidates."""
    begins = np.flatnonzero(np.diff(encoded.example_N[batch.sequences_S], prepend=-1))
    for begin, logits_G in zip(begins.tolist(), np.split(logits_MC[:, 0], begins[1:]), strict=True):
        first, scores_G = int(batch.sequences_S[begin]), scipy.special.softmax(logits_G)
        yield Partial(first, _first_alike(encoded, first, int(scores_G.argmax())), scores_G)


def _first_alike(encoded: Encoded, first: int, chosen: int) -> int:
    """The first candidate of the chosen one's tokens: they tie, but for rounding, which is the batch's."""
    texts = [encoded.tokens_T[slice(*encoded.offsets_N1[first + g : first + g + 2])] for g in range(chosen + 1)]
    return next(g for g, tokens in enumerate(texts) if np.array_equal(tokens, texts[chosen]))


def _tags(encoded: Encoded, batch: DevBatch, logits_MC: F64) -> Iterator[Partial]:
    """A tag per word; words that were cut off, or have no pieces, are outside."""
    assert encoded.word_T is not None
    outside = encoded.spec.labels.index(OUTSIDE)
    tags_M, words_M = logits_MC.argmax(1), encoded.word_T[batch.rows_M]
    for place, sequence in enumerate(batch.sequences_S.tolist()):
        rows = slice(batch.rows_S1[place], batch.rows_S1[place + 1])
        tags_W = np.full(int(encoded.words_E[encoded.example_N[sequence]]), outside, dtype=np.int64)
        tags_W[words_M[rows]] = tags_M[rows]
        yield Partial(sequence, tags_W, None)


def _spans(encoded: Encoded, batch: DevBatch, logits_MC: F64) -> Iterator[Partial]:
    """The best stretch of each window; whether the question has an answer is settled over all its windows."""
    assert encoded.windows is not None
    for place, sequence in enumerate(batch.sequences_S.tolist()):
        rows = slice(batch.rows_S1[place], batch.rows_S1[place + 1])
        logits_A2, tokens_A = logits_MC[rows], batch.rows_M[rows]
        none, context_A2 = float(logits_A2[0].sum()), logits_A2[1:]
        first, last, best = best_span(context_A2[:, 0], context_A2[:, 1], encoded.spec.longest_answer)
        example, text = int(encoded.example_N[sequence]), ""
        if len(context_A2):
            text = encoded.windows.text(example, int(tokens_A[1 + first]), int(tokens_A[1 + last]))
        yield Partial(sequence, text, np.array([best, none]))


_OF_KIND: dict[str, Callable[[Encoded, DevBatch, F64], Iterator[Partial]]] = {
    "classification": _classes,
    "multilabel": _several,
    "regression": _scores,
    "ranking": _candidates,
    "choice": _candidates,
    "tagging": _tags,
    "span": _spans,
}
