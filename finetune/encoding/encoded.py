"""A split as flat arrays of ids: what of it is an item, which rows are read, and what is right.

Shape letters: T tokens, N sequences, E examples, I items, K chosen items, S sequences of the chosen items, M rows read,
W words, C classes.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from finetune.cloze.wordings import Wordings
from finetune.encoding.windows import IN_NO_WINDOW, Windows
from finetune.generation.targets import TargetTexts
from finetune.tasks.spec import GROUPED, TaskSpec
from model.batch import IGNORED
from model.kinds import KINDS
from training.sequences import I64, Sequences, offsets_of, ranges

Bools = NDArray[np.bool_]
NO_WORD = -1
NO_RIVAL = -1
STARTS, ENDS = 1, 2
"""Bits of a span's row labels."""

Gold = tuple[int, ...] | tuple[float, ...] | tuple[I64, ...] | tuple[tuple[str, ...], ...] | tuple[str, ...]
"""What is right for each example: a class id; a score in the task's own range; an array of a tag id per word, or
of 0 or 1 per class (multilabel); the index of the right candidate; the texts that answer a question, none where none
does; the text to write, in lower case where the vocabulary is."""


@dataclass(frozen=True)
class Encoded:
    """A split of a task, ready to be batched.

    An item is what stays together in a batch: an example with all its candidates or both its texts, or one window of a
    long text.

    Attributes:
        spec, split, ids: whose rows these are, and their ids, in file order.
        tokens_T, segments_T, maskable_T, offsets_N1: as in `Sequences`, but narrow: int32 and int8, widened as they are
            taken. A large set of candidates has some 10^8 tokens, on every rank.
        example_N: the example of each sequence, non-decreasing.
        word_T: the word whose first piece a token is, -1 for other tokens; None unless the task is tagging.
        words_E: words of each example before truncation; zeros unless the task is tagging.
        windows: the contexts behind the windows; None unless the task is one of spans.
        rivals_E: examples of one number, -1 apart, choose from the same candidates and exclude each other's answers.
        gold: the right answers, whole also where the text was cut; None where the split hides them.
        truncated: examples that lost tokens to the length; of a long context nothing is lost.
        dropped: rows of the file that are not here, since they have no label.
        limited: whether rows are not here because of the task's limit.
        fingerprint: content address of all of this.
        asked_T: whether the language model is asked something at a token; None unless the task is put into words.
        wordings: what its answers say of the classes; None unless the task is put into words.
        targets: the texts to write; None unless the task is one of generation, and its labels are given.
        longest: tokens that are written at most; 0 unless the task is one of generation.
    """

    spec: TaskSpec
    split: str
    ids: tuple[str, ...]
    tokens_T: NDArray[np.int32]
    segments_T: NDArray[np.int8]
    maskable_T: Bools
    offsets_N1: I64
    example_N: I64
    word_T: NDArray[np.int32] | None
    words_E: I64
    windows: Windows | None
    rivals_E: I64
    gold: Gold | None
    truncated: int
    dropped: int
    limited: bool
    fingerprint: str
    asked_T: Bools | None = None
    wordings: Wordings | None = None
    targets: TargetTexts | None = None
    longest: int = 0

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def reduced(self) -> bool:
        """Whether rows were left out by the limit, or there are fewer than the official ones."""
        return self.limited or len(self) + self.dropped < self.spec.rows.get(self.split, 0)

    @cached_property
    def lengths_N(self) -> I64:
        return np.diff(self.offsets_N1)

    @cached_property
    def items_I1(self) -> I64:
        """Item i is the sequences items[i]:items[i + 1]."""
        if not self.spec.has_items:
            return np.arange(len(self.offsets_N1))
        return np.searchsorted(self.example_N, np.arange(len(self) + 1))

    @cached_property
    def sizes_I(self) -> I64:
        """Sequences of each item."""
        return np.diff(self.items_I1)

    @property
    def lengths_I(self) -> I64:
        """Tokens of each item in a batch: as often as it is read, and of a text to write beside it as well."""
        lengths_I = np.diff(self.offsets_N1[self.items_I1]) * len(self.spec.ways)
        return lengths_I if self.targets is None else lengths_I + self.targets.added_E

    @property
    def unanswered(self) -> "Encoded":
        """The same rows without the texts to write, which nobody who answers may see."""
        return self if self.targets is None else replace(self, targets=None)

    @property
    def trained_I(self) -> I64:
        """The items that can be trained on: all but windows of texts whose answer is not in them."""
        if self.windows is None or self.windows.answers_N2 is None:
            return np.arange(len(self.items_I1) - 1)
        return np.flatnonzero(self.windows.answers_N2[:, 0] != IN_NO_WINDOW)

    @property
    def untrained(self) -> int:
        """Examples that nothing is learned from."""
        first_N = self.items_I1[self.trained_I]
        return len(self) - len(np.unique(self.example_N[first_N]))

    def sequences_of(self, items_K: I64) -> I64:
        """The sequences of some items, end to end, each as often as it is read."""
        return np.repeat(ranges(self.items_I1[items_K], self.sizes_I[items_K]), len(self.spec.ways))

    def tokens_of(self, sequences_S: I64) -> I64:
        """Indices of the tokens of some sequences, end to end."""
        return ranges(self.offsets_N1[sequences_S], self.lengths_N[sequences_S])

    def take(self, items_K: I64, draws_K: I64) -> Sequences:
        """Some items as sequences, with their labels where they have any; `row_labels_T` marks what is read anyway."""
        sequences_S = self.sequences_of(items_K)
        token_T = self.tokens_of(sequences_S)
        ways = self.spec.ways
        kinds_N = None
        if ways != ("both",):
            kinds_N = np.tile([KINDS.index(way) for way in ways], len(sequences_S) // len(ways))
        conditions_N = np.full(len(sequences_S), self.spec.condition, dtype=np.int64) if self.spec.condition else None
        sequences = Sequences(
            tokens_T=self.tokens_T[token_T].astype(np.int64),
            segments_T=self.segments_T[token_T].astype(np.int64),
            maskable_T=self.maskable_T[token_T],
            offsets_N1=offsets_of(self.lengths_N[sequences_S]),
            draws_N=np.repeat(draws_K, self.sizes_I[items_K] * len(ways)),
            labels_N=self._labels(sequences_S),
            row_labels_T=self._row_labels(sequences_S, token_T),
            kinds_N=kinds_N,
            reaches_N=None if kinds_N is None else np.zeros_like(kinds_N),
            conditions_N=conditions_N,
        )
        return sequences if self.targets is None else self.targets.beside(sequences, self.example_N[sequences_S])

    def _is_read(self, sequences_S: I64, token_T: I64) -> Bools:
        """The first piece of each word; [CLS] and the context; where the language model is asked."""
        if self.asked_T is not None:
            return self.asked_T[token_T]
        if self.word_T is not None:
            return self.word_T[token_T] != NO_WORD
        is_first_T = np.zeros(len(token_T), dtype=np.bool_)
        is_first_T[offsets_of(self.lengths_N[sequences_S])[:-1]] = True
        return is_first_T if self.windows is None else is_first_T | self.windows.in_context(token_T)

    def _labels(self, sequences_S: I64) -> NDArray[np.int64] | NDArray[np.float32] | None:
        """A label for each sequence, in the form that the kind's objective takes."""
        if self.gold is None or self.spec.kind in ("tagging", "span", "generation"):
            return None
        examples_S = self.example_N[sequences_S]
        labels = np.array([self.gold[example] for example in examples_S.tolist()])
        if self.spec.kind in ("regression", "multilabel"):
            return labels.astype(np.float32)
        if self.spec.kind in GROUPED:
            labels = sequences_S - self.items_I1[examples_S] == labels
        return labels.astype(np.int64)

    def _row_labels(self, sequences_S: I64, token_T: I64) -> I64 | None:
        """What is right of each token, -100 where nothing is asked of it; 0 where the split hides what is right."""
        if self.word_T is None and self.windows is None and self.asked_T is None:
            return None
        is_read_T = self._is_read(sequences_S, token_T)
        if self.gold is None:
            return np.where(is_read_T, 0, IGNORED)
        if self.asked_T is not None:
            classes_S = np.array([self.gold[example] for example in self.example_N[sequences_S].tolist()])
            values_T = np.repeat(classes_S, self.lengths_N[sequences_S])
        else:
            values_T = self._tags(sequences_S, token_T) if self.windows is None else self._bounds(sequences_S, token_T)
        return np.where(is_read_T, values_T, IGNORED)

    def _tags(self, sequences_S: I64, token_T: I64) -> I64:
        """The tag of each token's word."""
        assert self.gold is not None
        assert self.word_T is not None
        examples_S = self.example_N[sequences_S]
        starts_S = offsets_of(self.words_E[examples_S])[:-1]
        tags_W = np.concatenate([np.asarray(self.gold[example]) for example in examples_S.tolist()])
        place_T = np.repeat(starts_S, self.lengths_N[sequences_S]) + self.word_T[token_T]
        return tags_W[np.maximum(place_T, 0)]

    def _bounds(self, sequences_S: I64, token_T: I64) -> I64:
        """Where the answer starts and ends."""
        assert self.windows is not None
        assert self.windows.answers_N2 is not None
        places_S2 = self.offsets_N1[sequences_S][:, None] + self.windows.answers_N2[sequences_S]
        return STARTS * np.isin(token_T, places_S2[:, 0]) + ENDS * np.isin(token_T, places_S2[:, 1])
