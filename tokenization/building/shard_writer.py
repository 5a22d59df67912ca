"""Writing one shard, batch by batch: nothing but the batch at hand is in memory. The files are those of `shard_files`.

Beside them go the content hashes of the documents (`hashes-NNNNN.bin`, uint64 [D]), from which the held-out ones are
chosen once all units are there.

Letters: T tokens, S sentences, D documents.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from tokenization.shard_files import (
    COUNT,
    LENGTH,
    LONGEST_SENTENCE,
    documents_name,
    ids_name,
    lengths_name,
    words_name,
)

I64 = NDArray[np.int64]
HASH = np.dtype("<u8")


def hashes_name(shard: int) -> str:
    return f"hashes-{shard:05d}.bin"


@dataclass(frozen=True)
class Batch:
    """Tokenised documents; every sentence has a token, every document a sentence.

    Attributes:
        ids_T: the tokens, end to end.
        lengths_S: tokens of each sentence.
        counts_D: sentences of each document.
        hashes_D: uint64, the content hash of each document.
        continues_T: whether each token continues the word of the token before; None where no word bounds are stored.
    """

    ids_T: I64
    lengths_S: I64
    counts_D: I64
    hashes_D: NDArray[np.uint64]
    continues_T: NDArray[np.bool_] | None


class ShardWriter:
    """Appends batches to the files of one shard.

    Args:
        dtype: of the ids, `uint16` or `uint32`.
        has_words: whether word bounds are stored.
    """

    def __init__(self, folder: Path, number: int, dtype: str, has_words: bool) -> None:
        self._folder, self._number, self._dtype, self._has_words = folder, number, np.dtype(dtype), has_words
        self._open = ExitStack()
        self._bits = np.empty(0, dtype=np.bool_)
        self.documents = self.sentences = self.tokens = 0

    def __enter__(self) -> "ShardWriter":
        self._ids = self._file(ids_name(self._number))
        self._lengths = self._file(lengths_name(self._number))
        self._counts = self._file(documents_name(self._number))
        self._hashes = self._file(hashes_name(self._number))
        self._words = self._file(words_name(self._number)) if self._has_words else None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._words is not None and kind is None:
            self._words.write(np.packbits(self._bits, bitorder="little").tobytes())
        self._open.close()

    def add(self, batch: Batch) -> None:
        """Append documents."""
        lengths_S, counts_D = _storable(batch.lengths_S, batch.counts_D)
        self._ids.write(batch.ids_T.astype(self._dtype).tobytes())
        self._lengths.write(lengths_S.astype(LENGTH).tobytes())
        self._counts.write(counts_D.astype(COUNT).tobytes())
        self._hashes.write(batch.hashes_D.astype(HASH).tobytes())
        if self._words is not None:
            assert batch.continues_T is not None, "a shard with word bounds is given them with every batch"
            bits = np.concatenate([self._bits, batch.continues_T])
            whole = len(bits) // 8 * 8
            self._words.write(np.packbits(bits[:whole], bitorder="little").tobytes())
            self._bits = bits[whole:]
        self.documents += len(counts_D)
        self.sentences += len(lengths_S)
        self.tokens += len(batch.ids_T)

    def _file(self, name: str) -> BinaryIO:
        return self._open.enter_context(open(self._folder / name, "wb"))


def _storable(lengths_S: I64, counts_D: I64) -> tuple[I64, I64]:
    """Sentences too long for two bytes as several."""
    if not len(lengths_S) or lengths_S.max() <= LONGEST_SENTENCE:
        return lengths_S, counts_D
    pieces_S = -(-lengths_S // LONGEST_SENTENCE)
    pieces = np.full(pieces_S.sum(), LONGEST_SENTENCE)
    pieces[np.cumsum(pieces_S) - 1] = lengths_S - (pieces_S - 1) * LONGEST_SENTENCE
    return pieces, np.add.reduceat(pieces_S, np.cumsum(counts_D) - counts_D)
