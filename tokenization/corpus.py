"""A tokenised corpus on disk, read through memory maps.

Letters: T tokens, D documents, S sentences; a 1 after a letter: one more, for bounds.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenization.manifest import CorpusManifest, read_manifest, verify_files
from tokenization.shard_files import (
    COUNT,
    LENGTH,
    bounds,
    documents_name,
    ids_name,
    lengths_name,
    mapped,
    words_name,
)

I64 = NDArray[np.int64]

HELD_OUT = "held_out.npy"
TIMES = "times.npy"


@dataclass(frozen=True)
class Shard:
    """One shard, mapped.

    Attributes:
        first_token, first_document: global coordinates of its start.
        ids: the tokens, uint16 or uint32.
        lengths_S: uint16, the tokens of each sentence.
        counts_D: uint32, the sentences of each document.
        words: a bit for each token, packed, lowest first: it continues the word of the token before; None where the
            corpus has no segmenter.
    """

    first_token: int
    first_document: int
    ids: NDArray[Any]
    lengths_S: NDArray[np.uint16]
    counts_D: NDArray[np.uint32]
    words: NDArray[np.uint8] | None

    @property
    def sentences_S1(self) -> I64:
        """Where each sentence starts among the shard's tokens; summed at each call."""
        return bounds(self.lengths_S)


class Corpus:
    """A finished corpus. Opening costs the same at any size: what is read is mapped when it is first needed.

    Attributes:
        folder: where it lies.
        manifest: what it holds.
        fingerprint: its content address.
        read_only: nothing may be written beside it, such as an index.
    """

    def __init__(self, folder: Path, manifest: CorpusManifest, read_only: bool = False) -> None:
        self.folder = folder
        self.read_only = read_only
        self.manifest = manifest
        self.fingerprint = manifest.fingerprint
        self._token_starts = _starts(shard.tokens for shard in manifest.shards)
        self._document_starts = _starts(shard.documents for shard in manifest.shards)
        self._mapped: dict[int, Shard] = {}

    @classmethod
    def open(cls, folder: Path, checksums: bool = False, read_only: bool = False) -> "Corpus":
        """Open a corpus and compare its files with its manifest, by size or by every byte.

        Raises:
            DataError: not a finished corpus, or a file is missing, cut short or changed.
        """
        manifest = read_manifest(folder)
        verify_files(folder, manifest, checksums)
        return cls(folder, manifest, read_only)

    def shard(self, number: int) -> Shard:
        """A shard's maps."""
        if number not in self._mapped:
            folder, has_words = self.folder, self.manifest.segmenter is not None
            self._mapped[number] = Shard(
                first_token=self._token_starts[number],
                first_document=self._document_starts[number],
                ids=mapped(folder / ids_name(number), self.manifest.dtype),
                lengths_S=mapped(folder / lengths_name(number), LENGTH),
                counts_D=mapped(folder / documents_name(number), COUNT),
                words=mapped(folder / words_name(number), "u1") if has_words else None,
            )
        return self._mapped[number]

    def tokens(self, start: int, stop: int) -> I64:
        """A copy of the ids start … stop - 1, in global coordinates, within one shard as every document is."""
        shard, first, last = self._inside(start, stop)
        return np.array(shard.ids[first:last], dtype=np.int64)

    @cached_property
    def is_held_out_D(self) -> NDArray[np.bool_]:
        """Whether each document is held out of training; mapped."""
        held_out: NDArray[np.bool_] = np.load(self.folder / HELD_OUT, mmap_mode="r")
        return held_out

    @cached_property
    def times_D(self) -> NDArray[np.uint16]:
        """How often an epoch sees each document that is not held out, by the weight of its source; mapped."""
        if not (self.folder / TIMES).is_file():
            return np.broadcast_to(np.uint16(1), self.manifest.counts.documents)
        times: NDArray[np.uint16] = np.load(self.folder / TIMES, mmap_mode="r")
        return times

    def _inside(self, start: int, stop: int) -> tuple[Shard, int, int]:
        shard = self.shard(self._holding(self._token_starts, start))
        first, last = start - shard.first_token, stop - shard.first_token
        assert 0 <= first <= last <= len(shard.ids), "a span of tokens crosses a shard or leaves the corpus"
        return shard, first, last

    def _holding(self, starts: list[int], place: int) -> int:
        return bisect_right(starts, place, hi=len(self.manifest.shards)) - 1


def _starts(sizes: Iterable[int]) -> list[int]:
    return [0, *accumulate(sizes)]
