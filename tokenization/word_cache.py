"""Words that the tokenizer has cut already: each has an entry, and each entry a run of the pool.

Legend: W words, E entries.
"""

from array import array

import numpy as np
import tokenizers
from numpy.typing import NDArray

I64 = NDArray[np.int64]

_CHARACTERS = 1 << 22  # the words held take at most about 100 MB
_OVERHEAD = 16  # a word's own cost in characters: its place in the tables
_TOGETHER = 1000  # words given to the tokenizer as one input, which costs half of one input each


class WordCache:
    """The tokens of words, asked of the tokenizer once; when full, it forgets all and begins anew.

    The first entries are the vocabulary's ids themselves, each one token; words follow.

    Attributes:
        ids, places: the pool: tokens of all entries, and where in its word each begins, in characters.
        firsts, counts: by entry, where its run of the pool begins and how many tokens it has.
    """

    def __init__(self, raw: tokenizers.Tokenizer) -> None:
        self._raw = raw
        self._forget()

    def _forget(self) -> None:
        size = self._raw.get_vocab_size()
        self._entries: dict[str, int] = {}
        self._characters = 0
        self.ids, self.places = array("q", range(size)), array("q", bytes(8 * size))
        self.firsts, self.counts = array("q", range(size)), array("q", [1]) * size

    def look_up(self, words: list[str]) -> I64:
        """The entry of each word; good until the next call."""
        if self._characters > _CHARACTERS:
            self._forget()
        entries_W = np.fromiter(map(self._entries.get, words, [-1] * len(words)), np.int64, len(words))
        missed = np.flatnonzero(entries_W < 0).tolist()
        if missed:
            self._learn(list(dict.fromkeys(words[place] for place in missed)))
            entries_W[missed] = [self._entries[words[place]] for place in missed]
        return entries_W

    def _learn(self, words: list[str]) -> None:
        rows = [words[start : start + _TOGETHER] for start in range(0, len(words), _TOGETHER)]
        for row, found in zip(
            rows, self._raw.encode_batch(rows, is_pretokenized=True, add_special_tokens=False), strict=True
        ):
            counts = np.bincount(np.array(found.word_ids, dtype=np.int64), minlength=len(row))
            self._entries.update(zip(row, range(len(self.firsts), len(self.firsts) + len(row)), strict=True))
            self.firsts.extend((len(self.ids) + np.cumsum(counts) - counts).tolist())
            self.counts.extend(counts.tolist())
            self.ids.extend(found.ids)
            self.places.extend(start for start, _ in found.offsets)
        self._characters += sum(map(len, words)) + _OVERHEAD * len(words)
