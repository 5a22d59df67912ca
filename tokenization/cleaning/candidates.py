"""All units' sketches as one corpus: the keys that make documents candidates, and whether candidates are duplicates.

Keys are the exact hash and a hash of each band of the signature (`bands`). Of two candidates the exact hashes must be
equal, or the true Jaccard similarity of their n-gram sets must reach the threshold. Sets are not read where the
signatures agree in so few places that this is out of the question: by more than 4 standard deviations of their
estimate, sqrt(J(1 - J)/P).

Letters: D documents, U units, C candidates, P permutations.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokenization.cleaning.bands import band_keys, choose_bands
from tokenization.cleaning.buckets import Partitions
from tokenization.cleaning.ngrams import I64
from tokenization.cleaning.sketch import Sketches, jaccard
from tokenization.cleaning.spec import CleanSpec

_AT_ONCE = 1 << 12


@dataclass(frozen=True)
class Found:
    """The document that another is a duplicate of.

    Attributes:
        kept: its number.
        exact: whether the two are equal but for white space.
        similarity: the Jaccard similarity of their n-grams, 1 where they are equal.
    """

    kept: int
    exact: bool
    similarity: float


class SketchedCorpus:
    """The sketches of all units; documents are numbered through, in the units' order.

    Attributes:
        documents: how many.
        keys: how many kinds of keys a document has.
    """

    def __init__(self, folders: Sequence[Path], clean: CleanSpec) -> None:
        self._exact, self._near = clean.exact, clean.near
        permutations = clean.near.permutations if clean.near else 0
        self._bands, self._rows = choose_bands(clean.near.threshold, permutations) if clean.near else (0, 0)
        self._units = [Sketches(folder, permutations) for folder in folders]
        self._starts_U1 = np.cumsum([0, *(unit.count for unit in self._units)])
        self.documents = int(self._starts_U1[-1])
        self.keys = int(self._exact) + self._bands

    def place(self, document: int) -> tuple[int, int]:
        """A document's unit and its number within it."""
        unit = int(np.searchsorted(self._starts_U1, document, side="right")) - 1
        return unit, document - int(self._starts_U1[unit])

    def add_keys(self, unit: int, partitions: Partitions) -> None:
        """Write the keys of a unit's documents; a document without n-grams has no bands."""
        sketches, first = self._units[unit], int(self._starts_U1[unit])
        for start in range(0, sketches.count, _AT_ONCE):
            stop = min(start + _AT_ONCE, sketches.count)
            documents_D = np.arange(first + start, first + stop)
            if self._exact:
                partitions.add(0, sketches.exact_D2[start:stop, 0], documents_D)
            if self._near:
                has_D = sketches.has_ngrams(start, stop)
                keys_DB = band_keys(sketches.read_signatures(start, stop)[has_D], self._bands, self._rows)
                for band in range(self._bands):
                    partitions.add(int(self._exact) + band, keys_DB[:, band], documents_D[has_D])

    def first_like(self, document: int, candidates_C: I64) -> Found | None:
        """The first of these documents, which ascend, that this one is a duplicate of."""
        for start in range(0, len(candidates_C), _AT_ONCE):
            some_C = candidates_C[start : start + _AT_ONCE]
            equal_C = self._equal(document, some_C)
            for index in np.flatnonzero(equal_C | self._promising(document, some_C)).tolist():
                kept = int(some_C[index])
                if equal_C[index]:
                    return Found(kept, True, 1.0)
                similarity = jaccard(self._ngrams(document), self._ngrams(kept))
                if self._near and similarity >= self._near.threshold:
                    return Found(kept, False, similarity)
        return None

    def _equal(self, document: int, candidates_C: I64) -> NDArray[np.bool_]:
        if not self._exact:
            return np.zeros(len(candidates_C), dtype=np.bool_)
        (own,) = self._gathered(np.array([document]), lambda unit: unit.exact_D2)
        return (self._gathered(candidates_C, lambda unit: unit.exact_D2) == own).all(axis=1)

    def _promising(self, document: int, candidates_C: I64) -> NDArray[np.bool_]:
        if not self._near:
            return np.zeros(len(candidates_C), dtype=np.bool_)
        (own,) = self._gathered(np.array([document]), lambda unit: unit.signatures_DP)
        estimates_C = (self._gathered(candidates_C, lambda unit: unit.signatures_DP) == own).mean(axis=1)
        threshold = self._near.threshold
        return estimates_C >= threshold - 4 * math.sqrt(threshold * (1 - threshold) / self._near.permutations)

    def _gathered(self, documents_C: I64, rows_of: Callable[[Sketches], NDArray]) -> NDArray:
        """A row of each of these documents."""
        units_C = np.searchsorted(self._starts_U1, documents_C, side="right") - 1
        parts = [
            rows_of(self._units[unit])[documents_C[units_C == unit] - self._starts_U1[unit]]
            for unit in np.unique(units_C)
        ]
        return np.concatenate(parts)

    def _ngrams(self, document: int) -> NDArray[np.uint32]:
        unit, inside = self.place(document)
        return self._units[unit].ngrams(inside)
