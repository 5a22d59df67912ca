"""From the encoder's rows to what each head reads: the parts of all its selections, end to end.

Shape letters: R rows of all selections, M rows of a head, P runs, D width, K layers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from model.batch import Selection
from model.reading import Reading


@dataclass(frozen=True)
class Part:
    """A selection as one head sees it.

    Attributes:
        place: the selection's place in the batch.
        first, rows: where its rows stand among the R.
        guided: whether the head answers it as a guide: the rows of side 0 alone, and without gradient.
    """

    place: int
    selection: Selection
    first: int
    rows: int
    guided: bool = False

    @property
    def answers(self) -> int:
        """Logits rows that the head gives for it."""
        return len(self.guide_rows_G) if self.guided else len(self.selection.labels_M)

    @property
    def guide_rows_G(self) -> Tensor:
        """Which rows of the selection the guide answers."""
        assert self.selection.sides_M is not None, "a guided selection tells sides"
        return torch.nonzero(self.selection.sides_M == 0)[:, 0]


def parts_of(selections: Sequence[tuple[int, Selection]]) -> dict[str, list[Part]]:
    """For each head its own selections in order, then those that it guides."""
    own: dict[str, list[Part]] = {}
    guided: dict[str, list[Part]] = {}
    first = 0
    for place, selection in selections:
        part = Part(place, selection, first, len(selection.rows_M))
        own.setdefault(selection.head, []).append(part)
        if selection.guide:
            guided.setdefault(selection.guide, []).append(replace(part, guided=True))
        first += part.rows
    return {name: own.get(name, []) + guided.get(name, []) for name in (*own, *guided)}


def reading(parts: Iterable[Part], read_RD: Tensor, layers_KRD: Tensor | None, words_RD: Tensor | None) -> Reading:
    """The parts of one head end to end; a reading of no rows for none."""
    rows, runs, sides = [read_RD[:0]], [torch.zeros(1, dtype=torch.int64)], [read_RD.new_zeros(0, dtype=torch.int64)]
    layers = [] if layers_KRD is None else [layers_KRD[:, :0]]
    words = [] if words_RD is None else [words_RD[:0]]
    before = 0
    for part in parts:
        selection, here = part.selection, slice(part.first, part.first + part.rows)
        if part.guided:
            rows.append(read_RD[here].detach().index_select(0, part.guide_rows_G))
            runs.append(before + 1 + torch.arange(part.answers))
            sides.append(sides[0].new_zeros(part.answers))
            before += part.answers
            continue
        rows.append(read_RD[here])
        stops_P = torch.arange(part.rows) + 1 if selection.runs_P1 is None else selection.runs_P1[1:]
        runs.append(before + stops_P)
        before += part.rows
        sides.append(sides[0].new_zeros(part.rows) if selection.sides_M is None else selection.sides_M)
        if layers_KRD is not None:
            layers.append(layers_KRD[:, here])
        if words_RD is not None:
            words.append(words_RD[here])
    return Reading(
        rows_MD=rows[1] if len(rows) == 2 else torch.cat(rows),
        runs_P1=torch.cat(runs),
        sides_M=torch.cat(sides),
        layers_KMD=torch.cat(layers, dim=1) if layers else None,
        words_MD=torch.cat(words) if words else None,
    )
