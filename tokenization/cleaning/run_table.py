"""Hashes of runs of units, looked up by the thousand: which of a document's runs are an example's?

Letters: G runs in the table, Q runs asked for.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tokenization.cleaning.code_points import U8
from tokenization.cleaning.ngrams import I64, U64

# Bits of the filter for each run in the table: at most one stranger in sixteen goes past it.
_BITS_EACH = 16


@dataclass(frozen=True)
class RunTable:
    """Hashes of runs, ascending, each with the first text and unit where it stands.

    Attributes:
        filter: a bit for each value of a hash's highest bits, 1 where the table has such a hash. It fits the cache,
            as the hashes do not, and nearly all lookups end there.
        filter_bits: how many of a hash's highest bits those are.
    """

    hashes_G: U64
    texts_G: NDArray[np.uint32]
    places_G: NDArray[np.uint32]
    lengths_G: NDArray[np.uint32]
    filter: U8
    filter_bits: int

    def find(self, hashes_Q: U64) -> tuple[I64, I64]:
        """Which of the hashes are in the table, and at which of its rows."""
        bits_Q = hashes_Q >> np.uint64(64 - self.filter_bits)
        may_be_Q = self.filter[bits_Q >> np.uint64(3)] >> (bits_Q & np.uint64(7)).astype(np.uint8) & 1
        asked = np.flatnonzero(may_be_Q)
        rows = np.searchsorted(self.hashes_G, hashes_Q[asked])
        rows = np.minimum(rows, len(self.hashes_G) - 1)
        found = np.flatnonzero(self.hashes_G[rows] == hashes_Q[asked])
        return asked[found], rows[found]


def make_table(hashes: U64, texts: I64, places: I64, lengths: I64) -> RunTable:
    """The table of these runs; of equal hashes the first."""
    hashes_G, first = np.unique(hashes, return_index=True)
    filter_bits = max(3, (_BITS_EACH * len(hashes_G)).bit_length())
    present = np.zeros(1 << filter_bits, dtype=np.bool_)
    present[hashes_G >> np.uint64(64 - filter_bits)] = True
    texts_G, places_G, lengths_G = (column[first].astype(np.uint32) for column in (texts, places, lengths))
    return RunTable(hashes_G, texts_G, places_G, lengths_G, np.packbits(present, bitorder="little"), filter_bits)
