"""What is counted over the windows of a corpus, shard by shard, while they are cut.

Letters: P windows that can be split in two, D documents.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]


@dataclass(frozen=True)
class Summary:
    """An index as a whole; 0 where there are too few windows to say.

    Attributes:
        windows, pairs: how many there are, and how many of them can be split in two.
        mean_length, longest: content tokens of its windows.
        pair_mean_length: the mean of those that can be split in two.
        pair_documents: the documents that these are cut from.
        pair_same_document: the chance that two of these, drawn without replacement, are of one document.
    """

    windows: int
    pairs: int
    mean_length: float
    longest: int
    pair_mean_length: float
    pair_documents: int
    pair_same_document: float


@dataclass
class Counted:
    """Counts so far; no document crosses a shard."""

    windows: int = 0
    tokens: int = 0
    longest: int = 0
    pairs: int = 0
    pair_tokens: int = 0
    pair_documents: int = 0
    couples: int = 0  # ordered, of two splittable windows of one document

    def add(self, table: NDArray[np.void]) -> I64:
        """Count some windows; the places, among all, of those that can be split."""
        pairs_P = np.flatnonzero(table["split"] > 0)
        count_D = np.unique(table["document"][pairs_P], return_counts=True)[1].astype(np.int64)
        places_P = pairs_P + self.windows
        self.windows += len(table)
        self.tokens += int(table["length"].sum(dtype=np.int64))
        self.longest = max(self.longest, int(table["length"].max(initial=0)))
        self.pairs += len(pairs_P)
        self.pair_tokens += int(table["length"][pairs_P].sum(dtype=np.int64))
        self.pair_documents += len(count_D)
        self.couples += int((count_D * (count_D - 1)).sum())
        return places_P

    def summary(self) -> Summary:
        return Summary(
            windows=self.windows,
            pairs=self.pairs,
            mean_length=self.tokens / self.windows if self.windows else 0.0,
            longest=self.longest,
            pair_mean_length=self.pair_tokens / self.pairs if self.pairs else 0.0,
            pair_documents=self.pair_documents,
            pair_same_document=self.couples / (self.pairs * (self.pairs - 1)) if self.pairs > 1 else 0.0,
        )
