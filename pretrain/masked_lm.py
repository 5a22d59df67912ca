"""Masked language modelling (Devlin et al. 2019, "BERT", section 3.1 and appendix A.1).

    chosen: a budget of `rate` of a sequence's ordinary tokens, rounded, at least one; single tokens fill it, whole
            words, spans and phrases stay within it: where each is longer than the budget, none is chosen
    of these   mask (.8) become [MASK] · random (.1) a random ordinary token · the rest stay as they are

What becomes of a chosen token is drawn for each token, also within a unit, as BERT's whole-word masking does.

The cloze also stands under other attention (Dong et al. 2019, "UniLM", section 2.3): a masked token is then told from
what is left of it, or right of it, or from the first segment and what is left of it. It sees itself, which is masked.

Shape letters: T tokens, N sequences, L lengths, M chosen tokens, V vocabulary.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
from torch import Tensor

from pretrain.attending import Attention, attending
from pretrain.mask_units import choose_spans, choose_tokens, choose_units
from training.address import Key, below, derive, uniform
from training.objective import Rows, Single, Term, summed_cross_entropy
from training.sequences import I64, Sequences, Shape

Unit = Literal["token", "word", "span", "phrase"]
SpanOf = Literal["word", "token"]


@dataclass(frozen=True)
class MaskedLM(Single):
    """The objective; masks are dynamic: drawn from each draw's address, so anew at every draw.

    Attributes:
        mask_id: the id of [MASK].
        ordinary_V: ids a random replacement is drawn from: neither special nor unused ones.
        rate: share of the ordinary tokens that is chosen.
        mask, random: shares of the chosen that become [MASK] or a random token.
        unit: what is chosen whole. Whether `word` and `phrase` are different is up to the source, which joins tokens.
        shares_L: with unit span, the shares of spans of 1, 2, … words; else empty.
        span_of: what a span is made of. Of tokens they are UniLM's bi- and trigrams (section 2.4), of words SpanBERT's.
        attention: what each token sees; `prefix` of pairs only, whose first segment is the prefix.
    """

    mask_id: int
    ordinary_V: I64
    rate: float = 0.15
    mask: float = 0.8
    random: float = 0.1
    unit: Unit = "token"
    shares_L: tuple[float, ...] = ()
    span_of: SpanOf = "word"
    attention: Attention = "both"

    name: ClassVar[str] = "mlm"
    head: ClassVar[str] = "mlm"
    edits: ClassVar[bool] = True
    shapes: ClassVar[tuple[Shape, ...]] = ("sentence", "pair", "block")

    def apply(self, sequences: Sequences, key: Key) -> tuple[Sequences, Rows]:
        """Choose and replace; special tokens are never touched, unchosen ids never change."""
        rows_M = self._choose(sequences, derive(key, "mlm choice"))
        labels_M = sequences.tokens_T[rows_M]
        sequence_M = np.searchsorted(sequences.offsets_N1, rows_M, side="right") - 1
        address = sequences.draws_N[sequence_M], rows_M - sequences.offsets_N1[sequence_M]
        fate_M = uniform(derive(key, "mlm fate"), *address)
        stranger_M = self.ordinary_V[below(derive(key, "mlm random"), len(self.ordinary_V), *address)]
        tokens_T = sequences.tokens_T.copy()
        tokens_T[rows_M] = np.select(
            [fate_M < self.mask, fate_M < self.mask + self.random], [np.int64(self.mask_id), stranger_M], labels_M
        )
        return attending(replace(sequences, tokens_T=tokens_T), self.attention), Rows(rows_M, labels_M)

    def _choose(self, sequences: Sequences, key: Key) -> I64:
        """Rows of the chosen tokens, ascending."""
        before_T1 = np.concatenate([[0], np.cumsum(sequences.maskable_T)])
        count_N = np.diff(before_T1[sequences.offsets_N1])
        budget_N = np.where(count_N > 0, np.maximum(1, np.rint(self.rate * count_N)), 0).astype(np.int64)
        if self.unit == "token":
            return choose_tokens(sequences, budget_N, key)
        if self.unit == "span":
            if self.span_of == "token":
                sequences = replace(sequences, continues_T=np.zeros_like(sequences.maskable_T))
            return choose_spans(sequences, budget_N, self.shares_L, key)
        return choose_units(sequences, budget_N, key)

    def term(self, logits_MC: Tensor, labels_M: Tensor, groups_G1: Tensor | None = None) -> Term:
        """Cross-entropy summed over the chosen tokens."""
        return summed_cross_entropy(logits_MC, labels_M)
