"""Language modelling in one direction: the next token from those before it (Radford et al. 2018, "GPT", section 3.1),
or the previous one from those after it (Peters et al. 2018, "ELMo", section 3.1).

    left    [CLS] a b c [SEP]: [CLS] tells a, a tells b, b tells c, c tells [SEP]
    right   the same from the other end: [SEP] tells c, c tells b, b tells a, a tells [CLS]
    both    each item goes one of the two ways, by a coin at its address

Nothing is masked: attention is what hides the answer. Every token but the first of its direction is a label, the
special ones at both ends and between two segments among them: they are how an end is learned.

Shape letters: T tokens, N sequences, M rows.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
from torch import Tensor

from model.kinds import LEFT, RIGHT
from training.address import Key, derive, uniform
from training.objective import Rows, Single, Term, summed_cross_entropy
from training.sequences import I64, Sequences, Shape

Direction = Literal["left", "right", "both"]


@dataclass(frozen=True)
class CausalLM(Single):
    """The objective; it shares the LM head with the cloze.

    Attributes:
        direction: the side that is seen, as attention kinds are called.
    """

    direction: Direction = "left"

    name: ClassVar[str] = "causal"
    head: ClassVar[str] = "mlm"
    autoregressive: ClassVar[bool] = True
    edits: ClassVar[bool] = True
    shapes: ClassVar[tuple[Shape, ...]] = ("sentence", "pair", "block")

    def apply(self, sequences: Sequences, key: Key) -> tuple[Sequences, Rows]:
        """Set what each sequence sees, and read every token that has one to tell; no id changes."""
        kinds_N = self._kinds(sequences, key)
        step_T = np.repeat(np.where(kinds_N == LEFT, 1, -1), sequences.lengths_N)
        # The last token of its direction has none to tell.
        last_N = np.where(kinds_N == LEFT, sequences.offsets_N1[1:] - 1, sequences.offsets_N1[:-1])
        reads_T = np.ones(len(sequences.tokens_T), dtype=np.bool_)
        reads_T[last_N[sequences.lengths_N > 0]] = False
        rows_M = np.flatnonzero(reads_T)
        labels_M = sequences.tokens_T[rows_M + step_T[rows_M]]
        return replace(sequences, kinds_N=kinds_N, reaches_N=np.zeros_like(kinds_N)), Rows(rows_M, labels_M)

    def _kinds(self, sequences: Sequences, key: Key) -> I64:
        """(N,) `LEFT` or `RIGHT`."""
        if self.direction != "both":
            return np.full(len(sequences.draws_N), LEFT if self.direction == "left" else RIGHT, dtype=np.int64)
        heads_N = uniform(derive(key, "causal direction"), sequences.draws_N) < 0.5
        return np.where(heads_N, LEFT, RIGHT).astype(np.int64)

    def term(self, logits_MC: Tensor, labels_M: Tensor, groups_G1: Tensor | None = None) -> Term:
        """Cross-entropy summed over the rows."""
        return summed_cross_entropy(logits_MC, labels_M)
