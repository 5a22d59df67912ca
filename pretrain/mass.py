"""Masked sequence to sequence (Song et al. 2019, "MASS", section 3.1): the encoder reads a text without one of its
spans, a decoder writes the span.

    span      k consecutive ordinary tokens, k being `share` of a sequence's, rounded, at least one; it begins anywhere
              with equal chance. Special and unknown tokens are stepped over: they stay as they are, and are not told
    encoder   of the span's tokens  mask (.8) become [MASK] · random (.1) a random ordinary token · the rest stay
    decoder   it is given the token before each of the span's, at that one's position, [MASK] in the place of the
              first's, and is to tell the next; of the encoder's rows it reads all but those of [MASK]

Position and reading are those of the authors' code, and as in translation what is given at a position is followed by
what is told. The paper masks the decoder's first input, as here; that code gives the token before the span.

Where k is 1 the decoder is given [MASK] alone, as in a masked LM; where the span is the whole text the encoder tells
it nothing but a length, and it is a language model (table 1 there).

Shape letters: T tokens, N sequences, O ordinary tokens, M tokens of spans, J spans.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from torch import Tensor

from pretrain.masked_lm import MaskedLM
from training.address import Key, below, derive
from training.objective import Rows, Term, summed_cross_entropy
from training.sequences import I64, Sequences, Shape, TargetSequences, offsets_of, ranges


@dataclass(frozen=True)
class MaskedSpan:
    """The objective.

    Attributes:
        mask_id: the id of [MASK].
        ordinary_V: ids a random replacement is drawn from: neither special nor unused ones.
        share: of the ordinary tokens that make the span.
        mask, random: shares of the span that become [MASK] or a random token.
    """

    mask_id: int
    ordinary_V: I64
    share: float = 0.5
    mask: float = 0.8
    random: float = 0.1

    name: ClassVar[str] = "mass"
    head: ClassVar[str] = "decoder"
    guide: ClassVar[str] = ""
    autoregressive: ClassVar[bool] = True
    edits: ClassVar[bool] = True
    shapes: ClassVar[tuple[Shape, ...]] = ("sentence", "pair", "block")

    @property
    def growth(self) -> float:
        """A sequence and its span; a share below one half may still be rounded up to one token of three."""
        return 1 + max(self.share, 0.5)

    def apply(self, sequences: Sequences, key: Key) -> tuple[Sequences, Rows]:
        """Choose a span, mask it, and make it the decoder's; special tokens are never touched."""
        rows_M, size_N = self._span(sequences, derive(key, "mass start"))
        labels_M, memory_J = sequences.tokens_T[rows_M], np.flatnonzero(size_N)
        offsets_J1 = offsets_of(size_N[memory_J])
        given_M = np.roll(labels_M, 1)
        given_M[offsets_J1[:-1]] = self.mask_id
        tokens_T = self._masked(sequences, rows_M, key)
        unread_T = sequences.maskable_T & (tokens_T == self.mask_id)
        targets = TargetSequences(given_M, sequences.positions_T[rows_M] - 1, offsets_J1, memory_J, unread_T)
        return replace(sequences, tokens_T=tokens_T, targets=targets), Rows(
            np.arange(len(rows_M)), labels_M, of_targets=True
        )

    def _span(self, sequences: Sequences, key: Key) -> tuple[I64, I64]:
        """The rows of the spans' tokens, and how many each sequence has."""
        rows_O = np.flatnonzero(sequences.maskable_T)
        before_N1 = np.searchsorted(rows_O, sequences.offsets_N1)
        count_N = np.diff(before_N1)
        size_N = np.minimum(np.maximum(1, np.rint(self.share * count_N).astype(np.int64)), count_N)
        start_N = below(key, count_N - size_N + 1, sequences.draws_N)
        return rows_O[ranges(before_N1[:-1] + start_N, size_N)], size_N

    def _masked(self, sequences: Sequences, rows_M: I64, key: Key) -> I64:
        """The tokens with all of the span replaced as a masked LM does."""
        inside_T = np.zeros_like(sequences.maskable_T)
        inside_T[rows_M] = True
        cloze = MaskedLM(self.mask_id, self.ordinary_V, rate=1.0, mask=self.mask, random=self.random)
        return cloze.apply(replace(sequences, maskable_T=inside_T), key)[0].tokens_T

    def term(self, logits_MC: Tensor, labels_M: Tensor, groups_G1: Tensor | None = None) -> Term:
        """Cross-entropy summed over the span."""
        return summed_cross_entropy(logits_MC, labels_M)
