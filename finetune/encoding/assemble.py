"""How the texts of a split become sequences: which tokens of which text, and between which special ones.

[CLS] a [SEP], or [CLS] a [SEP] b [SEP] with segment 1 from b on (Devlin et al. 2019, section 3.2); two texts that are
read apart are a sequence each (Reimers, Gurevych 2019, section 3). A text that several sequences hold, as the context
of a question's candidates, is cut into tokens once.

Shape letters: P distinct texts, U tokens of the distinct texts end to end, R rows (one or two texts each), N sequences,
T tokens.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from finetune.encoding.windows import cut_windows
from finetune.tasks.example import Example
from finetune.tasks.spec import GROUPED, TaskSpec
from tokenization.errors import RecipeError
from training.sequences import I64, offsets_of, ranges

Scalar = TypeVar("Scalar", bound=np.generic)
NO_TEXT = -1
_AT_ONCE = 8192  # sequences


@dataclass(frozen=True)
class Texts:
    """What the sequences of a split are made from.

    Attributes:
        texts: the distinct texts, or for tagging none.
        words: the distinct rows of words of a tagging task, else none.
        first_R, second_R: the texts of each row by their places in `texts` (or `words`); -1 where there is no second.
        example_R: the example of each row.
    """

    texts: tuple[str, ...]
    words: tuple[tuple[str, ...], ...]
    first_R: I64
    second_R: I64
    example_R: I64

    @property
    def per_row(self) -> int:
        """Texts of a row: two where any row has two."""
        return 2 if (self.second_R != NO_TEXT).any() else 1


@dataclass(frozen=True)
class Assembled:
    """The sequences of a split, as places in its texts.

    Attributes:
        example_N: the example of each sequence, non-decreasing.
        offsets_N1: as in `Sequences`.
        begins_N5, counts_N5: the five stretches of the source that make a sequence, [CLS] first [SEP] second [SEP], by
            their places: those of the U tokens, U for [CLS], U + 1 for [SEP]. Of what is not there, the count is 0.
        cut: examples that lost tokens to the length.
        first_N, second_N: tokens of the first and of the second text that each sequence holds.
        start_N: the first token of the second text that it holds; above 0 in the later windows of a long text.
    """

    example_N: I64
    offsets_N1: I64
    begins_N5: I64
    counts_N5: I64
    cut: int
    first_N: I64
    second_N: I64
    start_N: I64

    @property
    def segments_T(self) -> NDArray[np.int8]:
        """As in `Sequences`, but narrow."""
        halves_N2 = np.stack([self.counts_N5[:, :3].sum(1), self.counts_N5[:, 3:].sum(1)], axis=1)
        return np.repeat(np.tile(np.array([0, 1], dtype=np.int8), len(halves_N2)), halves_N2.ravel())

    def lay(self, values_U: NDArray[Scalar], cls: object, sep: object) -> NDArray[Scalar]:
        """Whatever stands beside the tokens of the texts, (T,) as the sequences have it.

        A part of the sequences at a time: the places of all tokens at once are several times as large as the values.
        """
        source_V = np.concatenate([values_U, np.array([cls, sep], dtype=values_U.dtype)])
        laid_T = np.empty(self.offsets_N1[-1], dtype=values_U.dtype)
        for start in range(0, len(self.begins_N5), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            places = ranges(self.begins_N5[part].ravel(), self.counts_N5[part].ravel())
            first = self.offsets_N1[start]
            laid_T[first : first + len(places)] = source_V[places]
        return laid_T


def texts_of(spec: TaskSpec, examples: Sequence[Example]) -> Texts:
    """The texts of some examples: a row for each, or for each of their candidates or texts."""
    if spec.kind == "tagging":
        rows = [(example.words,) for example in examples]
        words, first_R, second_R = _numbered(rows)
        return Texts((), words, first_R, second_R, np.arange(len(rows)))
    rows_E = [_rows(spec, example) for example in examples]
    counts_E = np.array([len(rows) for rows in rows_E], dtype=np.int64)
    texts, first_R, second_R = _numbered(chain.from_iterable(rows_E))
    return Texts(texts, (), first_R, second_R, np.repeat(np.arange(len(examples)), counts_E))


def _rows(spec: TaskSpec, example: Example) -> tuple[tuple[str, ...], ...]:
    """The texts of each sequence of an example."""
    if spec.kind in GROUPED:
        return example.candidates
    return tuple((text,) for text in example.texts) if spec.has_items else (example.texts,)


def assemble(spec: TaskSpec, texts: Texts, lengths_P: I64, length: int) -> Assembled:
    """Cut the texts of each row until they fit: the longer of two from its end, a long context into windows.

    Args:
        lengths_P: tokens of each distinct text.
        length: most tokens of a sequence, special ones included.

    Raises:
        RecipeError: the length leaves no room for text.
    """
    room = length - 1 - texts.per_row
    if room < texts.per_row:
        raise RecipeError(
            f"tasks.{spec.name}.length: {length} tokens given; [CLS] and [SEP] leave no room for text. "
            f"At least {1 + 2 * texts.per_row} are needed."
        )
    paired_R = texts.second_R != NO_TEXT
    first_R, second_R = lengths_P[texts.first_R], np.where(paired_R, lengths_P[texts.second_R], 0)
    row_N, start_N = np.arange(len(first_R)), np.zeros(len(first_R), dtype=np.int64)
    if spec.kind == "span":
        row_N, first_N, start_N, second_N = cut_windows(first_R, second_R, room, spec.overlap)
        lost_N = first_N < first_R[row_N]
    else:
        first_N, second_N = kept(first_R, second_R, length - 2 - paired_R)
        lost_N = first_N + second_N < first_R + second_R
    starts_P, total = offsets_of(lengths_P)[:-1], int(lengths_P.sum())
    places_N2 = np.stack([starts_P[texts.first_R[row_N]], starts_P[texts.second_R[row_N]] + start_N], axis=1)
    return Assembled(
        example_N=texts.example_R[row_N],
        cut=len(np.unique(texts.example_R[row_N][lost_N])),
        first_N=first_N,
        second_N=second_N,
        start_N=start_N,
        **_end_to_end(places_N2, first_N, second_N, paired_R[row_N].astype(np.int64), total),
    )


def kept(first_R: I64, second_R: I64, room_R: I64) -> tuple[I64, I64]:
    """Tokens to keep of pairs: the longer one is cut until both fit, the second where they are equal."""
    more_R, less_R = room_R - room_R // 2, room_R // 2
    fits_R = first_R + second_R <= room_R
    second_whole_R, first_whole_R = second_R <= less_R, first_R <= more_R
    kept_first_R = np.select([fits_R, second_whole_R, first_whole_R], [first_R, room_R - second_R, first_R], more_R)
    kept_second_R = np.select([fits_R, second_whole_R, first_whole_R], [second_R, second_R, room_R - first_R], less_R)
    return kept_first_R, kept_second_R


def _end_to_end(places_N2: I64, first_N: I64, second_N: I64, paired_N: I64, total: int) -> dict[str, I64]:
    """[CLS] first [SEP] second [SEP], the last two where there is a second, as stretches of the source."""
    one_N = np.ones_like(first_N)
    begins_N5 = np.stack(
        [total * one_N, places_N2[:, 0], (total + 1) * one_N, places_N2[:, 1], (total + 1) * one_N], axis=1
    )
    counts_N5 = np.stack([one_N, first_N, one_N, second_N, paired_N], axis=1)
    return {"offsets_N1": offsets_of(counts_N5.sum(1)), "begins_N5": begins_N5, "counts_N5": counts_N5}


Text = TypeVar("Text", str, tuple[str, ...])


def _numbered(rows: Iterable[tuple[Text, ...]]) -> tuple[tuple[Text, ...], I64, I64]:
    """The distinct texts of rows of one or two, and each row's first and second by number."""
    numbers: dict[Text, int] = {}
    pairs = ([numbers.setdefault(text, len(numbers)) for text in row] + [NO_TEXT] * (2 - len(row)) for row in rows)
    pairs_R2 = np.fromiter(chain.from_iterable(pairs), dtype=np.int64).reshape(-1, 2)
    return tuple(numbers), pairs_R2[:, 0], pairs_R2[:, 1]
