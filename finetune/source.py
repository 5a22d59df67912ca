"""Tasks as sources of a stream: labelled examples, or just their text.

Shape letters: K draws, I items, N sequences.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from finetune.encoding.encoded import NO_WORD, Encoded
from model.batch import IGNORED
from tokenization.errors import DataError
from tokenization.fingerprint import of_value
from training.address import Key, derive, epoch_draws
from training.sequences import I64, Sequences, Shape, offsets_of, ranges


class TaskSource:
    """The items of a task, each once per epoch, every epoch in a new order: its examples, or windows of their texts.

    Raises:
        DataError: the split hides its labels, or no text holds its answer; it cannot be trained on.
    """

    def __init__(self, encoded: Encoded) -> None:
        where = f"task {encoded.spec.name!r}: split {encoded.split!r}"
        if encoded.gold is None:
            raise DataError(f"{where} has no labels to train on; use another split.")
        self._encoded, self._items_I = encoded, encoded.trained_I
        if not len(self._items_I):
            raise DataError(f"{where} has no answer that stands in its text, so there is nothing to train on.")
        self._lengths_I = encoded.lengths_I[self._items_I]
        self.shape: Shape = "pair" if encoded.spec.is_pair else "sentence"
        self.size = len(self._items_I)
        self.mean_length = float(self._lengths_I.mean())
        self.longest = int(self._lengths_I.max())
        self.fingerprint = encoded.fingerprint

    def lengths(self, draws_K: I64, key: Key) -> I64:
        return self._lengths_I[_order(draws_K, self.size, key)]

    def draw(self, draws_K: I64, key: Key) -> Sequences:
        return self._encoded.take(self._items_I[_order(draws_K, self.size, key)], draws_K)


class TextOfTasks:
    """The text of some tasks without their labels, for an auxiliary LM: a block, of which nothing is asked but text.

    Attributes of the joined arrays follow `Encoded`; sequences stand in the order of the tasks.

    Args:
        continues: for each task which of its tokens continue a word, or None for sequences that do not tell.
    """

    def __init__(self, tasks: Sequence[Encoded], continues: Sequence[NDArray[np.bool_]] | None = None) -> None:
        self._tokens_T = np.concatenate([task.tokens_T for task in tasks])
        self._segments_T = np.concatenate([task.segments_T for task in tasks])
        self._maskable_T = np.concatenate([task.maskable_T for task in tasks])
        self._continues_T = None if continues is None else np.concatenate(continues)
        self._marks_T = _marks(tasks)
        self._lengths_N = np.concatenate([task.lengths_N for task in tasks])
        self._starts_N = offsets_of(self._lengths_N)[:-1]
        self.shape: Shape = "block"
        self.size = len(self._lengths_N)
        self.mean_length = float(self._lengths_N.mean())
        self.longest = int(self._lengths_N.max())
        self.fingerprint = of_value([task.fingerprint for task in tasks])

    def lengths(self, draws_K: I64, key: Key) -> I64:
        return self._lengths_N[_order(draws_K, self.size, key)]

    def draw(self, draws_K: I64, key: Key) -> Sequences:
        chosen_K = _order(draws_K, self.size, key)
        lengths_K = self._lengths_N[chosen_K]
        token_T = ranges(self._starts_N[chosen_K], lengths_K)
        return Sequences(
            tokens_T=self._tokens_T[token_T].astype(np.int64),
            segments_T=self._segments_T[token_T].astype(np.int64),
            maskable_T=self._maskable_T[token_T],
            offsets_N1=offsets_of(lengths_K),
            draws_N=draws_K,
            row_labels_T=None if self._marks_T is None else self._marks_T[token_T].astype(np.int64),
            continues_T=None if self._continues_T is None else self._continues_T[token_T],
        )


def _marks(tasks: Sequence[Encoded]) -> NDArray[np.int8] | None:
    """0 where a word begins and -100 elsewhere, narrow; None where not all tasks are in words."""
    words = [task.word_T for task in tasks if task.word_T is not None]
    if len(words) < len(tasks):
        return None
    return np.where(np.concatenate(words) == NO_WORD, IGNORED, 0).astype(np.int8)


def _order(draws_K: I64, size: int, key: Key) -> I64:
    return epoch_draws(draws_K, size, derive(key, "order"))
