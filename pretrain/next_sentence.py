"""Next sentence prediction (Devlin et al. 2019, "BERT", section 3.1): does B follow A, or come from another document?

Labels are `model.heads.IS_NEXT` and `IS_RANDOM`.
Shape letters: N sequences, M = N rows.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor

from training.address import Key
from training.objective import Rows, Single, Term, summed_cross_entropy
from training.sequences import Sequences, Shape


@dataclass(frozen=True)
class NextSentence(Single):
    """The objective: reads the first row of each pair, whose label the source gives."""

    name: ClassVar[str] = "nsp"
    head: ClassVar[str] = "nsp"
    edits: ClassVar[bool] = False
    shapes: ClassVar[tuple[Shape, ...]] = ("pair",)

    def apply(self, sequences: Sequences, key: Key) -> tuple[Sequences, Rows]:
        assert sequences.labels_N is not None, "a pair source labels its pairs"
        return sequences, Rows(sequences.offsets_N1[:-1], sequences.labels_N.astype(np.int64))

    def term(self, logits_MC: Tensor, labels_M: Tensor, groups_G1: Tensor | None = None) -> Term:
        """Cross-entropy summed over the pairs."""
        return summed_cross_entropy(logits_MC, labels_M)
