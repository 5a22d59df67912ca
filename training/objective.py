"""The Objective: what is asked of sequences, and what the answer costs.

Shape letters: T tokens, M selected rows, C classes, G groups of rows.
"""

import math
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from model.batch import IGNORED
from training.address import Key
from training.sequences import I64, Sequences, Shape


@dataclass(frozen=True)
class Rows:
    """The rows an objective reads, with its labels, groups, runs and sides as in `Selection`.

    `rows_M` are indices into the edited tokens, or into those of the targets where the head is a decoder's.
    """

    rows_M: I64
    labels_M: NDArray[np.int64] | NDArray[np.float32]
    groups_G1: I64 | None = None
    runs_P1: I64 | None = None
    sides_M: I64 | None = None
    of_targets: bool = False


@dataclass(frozen=True)
class Term:
    """A sum of losses (a scalar with its graph) over `count` labels. Nobody divides but the step."""

    sum: Tensor
    count: int


def summed_cross_entropy(logits_MC: Tensor, labels_M: Tensor) -> Term:
    """Cross-entropy summed over the labels that count, in float32; zero with a live graph where there is none."""
    labels_M = labels_M.to(torch.int64)
    total = F.cross_entropy(logits_MC.float(), labels_M, reduction="sum", ignore_index=IGNORED)
    return Term(total, int((labels_M != IGNORED).sum()))


def perplexity(loss: float) -> float:
    """exp of a mean loss in nats; beyond 700 of those a double would not hold it, and no reader tell it apart."""
    return math.exp(min(loss, 700.0))


class Single:
    """What most objectives are: of no further sequences, held against nobody's answers, no autoregressive LM."""

    growth: ClassVar[float] = 1.0
    guide: ClassVar[str] = ""
    autoregressive: ClassVar[bool] = False


class Objective(Protocol):
    """One objective of a stream.

    Attributes:
        name: unique within its stream.
        head: the head that turns its rows into logits.
        edits: whether `apply` changes the sequences; at most one objective of a stream may.
        shapes: the source shapes it can go with.
        growth: how many times as many tokens as the source's it makes at most, a decoder's included; 1 where it adds
            no sequences. Micro-batches are packed by it.
        guide: the head whose answers, without gradient, it is held against; "" for none.
        autoregressive: whether a text's tokens are told one after another, each from those before it, so that exp of
            the mean loss is a perplexity; of a cloze it is none.
    """

    @property
    def name(self) -> str: ...
    @property
    def head(self) -> str: ...
    @property
    def edits(self) -> bool: ...
    @property
    def shapes(self) -> tuple[Shape, ...]: ...
    @property
    def growth(self) -> float: ...
    @property
    def guide(self) -> str: ...
    @property
    def autoregressive(self) -> bool: ...

    def apply(self, sequences: Sequences, key: Key) -> tuple[Sequences, Rows]:
        """Edit the sequences (or hand them back) and name the rows read. Pure in (key, draw)."""
        ...

    def term(self, logits_MC: Tensor, labels_M: Tensor, groups_G1: Tensor | None = None) -> Term:
        """The sum of the losses, in float32, with a live graph also when M = 0; an idle selection has no groups."""
        ...
