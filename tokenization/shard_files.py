"""What a shard's files are called and hold: little-endian, without headers; a file's size says how long it is.

    ids-NNNNN.bin         uint16 [T] (uint32 where the vocabulary needs it): the tokens of all documents, end to end
    lengths-NNNNN.bin     uint16 [S]: tokens of each sentence, at least 1; a longer sentence is stored as several
    documents-NNNNN.bin   uint32 [D]: sentences of each document, at least 1
    words-NNNNN.bin       uint8 [⌈T / 8⌉], lowest bit first: does token t continue the word of the token before?

A document never crosses a shard. There are `words` only where the corpus has a segmenter. Lengths are stored, not
offsets: they take a quarter of the bytes, and whoever needs offsets sums a shard's lengths in no time.

Letters: T tokens, S sentences, D documents.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

LENGTH = np.dtype("<u2")
COUNT = np.dtype("<u4")
LONGEST_SENTENCE = 2**16 - 1


def ids_name(shard: int) -> str:
    return f"ids-{shard:05d}.bin"


def lengths_name(shard: int) -> str:
    return f"lengths-{shard:05d}.bin"


def documents_name(shard: int) -> str:
    return f"documents-{shard:05d}.bin"


def words_name(shard: int) -> str:
    return f"words-{shard:05d}.bin"


def is_words_name(name: str) -> bool:
    """Whether a file of that name holds bounds of words."""
    return name.startswith("words-")


def mapped(path: Path, dtype: np.dtype[Any] | str) -> NDArray[Any]:
    """A file of one type, mapped; an empty file, which no system maps, is an empty array."""
    if path.stat().st_size == 0:
        return np.empty(0, dtype=dtype)
    return np.memmap(path, dtype=dtype, mode="r")


def bounds(lengths: NDArray[Any]) -> NDArray[np.int64]:
    """Where each of consecutive pieces starts, and where the last one ends: one number more than lengths."""
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
