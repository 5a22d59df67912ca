"""Which documents are held out: by their content, so that they stay held out when the corpus grows.

Letter: D documents.
"""

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

U64 = NDArray[np.uint64]
_FEW = 4
_TINY = 8


def content_hash(text: str) -> int:
    """64 bits of a document's text; equal documents share their fate, so that no copy leaks into training."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def below_share(content: int, share: float) -> bool:
    """Whether a document is held out in every corpus that holds out this share."""
    return content < _share_bound(share)


def held_out_bound(parts: Iterable[U64], share: float) -> int:
    """The number below which a document's hash must lie for the document to be held out; 0 holds none out.

    The lowest `share` of the range; where fewer than 4 documents lie there (fewer than 1 in a corpus of under 8),
    just above the lowest hashes. 0 where `share` is 0 or where all documents are equal.

    Args:
        parts: the hashes of all documents, in pieces, each of which is held in memory alone.
    """
    count, below, greatest, lowest = 0, 0, 0, np.empty(0, dtype=np.uint64)
    for hashes_D in parts:
        count += len(hashes_D)
        below += int(np.count_nonzero(hashes_D < np.uint64(_share_bound(share))))
        greatest = max(greatest, int(hashes_D.max(initial=np.uint64(0))))
        lowest = np.sort(np.concatenate([lowest, np.sort(hashes_D)[:_FEW]]))[:_FEW]
    if share == 0 or count < 2:
        return 0
    fewest = _FEW if count >= _TINY else 1
    bound = _share_bound(share) if below >= fewest else int(lowest[fewest - 1]) + 1
    # A tiny corpus may lie below the bound as a whole; something must be left to train on.
    if greatest < bound:
        bound = int(lowest[0]) + 1
    return 0 if greatest < bound else bound


def _share_bound(share: float) -> int:
    return int(share * 2.0**64)
