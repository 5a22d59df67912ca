"""What is kept of a document to find its duplicates by: 4 bytes per n-gram and a signature, on disk, unit by unit.

exact.bin: 128 bits (blake2b) of each document's text with every run of white space as one space: copies that differ in
line breaks are equal, all else counts. With near duplicates also ngrams.bin: each document's set of n-gram hashes,
ascending, cut to 32 bits (two sets of a hundred thousand share two or three by chance, which no similarity shows);
ends.bin: 0 and where each set ends in it; signatures.bin: the sets' MinHash signatures (datasketch). A document of
fewer units than an n-gram has an empty set: it can only be an exact duplicate.

Letters: D documents, G n-grams, P permutations.
"""

import hashlib
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tokenization import atomic
from tokenization.cleaning.buckets import changes
from tokenization.cleaning.ngrams import U64, hash_ngrams, hash_units
from tokenization.cleaning.spec import CleanSpec

if TYPE_CHECKING:
    from datasketch import MinHash

U32 = NDArray[np.uint32]

_EXACT, _NGRAMS, _ENDS, _SIGNATURES = "exact.bin", "ngrams.bin", "ends.bin", "signatures.bin"
# N-grams permuted at once: what fits the cache.
_AT_ONCE = 1024


def write_sketches(texts: Iterable[str], folder: Path, clean: CleanSpec) -> None:
    """Sketch the documents of a unit, in order, into a folder, which takes its place when it is whole.

    Memory holds one document at a time.
    """
    with atomic.aside(folder) as temporary, ExitStack() as stack:
        temporary.mkdir()
        names = (_EXACT, _NGRAMS, _ENDS, _SIGNATURES) if clean.near else (_EXACT,)
        exact, *near = [stack.enter_context(open(temporary / name, "wb")) for name in names]
        empty = _empty_signature(clean.near.permutations) if clean.near else None
        if near:
            near[1].write(np.uint64(0).tobytes())
        end = 0
        for text in texts:
            exact.write(exact_hash(text))
            if clean.near and empty:
                ngrams_G = ngram_set(text, clean.near.ngram)
                end += len(ngrams_G)
                for file, values in zip(near, (ngrams_G, np.uint64(end), _signature(empty, ngrams_G)), strict=True):
                    file.write(values.tobytes())


def exact_hash(text: str) -> bytes:
    """16 bytes that are equal for documents that differ in white space alone."""
    return hashlib.blake2b(" ".join(text.split()).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def ngram_set(text: str, length: int) -> U32:
    """The set of a document's n-grams, ascending."""
    ngrams_G = np.sort(hash_ngrams(hash_units(text).hashes_U, length).astype(np.uint32))
    return ngrams_G[changes(ngrams_G)]


def jaccard(one_G: U32, other_G: U32) -> float:
    """The share of two sets' elements that both have; 0 for empty ones."""
    shared = len(np.intersect1d(one_G, other_G, assume_unique=True))
    return shared / max(1, len(one_G) + len(other_G) - shared)


def _empty_signature(permutations: int) -> "MinHash":
    from datasketch import MinHash  # takes half a second, which nobody should wait for who sketches nothing

    # With an identity for a hash function, hashes that are handed over as one array are permuted by numpy at once.
    return MinHash(permutations, scheme="affine32", hashfunc=np.asarray)


def _signature(empty: "MinHash", ngrams_G: U32) -> U32:
    signature = empty.copy()
    for start in range(0, len(ngrams_G), _AT_ONCE):
        signature.update_batch([ngrams_G[start : start + _AT_ONCE]])
    return np.asarray(signature.hashvalues, dtype=np.uint32)


@dataclass(frozen=True)
class Sketches:
    """The sketches of a unit, read where needed.

    Attributes:
        folder: what `write_sketches` wrote.
        permutations: the signatures' length; 0 where there are none.
    """

    folder: Path
    permutations: int

    @property
    def count(self) -> int:
        """How many documents."""
        return (self.folder / _EXACT).stat().st_size // 16

    @cached_property
    def exact_D2(self) -> U64:
        """The exact hashes, in two halves; mapped."""
        return _mapped(self.folder / _EXACT, np.uint64).reshape(-1, 2)

    @cached_property
    def signatures_DP(self) -> U32:
        """The signatures; mapped, for those of single documents."""
        return _mapped(self.folder / _SIGNATURES, np.uint32).reshape(-1, self.permutations)

    def read_signatures(self, first: int, stop: int) -> U32:
        """A copy of the signatures first … stop - 1: what is mapped and read through counts as a process's memory."""
        width = self.permutations
        values = np.fromfile(
            self.folder / _SIGNATURES, dtype=np.uint32, offset=4 * width * first, count=(stop - first) * width
        )
        return values.reshape(-1, width)

    def ngrams(self, document: int) -> U32:
        """The n-gram set of a document."""
        start, stop = int(self._ends_D1[document]), int(self._ends_D1[document + 1])
        return np.fromfile(self.folder / _NGRAMS, dtype=np.uint32, offset=4 * start, count=stop - start)

    def has_ngrams(self, first: int, stop: int) -> NDArray[np.bool_]:
        """Which of the documents first … stop - 1 have any n-gram."""
        ends = self._ends_D1[first : stop + 1]
        return ends[1:] != ends[:-1]

    @cached_property
    def _ends_D1(self) -> U64:
        return _mapped(self.folder / _ENDS, np.uint64)


def _mapped(path: Path, kind: type[np.generic]) -> NDArray:
    """A file as an array; an empty file cannot be mapped."""
    return np.memmap(path, dtype=kind, mode="r") if path.stat().st_size else np.empty(0, dtype=kind)
