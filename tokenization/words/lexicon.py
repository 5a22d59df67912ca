"""A user's phrases and entities as ids, and where they stand among the ids of a text.

A phrase matches in the ids, so in whatever spelling the tokenizer takes for the same; leftmost first, of those that
begin at one token the longest, none within another. It may neither begin nor end inside a word, and never goes over
the end of a sentence.

Letters: E entries of one length, n their tokens, T tokens, S sentences, M matches, V vocabulary.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenization import fingerprint
from tokenization.errors import DataError
from tokenization.vocabulary import Tokenizer
from tokenization.word_lists import read_words
from tokenization.words.continuation import continues_vocabulary

I64 = NDArray[np.int64]
Bools = NDArray[np.bool_]

_SHOWN = 5
_TOKENS_AT_ONCE = 1 << 20
_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd: a polynomial in it mixes all 64 bits


@dataclass(frozen=True)
class Lexicon:
    """The entries that can be matched, and those that cannot.

    Attributes:
        entries_En: for each length of two tokens or more, ascending, the distinct rows of ids, sorted.
        continues_V: which ids continue a word.
        unknown: entries with a character that the vocabulary does not know.
        single: entries of one token, or of none, which are units anyway.
    """

    entries_En: tuple[I64, ...]
    continues_V: Bools
    unknown: tuple[str, ...]
    single: tuple[str, ...]

    @staticmethod
    def read(tokenizer: Tokenizer, files: Sequence[Path]) -> "Lexicon":
        """Read word lists.

        Raises:
            DataError: a file that cannot be read, or nothing in all of them that can be matched.
        """
        entries = list(dict.fromkeys(read_words(files, "lexicon")))
        coded = tokenizer.encode(entries)
        unknown = tuple(e for e, ids in zip(entries, coded, strict=True) if tokenizer.unk in ids)
        single = tuple(e for e, ids in zip(entries, coded, strict=True) if len(ids) < 2 and tokenizer.unk not in ids)
        # A vocabulary that marks spaces has other ids for an entry after a space than at the start of a text.
        spaced = tokenizer.encode([f" {entry}" for entry in entries])
        rows = {tuple(ids.tolist()) for ids in chain(coded, spaced) if len(ids) > 1 and tokenizer.unk not in ids}
        if not rows:
            raise DataError(
                f"{', '.join(map(str, files))}: of {len(entries)} entries none can be matched "
                f"({len(unknown)} unknown to the vocabulary, {len(single)} of a single token). Give phrases of two "
                "tokens or more, one a line."
            )
        lengths = sorted({len(row) for row in rows})
        tables = tuple(np.array(sorted(row for row in rows if len(row) == n), dtype=np.int64) for n in lengths)
        return Lexicon(tables, continues_vocabulary(tokenizer), unknown, single)

    @cached_property
    def fingerprint(self) -> str:
        return fingerprint.of_value([entries_En.tolist() for entries_En in self.entries_En])

    def lines(self) -> list[str]:
        """What was taken and what was not, for people."""
        found = [f"{sum(map(len, self.entries_En)):,} phrases of {self.entries_En[0].shape[1]} tokens and more"]
        for what, entries in (("unknown to the vocabulary", self.unknown), ("of a single token", self.single)):
            if entries:
                shown = ", ".join(entries[:_SHOWN]) + (", …" if len(entries) > _SHOWN else "")
                found.append(f"{len(entries):,} entries {what} mark nothing: {shown}")
        return found

    def continues(self, ids_T: NDArray[Any], sentences_S1: I64) -> Bools:
        """Whether each token continues the phrase of the token before it.

        Args:
            ids_T: tokens of some sentences, end to end.
            sentences_S1: where each sentence starts, and where the last one ends.
        """
        continues_T = np.zeros(len(ids_T), dtype=np.bool_)
        for first, last in pairwise(_chunks(sentences_S1)):
            begin, end = sentences_S1[first], sentences_S1[last]
            start_M, length_M = self._matches(ids_T[begin:end], sentences_S1[first : last + 1] - begin)
            for place in range(1, length_M.max(initial=0)):
                continues_T[begin + start_M[length_M > place] + place] = True
        return continues_T

    def _matches(self, ids_T: NDArray[Any], sentences_S1: I64) -> tuple[I64, I64]:
        """Start and length of each match that counts, in order."""
        found = [self._of_length(ids_T, sentences_S1, entries_En) for entries_En in self.entries_En]
        start_M = np.concatenate(found)
        length_M = np.repeat([entries_En.shape[1] for entries_En in self.entries_En], [len(starts) for starts in found])
        order_M = np.lexsort((-length_M, start_M))
        kept, free_from = [], 0
        for match, start, length in zip(order_M, start_M[order_M].tolist(), length_M[order_M].tolist(), strict=True):
            if start >= free_from:
                kept.append(match)
                free_from = start + length
        kept_M = np.array(kept, dtype=np.int64)
        return start_M[kept_M], length_M[kept_M]

    def _of_length(self, ids_T: NDArray[Any], sentences_S1: I64, entries_En: I64) -> I64:
        """Where the entries of one length stand, overlapping ones included."""
        n = entries_En.shape[1]
        opens_V = np.zeros(len(self.continues_V), dtype=np.bool_)
        opens_V[entries_En[:, 0]] = True
        start_M = np.flatnonzero(opens_V[ids_T[: max(0, len(ids_T) - n + 1)]])
        end_M = sentences_S1[np.searchsorted(sentences_S1, start_M, side="right")]
        inside = start_M + n <= end_M
        start_M, end_M = start_M[inside], end_M[inside]
        follows_M = np.minimum(start_M + n, len(ids_T) - 1)
        whole = (start_M + n == end_M) | ~self.continues_V[ids_T[follows_M]]
        whole &= np.isin(start_M, sentences_S1) | ~self.continues_V[ids_T[start_M]]
        start_M = start_M[whole]
        return start_M[_rows_in(entries_En, ids_T, start_M)]


def _chunks(sentences_S1: I64) -> list[int]:
    """Cuts between sentences, first and last included, about `_TOKENS_AT_ONCE` apart: memory does not grow with T."""
    wished = np.arange(0, sentences_S1[-1], _TOKENS_AT_ONCE)
    cuts: list[int] = np.unique(np.searchsorted(sentences_S1, wished)).tolist()
    return [*cuts, len(sentences_S1) - 1]


def _rows_in(entries_En: I64, ids_T: NDArray[Any], start_M: I64) -> Bools:
    """Whether the n ids from each start on are an entry: by a hash of the ids, then by the ids themselves."""
    hash_E = _hash(list(entries_En.T))
    order_E = np.argsort(hash_E, kind="stable")
    n = entries_En.shape[1]
    hash_M = _hash([ids_T[start_M + place] for place in range(n)])
    nearest_M = order_E[np.minimum(np.searchsorted(hash_E[order_E], hash_M), len(order_E) - 1)]
    found_M = hash_E[nearest_M] == hash_M
    for place in range(n):
        found_M &= entries_En[nearest_M, place] == ids_T[start_M + place]
    return found_M


def _hash(columns: Sequence[NDArray[Any]]) -> NDArray[np.uint64]:
    total = np.zeros(len(columns[0]), dtype=np.uint64)
    for column in columns:
        total = (total + column.astype(np.uint64) + np.uint64(1)) * _BASE
        total ^= total >> np.uint64(29)
    return total
