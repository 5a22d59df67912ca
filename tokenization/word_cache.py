"""Words that the tokenizer has cut already: each has an entry, and each entry a run of the pool.

Legend: W words, L their characters.
"""

from array import array
from itertools import repeat

import numpy as np
import pyarrow as pa
import tokenizers
from numpy.typing import NDArray

I64 = NDArray[np.int64]

_CHARACTERS = 12_000_000  # with their overhead; half a million words, about 100 MB
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
        self._entries: dict[bytes, int] = {}  # keys are UTF-32
        self._characters = 0
        self.ids, self.places = array("q", range(size)), array("q", bytes(8 * size))
        self.firsts, self.counts = array("q", range(size)), array("q", [1]) * size

    def look_up(self, codes_L: NDArray[np.uint32], lengths_W: I64) -> I64:
        """The entry of each word, good until the next call.

        Args:
            codes_L: the words' characters, end to end.
            lengths_W: characters of each word.
        """
        if self._characters > _CHARACTERS:
            self._forget()
        if not len(lengths_W):
            return lengths_W
        stops = np.append(0, codes_L.itemsize * np.cumsum(lengths_W))
        buffers = [None, pa.py_buffer(stops), pa.py_buffer(codes_L)]
        # Arrow finds the different words faster than Python makes a string of each.
        found = pa.Array.from_buffers(pa.large_binary(), len(lengths_W), buffers).dictionary_encode()
        words = found.dictionary.to_pylist()
        entries = np.fromiter(map(self._entries.get, words, repeat(-1)), np.int64, len(words))
        missed = np.flatnonzero(entries < 0)
        entries[missed] = self._learn([words[place] for place in missed])
        return entries[found.indices.to_numpy()]

    def _learn(self, words: list[bytes]) -> range:
        """Give each of some new words an entry; returns the entries."""
        first = len(self.firsts)
        for start in range(0, len(words), _TOGETHER):
            texts = [word.decode("utf-32-le") for word in words[start : start + _TOGETHER]]
            found = self._raw.encode_batch([texts], is_pretokenized=True, add_special_tokens=False)[0]
            counts = np.bincount(np.array(found.word_ids, dtype=np.int64), minlength=len(texts))
            self.firsts.extend((len(self.ids) + np.cumsum(counts) - counts).tolist())
            self.counts.extend(counts.tolist())
            self.ids.extend(found.ids)
            self.places.extend(start for start, _ in found.offsets)
            self._characters += sum(map(len, texts)) + _OVERHEAD * len(texts)
        entries = range(first, len(self.firsts))
        self._entries.update(zip(words, entries, strict=True))
        return entries
