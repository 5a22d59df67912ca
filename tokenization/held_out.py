"""Which documents are held out: by their content, so that they stay held out when the corpus grows.

Letter: D documents.
"""

import hashlib

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
    return content < int(share * 2.0**64)


def choose_held_out(hashes_D: U64, share: float) -> NDArray[np.bool_]:
    """Mark the documents held out of training.

    All whose hash lies in the lowest `share` of the range; where these are fewer than 4 (fewer than 1 in a corpus of
    under 8 documents), those of the lowest hashes. None where `share` is 0 or where all documents are equal.
    """
    count = len(hashes_D)
    if share == 0 or count < 2:
        return np.zeros(count, dtype=np.bool_)
    fewest = _FEW if count >= _TINY else 1
    by_share_D = np.asarray([below_share(int(content), share) for content in hashes_D], dtype=np.bool_)
    lowest_D = hashes_D <= np.partition(hashes_D, fewest - 1)[fewest - 1]
    chosen_D = by_share_D if by_share_D.sum() >= fewest else lowest_D
    # A tiny corpus may lie below the share as a whole; something must be left to train on.
    if chosen_D.all():
        chosen_D = hashes_D <= hashes_D.min()
    return np.zeros(count, dtype=np.bool_) if chosen_D.all() else chosen_D
