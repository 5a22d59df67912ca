"""What a head is given to read.

Shape letters: M rows, U = M / 2 of one direction, P runs of rows, K layers (the embeddings first), D width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
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


def side_by_side(reading: Reading) -> Reading:
    """Each row of side 0 and its twin of side 1: [forward; backward], of every layer (Peters et al. 2018, section 3.2).

    Args:
        reading: each run has its rows twice, first those of side 0, then in the same order those of side 1.

    Returns:
        rows (U, 2 D) and layers (K, U, 2 D), in runs of half the length; words (U, D), which know no direction.
    """
    first_U, second_U = (torch.nonzero(reading.sides_M == side)[:, 0] for side in (0, 1))

    def joined(rows_MD: Tensor) -> Tensor:
        return torch.cat([rows_MD.index_select(-2, first_U), rows_MD.index_select(-2, second_U)], dim=-1)

    return Reading(
        rows_MD=joined(reading.rows_MD),
        runs_P1=reading.runs_P1 // 2,
        sides_M=reading.sides_M.index_select(0, first_U),
        layers_KMD=None if reading.layers_KMD is None else joined(reading.layers_KMD),
        words_MD=None if reading.words_MD is None else reading.words_MD.index_select(0, first_U),
    )
