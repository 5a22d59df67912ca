"""Examples → flat arrays of ids: [CLS] a [SEP], or [CLS] a [SEP] b [SEP] with segment 1 from b on.

Shape letters: T tokens, N examples, K chosen examples, W words.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from finetune.tasks.read import Example
from finetune.tasks.spec import TaskSpec
from model.batch import IGNORED
from tokenization.errors import RecipeError
from tokenization.fingerprint import of_value
from tokenization.vocabulary import Tokenizer
from training.sequences import I64, Sequences

Column = TypeVar("Column", I64, NDArray[np.bool_])
NO_WORD = -1

Gold = tuple[int, ...] | tuple[float, ...] | tuple[I64, ...]
"""What is right for each example: a class id, a score in the task's own range, or an array of a tag id per word."""


@dataclass(frozen=True)
class Encoded:
    """A split of a task, ready to be batched.

    Attributes:
        spec, split, ids: whose rows these are, and their ids, in file order.
        tokens_T, segments_T, maskable_T, offsets_N1: as in `Sequences`.
        word_T: the word whose first piece a token is, -1 for other tokens; None unless the task is tagging.
        words_N: words of each example before truncation; zeros unless the task is tagging.
        gold: the right answers, whole also where the text was cut; None where the split hides them.
        truncated: examples that lost tokens to the length.
        fingerprint: content address of all of this.
    """

    spec: TaskSpec
    split: str
    ids: tuple[str, ...]
    tokens_T: I64
    segments_T: I64
    maskable_T: NDArray[np.bool_]
    offsets_N1: I64
    word_T: I64 | None
    words_N: I64
    gold: Gold | None
    truncated: int
    fingerprint: str

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def reduced(self) -> bool:
        """Whether this is a part of the task or, by its limit, of the split; never reported as the full task's."""
        return self.spec.reduced or len(self) == self.spec.limit.get(self.split)

    @property
    def lengths_N(self) -> I64:
        return np.diff(self.offsets_N1)

    def take(self, examples_K: I64, draws_K: I64) -> Sequences:
        """Some examples as sequences, with their labels where they have any."""
        token_T = self.tokens_of(examples_K)
        return Sequences(
            tokens_T=self.tokens_T[token_T],
            segments_T=self.segments_T[token_T],
            maskable_T=self.maskable_T[token_T],
            offsets_N1=offsets_of(self.lengths_N[examples_K]),
            draws_N=draws_K,
            labels_N=self._labels(examples_K),
            row_labels_T=self._row_labels(examples_K, token_T),
        )

    def tokens_of(self, examples_K: I64) -> I64:
        """Indices of the tokens of some examples, end to end."""
        lengths_K = self.lengths_N[examples_K]
        shift_K = self.offsets_N1[examples_K] - offsets_of(lengths_K)[:-1]
        return np.arange(lengths_K.sum()) + np.repeat(shift_K, lengths_K)

    def _labels(self, examples_K: I64) -> NDArray[np.int64] | NDArray[np.float32] | None:
        if self.gold is None or self.spec.kind == "tagging":
            return None
        labels = [self.gold[example] for example in examples_K.tolist()]
        if self.spec.kind == "regression":
            return np.array(labels, dtype=np.float32)
        return np.array(labels, dtype=np.int64)

    def _row_labels(self, examples_K: I64, token_T: I64) -> I64 | None:
        """A tag id on the first piece of each word, -100 elsewhere."""
        if self.gold is None or self.word_T is None:
            return None
        starts_K = offsets_of(self.words_N[examples_K])[:-1]
        tags_W = np.concatenate([np.asarray(self.gold[example]) for example in examples_K.tolist()])
        word_T = self.word_T[token_T]
        place_T = np.repeat(starts_K, self.lengths_N[examples_K]) + word_T
        return np.where(word_T == NO_WORD, IGNORED, tags_W[np.maximum(place_T, 0)])


