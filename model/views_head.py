"""The auxiliary heads of cross-view training: one linear layer for each restricted view of a sequence.

Shape letters: M rows, D width, C classes, V views.
"""

from __future__ import annotations

from typing import Literal, get_args

from torch import Tensor, nn

from model.config import EncoderConfig
from model.reading import Reading

View = Literal["left", "right", "near"]
VIEWS: tuple[View, ...] = get_args(View)
FULL = 0
"""The side of a row of the full view; the view `VIEWS[i]` is side i + 1."""


class ViewsHead(nn.Module):
    """Dropout and one linear layer a view (Clark et al. 2018, section 3.2); all are there, whichever are asked for."""

    def __init__(self, config: EncoderConfig, size: int) -> None:
        super().__init__()
        self.dropout = nn.Dropout(config.dropout)
        self.size = size
        self.linear = nn.Linear(config.hidden, len(VIEWS) * size)

    def forward(self, reading: Reading) -> Tensor:
        """(M, D) → (M, C), each row by the layer of its side; what it says of the full view is not used."""
        logits_MVC = self.linear(self.dropout(reading.rows_MD)).unflatten(1, (len(VIEWS), self.size))
        view_M = (reading.sides_M - 1).clamp(min=0)
        return logits_MVC.take_along_dim(view_M[:, None, None], dim=1)[:, 0]


def side_of(view: View) -> int:
    """The side of the rows of a restricted view."""
    return 1 + VIEWS.index(view)
