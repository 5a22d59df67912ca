"""Sequence to sequence in one encoder, as a cloze (Dong et al. 2019, "UniLM", sections 2.3 and 2.4).

    [CLS] source [SEP] target [SEP]: the source sees itself both ways, a target token the source and what is left of it

    both     pre-training: masks in source and target, ordinary tokens alone
    target   tuning: masks in the target alone, its [SEP] among them, by which the end is learned; UniLM masks .7

A prefix's rows never hang on the target, so that what is written can be read off mask by mask.

Shape letters: T tokens, N sequences.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from pretrain.attending import attending
from pretrain.masked_lm import MaskedLM
from training.address import Key
from training.objective import Rows, Single, Term
from training.sequences import Sequences, Shape

Where = Literal["both", "target"]


@dataclass(frozen=True)
class TargetCloze(Single):
    """The objective: masked LM under prefix attention.

    Attributes:
        cloze: how many are chosen, in which units, and what becomes of them; its own attention is not read.
        where: whether masks also stand in the source.
        name: the objective's name in its stream.
        shapes: sources whose sequences hold the source as segment 0 and the target as segment 1.
    """

    cloze: MaskedLM
    where: Where = "both"
    name: str = "seq2seq"
    shapes: tuple[Shape, ...] = ("pair",)

    head: ClassVar[str] = "mlm"
    edits: ClassVar[bool] = True

    def apply(self, sequences: Sequences, key: Key) -> tuple[Sequences, Rows]:
        """Mask, and let each sequence see as a prefix; which tokens may be masked later stays as the source said."""
        allowed_T = sequences.maskable_T if self.where == "both" else target_tokens(sequences)
        masked, rows = self.cloze.apply(replace(sequences, maskable_T=allowed_T), key)
        return replace(attending(masked, "prefix"), maskable_T=sequences.maskable_T), rows

    def term(self, logits_MC: Tensor, labels_M: Tensor, groups_G1: Tensor | None = None) -> Term:
        """Cross-entropy summed over the chosen tokens."""
        return self.cloze.term(logits_MC, labels_M)


def target_tokens(sequences: Sequences) -> NDArray[np.bool_]:
    """(T,) the ordinary tokens of segment 1 and the [SEP] that ends it."""
    found_T = sequences.maskable_T.copy()
    found_T[sequences.offsets_N1[1:][sequences.lengths_N > 0] - 1] = True
    return found_T & (sequences.segments_T == 1)
