"""A tokenised corpus on disk, read through memory maps.

Letters: D documents, S sentences.
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
from tokenization.shard_writer import documents_name, ids_name, sentences_name

I64 = NDArray[np.int64]

HELD_OUT = "held_out.npy"


@dataclass(frozen=True)
class Shard:
    """One shard, mapped.

    Attributes:
        first_token, first_document: global coordinates of its start.
        ids: the tokens, uint16 or uint32.
        sentences_S1: uint32, where each sentence starts among the shard's tokens.
        documents_D1: uint32, where each document starts among the shard's sentences.
    """

    first_token: int
    first_document: int
    ids: NDArray[Any]
    sentences_S1: NDArray[np.uint32]
    documents_D1: NDArray[np.uint32]


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
            self._mapped[number] = Shard(
                first_token=self._token_starts[number],
                first_document=self._document_starts[number],
                ids=np.memmap(self.folder / ids_name(number), dtype=self.manifest.dtype, mode="r"),
                sentences_S1=np.load(self.folder / sentences_name(number), mmap_mode="r"),
                documents_D1=np.load(self.folder / documents_name(number), mmap_mode="r"),
            )
        return self._mapped[number]

    def tokens(self, start: int, stop: int) -> I64:
        """A copy of the ids start … stop - 1, in global coordinates, within one shard as every document is."""
        number = bisect_right(self._token_starts, start, hi=len(self.manifest.shards)) - 1
        shard = self.shard(number)
        first, last = start - shard.first_token, stop - shard.first_token
        assert 0 <= first <= last <= len(shard.ids), "a span of tokens crosses a shard or leaves the corpus"
        return np.array(shard.ids[first:last], dtype=np.int64)

    def span(self, document: int) -> tuple[int, int]:
        """The global tokens start, stop of a document."""
        number = bisect_right(self._document_starts, document, hi=len(self.manifest.shards)) - 1
        shard = self.shard(number)
        inside = document - shard.first_document
        first, last = shard.documents_D1[inside : inside + 2]
        return (shard.first_token + int(shard.sentences_S1[first]), shard.first_token + int(shard.sentences_S1[last]))

    @cached_property
    def is_held_out_D(self) -> NDArray[np.bool_]:
        """Whether each document is held out of training; mapped."""
        held_out: NDArray[np.bool_] = np.load(self.folder / HELD_OUT, mmap_mode="r")
        return held_out

    def documents(self, held_out: bool) -> I64:
        """The numbers of the documents that are held out, or of those that are trained on."""
        return np.flatnonzero(self.is_held_out_D == held_out)


def _starts(sizes: Iterable[int]) -> list[int]:
    return [0, *accumulate(sizes)]
