"""What a head is given to read.

Shape letters: M rows, P runs of rows, K layers (the embeddings first), D width.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Reading:
    """The rows of all selections of a head, end to end.

    Attributes:
        rows_MD: of the last layer, or of the pooler.
        runs_P1: int64 on the CPU, as in `Selection`; of selections without runs every row is its own.
        sides_M: int64, as in `Selection`; zeros where a selection tells none.
        layers_KMD: the same rows of every layer, for the heads that mix them; else None.
        words_MD: the word embeddings of the rows, for the heads that read them beside; else None.
    """

    rows_MD: Tensor
    runs_P1: Tensor
    sides_M: Tensor
    layers_KMD: Tensor | None = None
    words_MD: Tensor | None = None