def encode_examples(
    spec: TaskSpec, split: str, examples: Sequence[Example], tokenizer: Tokenizer, length: int
) -> Encoded:
    """Encode a split in one call of the tokenizer; the longer text of a pair is cut first, from its end.

    Args:
        length: most tokens of a sequence, special ones included.

    Raises:
        RecipeError: the length leaves no room for text.
    """
    texts = 2 if spec.is_pair else 1
    room = length - 1 - texts
    if room < texts:
        raise RecipeError(
            f"tasks.{spec.name}.length: {length} tokens given; [CLS] and [SEP] leave no room for text. "
            f"At least {1 + 2 * texts} are needed."
        )
    whole, words = _pieces(spec, examples, tokenizer)
    cut = [cut_row(row, room) for row in whole]
    rows = [_with_specials(row, tokenizer) for row in cut]
    tokens_T = np.concatenate(rows).astype(np.int64)
    arrays = {
        "tokens_T": tokens_T,
        "segments_T": np.concatenate([_segments(row) for row in cut]),
        "maskable_T": ~np.isin(tokens_T, np.fromiter(tokenizer.specials, dtype=np.int64)),
        "offsets_N1": offsets_of(np.array([len(row) for row in rows], dtype=np.int64)),
        "words_N": np.array([len(example.words) for example in examples], dtype=np.int64),
    }
    word_T = None if words is None else np.concatenate([_words_of(row, room) for row in words])
    gold = _gold(spec, examples)
    ids = tuple(example.id for example in examples)
    return Encoded(
        spec=spec,
        split=split,
        ids=ids,
        **arrays,
        word_T=word_T,
        gold=gold,
        truncated=sum(sum(map(len, a)) != sum(map(len, b)) for a, b in zip(whole, cut, strict=True)),
        fingerprint=_fingerprint(spec, ids, [*arrays.values(), *([] if word_T is None else [word_T])], gold),
    )


def offsets_of(lengths_K: I64) -> I64:
    """Where each of some things laid end to end begins, and the end of the last."""
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths_K)])


def kept(first: int, second: int, room: int) -> tuple[int, int]:
    """Tokens to keep of a pair: the longer one is cut until both fit, the second where they are equal."""
    more, less = room - room // 2, room // 2
    if first + second <= room:
        return first, second
    if second <= less:
        return room - second, second
    if first <= more:
        return first, room - first
    return more, less


def _pieces(
    spec: TaskSpec, examples: Sequence[Example], tokenizer: Tokenizer
) -> tuple[list[tuple[I64, ...]], list[I64] | None]:
    """The ids of each example's texts and, for tagging, the word of each id."""
    if spec.kind == "tagging":
        coded = tokenizer.encode_words([example.words for example in examples])
        return [(ids,) for ids, _ in coded], [np.asarray(words, dtype=np.int64) for _, words in coded]
    ids = tokenizer.encode([text for example in examples for text in example.texts])
    step = len(spec.fields)
    return [tuple(ids[start : start + step]) for start in range(0, len(ids), step)], None


def cut_row(row: tuple[Column, ...], room: int) -> tuple[Column, ...]:
    """What of an example's texts, as ids or whatever stands beside ids, fits into `room` tokens."""
    if len(row) == 1:
        return (row[0][:room],)
    first, second = kept(len(row[0]), len(row[1]), room)
    return row[0][:first], row[1][:second]


def _with_specials(row: tuple[I64, ...], tokenizer: Tokenizer) -> I64:
    return np.concatenate([[tokenizer.cls], *(part for ids in row for part in (ids, [tokenizer.sep]))])


def _segments(row: tuple[I64, ...]) -> I64:
    second = len(row[1]) + 1 if len(row) == 2 else 0
    return np.repeat(np.array([0, 1]), [len(row[0]) + 2, second])


def _words_of(words: I64, room: int) -> I64:
    """The word that each token is the first piece of; specials and later pieces are of none."""
    opens = np.diff(words, prepend=NO_WORD) != 0
    return np.concatenate([[NO_WORD], np.where(opens, words, NO_WORD)[:room], [NO_WORD]])


def _gold(spec: TaskSpec, examples: Sequence[Example]) -> Gold | None:
    if any(example.label is None for example in examples):
        return None
    number = {name: index for index, name in enumerate(spec.labels)}
    if spec.kind == "regression":
        return tuple(float(example.label) for example in examples)  # type: ignore[arg-type]
    if spec.kind == "tagging":
        return tuple(np.array([number[tag] for tag in example.label], dtype=np.int64) for example in examples)  # type: ignore[union-attr]
    return tuple(number[example.label] for example in examples)  # type: ignore[index]


def _fingerprint(spec: TaskSpec, ids: tuple[str, ...], arrays: list[NDArray[np.generic]], gold: Gold | None) -> str:
    answers = None if gold is None else [np.asarray(answer).tolist() for answer in gold]
    hashes = [hashlib.blake2b(array.tobytes(), digest_size=16).hexdigest() for array in arrays]
    return of_value([spec.name, spec.kind, spec.version, spec.labels, spec.range, ids, hashes, answers])
