"""The texts that a split's examples are to be turned into, and how one stands beside its source.

    decoder   [CLS] source [SEP] is read by the encoder, [CLS] target [SEP] is the decoder's (McCann et al. 2017,
              "CoVe", section 3, with a Transformer)
    prefix    [CLS] source [SEP] target [SEP] is one sequence, of which the target is segment 1 (Dong et al. 2019,
              "UniLM", section 2.4)
    left      [CLS] source target [SEP] is one sequence, of which the target is marked as segment 1 until its objective
              has told it from its source (Radford et al. 2019, "GPT-2", section 2)

Shape letters: U tokens of all targets end to end, E examples, S chosen examples, T tokens of their sequences.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from finetune.cloze.given import Part
from finetune.cloze.pieces import before_answer, ending_before, pieces_behind
from tokenization.vocabulary import Tokenizer
from training.sequences import I64, Sequences, TargetSequences, offsets_of, ranges

_ENDS = 2  # [CLS] and [SEP]


@dataclass(frozen=True)
class TargetTexts:
    """The targets of a split.

    Attributes:
        tokens_U: [CLS] target [SEP] of each example, end to end; int32, widened as they are taken.
        maskable_U: which of them are ordinary tokens.
        offsets_E1: the target of example e is tokens offsets[e]:offsets[e + 1].
        cut_E: which targets lost tokens to the length.
        glued: whether a target stands behind its source in one sequence.
        lowercase: whether they were put in lower case, as the vocabulary is.
    """

    tokens_U: NDArray[np.int32]
    maskable_U: NDArray[np.bool_]
    offsets_E1: I64
    cut_E: NDArray[np.bool_]
    glued: bool
    lowercase: bool

    @cached_property
    def lengths_E(self) -> I64:
        """Tokens of each target, [CLS] and [SEP] included."""
        return np.diff(self.offsets_E1)

    @property
    def added_E(self) -> I64:
        """Tokens by which each target makes its item longer: a glued one has no [CLS] of its own."""
        return self.lengths_E - self.glued

    def beside(self, sources: Sequences, examples_S: I64) -> Sequences:
        """The same sequences with their targets.

        Args:
            sources: one sequence for each of the examples.
        """
        return self._behind(sources, examples_S) if self.glued else self._apart(sources, examples_S)

    def _apart(self, sources: Sequences, examples_S: I64) -> Sequences:
        lengths_S = self.lengths_E[examples_S]
        token_U = ranges(self.offsets_E1[examples_S], lengths_S)
        targets = TargetSequences(
            tokens_U=self.tokens_U[token_U].astype(np.int64),
            positions_U=ranges(np.zeros_like(lengths_S), lengths_S),
            offsets_J1=offsets_of(lengths_S),
            memory_J=np.arange(len(examples_S)),
        )
        return replace(sources, targets=targets)

    def _behind(self, sources: Sequences, examples_S: I64) -> Sequences:
        count = len(sources.tokens_T)
        begins_S2 = np.stack([sources.offsets_N1[:-1], count + self.offsets_E1[examples_S] + 1], axis=1)
        counts_S2 = np.stack([sources.lengths_N, self.added_E[examples_S]], axis=1)
        place_T = ranges(begins_S2.ravel(), counts_S2.ravel())
        return replace(
            sources,
            tokens_T=np.concatenate([sources.tokens_T, self.tokens_U])[place_T],
            segments_T=(place_T >= count).astype(np.int64),
            maskable_T=np.concatenate([sources.maskable_T, self.maskable_U])[place_T],
            offsets_N1=offsets_of(counts_S2.sum(1)),
        )


def target_texts(
    texts: Sequence[str], tokenizer: Tokenizer, length: int, glued: bool, opening: Sequence[Part] = ()
) -> TargetTexts:
    """Encode the targets of a split; one with more than `length` tokens, [CLS] and [SEP] included, loses its end.

    Args:
        opening: what is gone on with, where no mark parts it from the target.
    """
    ids_V, lengths_E = _behind(opening, texts, tokenizer) if opening else tokenizer.encode_flat(texts)
    kept_E = np.minimum(lengths_E, length - _ENDS)
    offsets_E1 = offsets_of(kept_E + _ENDS)
    tokens_U = np.empty(offsets_E1[-1], dtype=np.int32)
    tokens_U[offsets_E1[:-1]], tokens_U[offsets_E1[1:] - 1] = tokenizer.cls, tokenizer.sep
    tokens_U[ranges(offsets_E1[:-1] + 1, kept_E)] = ids_V[ranges(offsets_of(lengths_E)[:-1], kept_E)]
    maskable_U = ~np.isin(tokens_U, np.fromiter(tokenizer.specials, dtype=np.int32))
    return TargetTexts(tokens_U, maskable_U, offsets_E1, kept_E < lengths_E, glued, tokenizer.lowercase)


def _behind(opening: Sequence[Part], texts: Sequence[str], tokenizer: Tokenizer) -> tuple[I64, I64]:
    """The ids of texts that go on with an opening, end to end, and how many each has."""
    pieces = {
        text: pieces_behind(_before(opening[-1], text), text, tokenizer)
        for text in dict.fromkeys(texts)
        if text.strip()
    }
    ids = [pieces.get(text, ()) for text in texts]
    lengths_E = np.array([len(one) for one in ids], dtype=np.int64)
    return np.fromiter(chain.from_iterable(ids), dtype=np.int64, count=int(lengths_E.sum())), lengths_E


def _before(last: Part, text: str) -> str:
    return before_answer(last.text.rstrip() if last.kind == "text" else ending_before(text), text)
