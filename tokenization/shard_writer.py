"""Writing tokenised documents as shards.

Shard i is `ids-i.bin` (the ids end to end), `sentences-i.npy` (uint32 [S + 1]: where each sentence starts among the
shard's tokens) and `documents-i.npy` (uint32 [D + 1]: where each document starts among its sentences). A document
never crosses a shard.

Letters: D documents, S sentences.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokenization.errors import DataError
from tokenization.manifest import ShardEntry

I64 = NDArray[np.int64]
_LIMIT = 2**32 - 1


def ids_name(shard: int) -> str:
    return f"ids-{shard:05d}.bin"


def sentences_name(shard: int) -> str:
    return f"sentences-{shard:05d}.npy"


def documents_name(shard: int) -> str:
    return f"documents-{shard:05d}.npy"


class ShardWriter:
    """Takes documents one by one; `close` writes what is left.

    Args:
        shard_tokens: a shard is closed before it would hold more; a longer document is a shard of its own.
    """

    def __init__(self, folder: Path, dtype: str, shard_tokens: int) -> None:
        self._folder = folder
        self._dtype = dtype
        self._shard_tokens = shard_tokens
        self._ids: list[bytes] = []
        self._lengths: list[I64] = []
        self._tokens = 0
        self.shards: list[ShardEntry] = []

    def add(self, ids: I64, lengths_S: I64, origin: str) -> None:
        """Add a document: its ids end to end, and the length of each sentence (at least 1).

        Raises:
            DataError: a document of 2^32 tokens or more.
        """
        if len(ids) > _LIMIT:
            raise DataError(f"{origin}: one document of {len(ids)} tokens; at most {_LIMIT}. Put blank lines between.")
        if self._lengths and self._tokens + len(ids) > self._shard_tokens:
            self._finish_shard()
        self._ids.append(ids.astype(self._dtype).tobytes())
        self._lengths.append(lengths_S)
        self._tokens += len(ids)

    def close(self) -> Sequence[ShardEntry]:
        if self._lengths:
            self._finish_shard()
        return tuple(self.shards)

    def _finish_shard(self) -> None:
        number = len(self.shards)
        with open(self._folder / ids_name(number), "wb") as handle:
            handle.writelines(self._ids)
        sentences = _offsets(np.concatenate(self._lengths))
        documents = _offsets(np.array([len(lengths) for lengths in self._lengths]))
        np.save(self._folder / sentences_name(number), sentences)
        np.save(self._folder / documents_name(number), documents)
        self.shards.append(ShardEntry(len(self._lengths), int(documents[-1]), int(sentences[-1])))
        self._ids, self._lengths, self._tokens = [], [], 0


def _offsets(lengths: I64) -> NDArray[np.uint32]:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.uint32)
