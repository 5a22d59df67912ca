"""Masked language modelling (Devlin et al. 2019, "BERT", section 3.1 and appendix A.1).

    chosen: `rate` of a sequence's ordinary tokens, rounded, at least one
    of these   mask (.8) become [MASK] · random (.1) a random ordinary token · the rest stay as they are

Shape letters: T tokens, N sequences, M chosen tokens, V vocabulary.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from torch import Tensor

from training.address import Key, below, bits, derive, uniform
from training.objective import Rows, Term, summed_cross_entropy
from training.sequences import I64, Sequences, Shape


@dataclass(frozen=True)
class MaskedLM:
    """The objective; masks are dynamic: drawn from each draw's address, so anew at every draw.

    Attributes:
        mask_id: the id of [MASK].
        ordinary_V: ids a random replacement is drawn from: neither special nor unused ones.
        rate: share of the ordinary tokens that is chosen.
        mask, random: shares of the chosen that become [MASK] or a random token.
    """

    mask_id: int
    ordinary_V: I64
    rate: float = 0.15
    mask: float = 0.8
    random: float = 0.1

    name: ClassVar[str] = "mlm"
    head: ClassVar[str] = "mlm"
    edits: ClassVar[bool] = True
    shapes: ClassVar[tuple[Shape, ...]] = ("sentence", "pair", "block")

    def apply(self, sequences: Sequences, key: Key) -> tuple[Sequences, Rows]:
        """Choose and replace; special tokens are never touched, unchosen ids never change."""
        draws_T = np.repeat(sequences.draws_N, sequences.lengths_N)
        rows_M = self._choose(sequences, draws_T, derive(key, "mlm choice"))
        labels_M = sequences.tokens_T[rows_M]
        address = draws_T[rows_M], sequences.positions_T[rows_M]
        fate_M = uniform(derive(key, "mlm fate"), *address)
        stranger_M = self.ordinary_V[below(derive(key, "mlm random"), len(self.ordinary_V), *address)]
        tokens_T = sequences.tokens_T.copy()
        tokens_T[rows_M] = np.select(
            [fate_M < self.mask, fate_M < self.mask + self.random], [np.int64(self.mask_id), stranger_M], labels_M
        )
        return replace(sequences, tokens_T=tokens_T), Rows(rows_M, labels_M)

    def _choose(self, sequences: Sequences, draws_T: I64, key: Key) -> I64:
        """The ordinary tokens with the lowest random numbers of their sequence, up to its budget, in order."""
        ordinary_R = np.flatnonzero(sequences.maskable_T)
        sequence_T = np.repeat(np.arange(len(sequences.draws_N)), sequences.lengths_N)
        sequence_R = sequence_T[ordinary_R]
        luck_R = bits(key, draws_T[ordinary_R], sequences.positions_T[ordinary_R])
        order_R = np.lexsort((luck_R, sequence_R))
        count_N = np.bincount(sequence_R, minlength=len(sequences.draws_N))
        budget_N = np.where(count_N > 0, np.maximum(1, np.rint(self.rate * count_N)), 0)
        rank_R = np.arange(len(ordinary_R)) - np.repeat(np.cumsum(count_N) - count_N, count_N)
        return np.sort(ordinary_R[order_R[rank_R < np.repeat(budget_N, count_N)]])

    def term(self, logits_MC: Tensor, labels_M: Tensor) -> Term:
        """Cross-entropy summed over the chosen tokens."""
        return summed_cross_entropy(logits_MC, labels_M)
