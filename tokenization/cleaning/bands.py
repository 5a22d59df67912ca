"""Signatures cut into bands: two documents that agree on a whole band are candidates (Leskovec et al., chapter 3).

Each place of two MinHash signatures agrees with probability J, their sets' Jaccard similarity, so that at least one of
b bands of r places agrees with probability 1 - (1 - J^r)^b. Candidates are verified, so that more of them cost time
alone: the bands are the longest that miss at most 1 of 200 pairs at the threshold itself (fewer above it).

Letters: D documents, P permutations, B bands.
"""

import numpy as np
from numpy.typing import NDArray

from tokenization.cleaning.ngrams import U64, mixed

RECALL = 0.995
_BASE = 0x9E3779B97F4A7C15


def recall(similarity: float, bands: int, rows: int) -> float:
    """How likely two documents of this similarity become candidates."""
    return float(1.0 - (1.0 - similarity**rows) ** bands)


def choose_bands(threshold: float, permutations: int) -> tuple[int, int]:
    """The number of bands and their length."""
    fit = [rows for rows in range(1, permutations + 1) if recall(threshold, permutations // rows, rows) >= RECALL]
    rows = max(fit, default=1)
    return permutations // rows, rows


def band_keys(signatures_DP: NDArray[np.uint32], bands: int, rows: int) -> U64:
    """A 64-bit hash of each band of each signature, shape [D, B]."""
    places_DBR = signatures_DP[:, : bands * rows].reshape(-1, bands, rows).astype(np.uint64)
    powers_R = np.array([pow(_BASE, row, 1 << 64) for row in range(rows)], dtype=np.uint64)
    return mixed((places_DBR * powers_R).sum(axis=2, dtype=np.uint64))
