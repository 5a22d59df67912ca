"""What writing a text costs: by a decoder, or in the encoder, as a cloze or from left to right.

Shape letters: U tokens and J sequences of the targets, M selected rows, V vocabulary.
"""

from dataclasses import replace
from typing import ClassVar

import numpy as np
from torch import Tensor

from finetune.tasks.spec import TaskSpec
from model.heads import DECODER, LM
from pretrain.attending import attending
from pretrain.masked_lm import MaskedLM
from pretrain.seq2seq import TargetCloze
from tokenization.vocabulary import Tokenizer
from training.address import Key
from training.objective import Objective, Rows, Single, Term, summed_cross_entropy
from training.sequences import Sequences, Shape, offsets_of

GENERATION = "generation"
TARGET_RATE = 0.7  # Dong et al. 2019, section 3.1


class Translation(Single):
    """-log p of each token of the target given its source and the tokens before it, and of the [SEP] that ends it.

    McCann et al. 2017, "Learned in Translation" (CoVe), section 3, with the decoder of a Transformer (Vaswani et al.
    2017). It is given [CLS] target, and is to say target [SEP].
    """

    name: ClassVar[str] = GENERATION
    head: ClassVar[str] = DECODER
    autoregressive: ClassVar[bool] = True
    edits: ClassVar[bool] = True
    shapes: ClassVar[tuple[Shape, ...]] = ("sentence", "pair")

    def apply(self, sequences: Sequences, key: Key) -> tuple[Sequences, Rows]:
        """Draws nothing: every token of the target is asked for."""
        targets = sequences.targets
        assert targets is not None, "a task of generation has targets"
        is_given_U = np.ones(len(targets.tokens_U), dtype=np.bool_)
        is_wanted_U = is_given_U.copy()
        is_given_U[targets.offsets_J1[1:] - 1] = False
        is_wanted_U[targets.offsets_J1[:-1]] = False
        given = replace(
            targets,
            tokens_U=targets.tokens_U[is_given_U],
            positions_U=targets.positions_U[is_given_U],
            offsets_J1=offsets_of(np.diff(targets.offsets_J1) - 1),
        )
        labels_M = targets.tokens_U[is_wanted_U]
        return replace(sequences, targets=given), Rows(np.arange(len(labels_M)), labels_M, of_targets=True)

    def term(self, logits_MV: Tensor, labels_M: Tensor, groups_G1: Tensor | None = None) -> Term:
        return summed_cross_entropy(logits_MV, labels_M)


class Continuation(Single):
    """-log p of each token of the target given its source and the tokens before it, and of the [SEP] that ends it.

    Radford et al. 2019, "Language Models are Unsupervised Multitask Learners" (GPT-2), section 2: p(output | input) of
    one language model, as the tuning of Radford et al. 2018, section 3.2, has it of a class. Nothing is asked of the
    source. Source and target are of one segment, as in the text that a language model was trained on.
    """

    name: ClassVar[str] = GENERATION
    head: ClassVar[str] = LM
    autoregressive: ClassVar[bool] = True
    edits: ClassVar[bool] = True
    shapes: ClassVar[tuple[Shape, ...]] = ("pair",)

    def apply(self, sequences: Sequences, key: Key) -> tuple[Sequences, Rows]:
        """Draws nothing: every token of the target is asked for, at the row before it."""
        wanted_M = np.flatnonzero(sequences.segments_T == 1)
        whole = replace(sequences, segments_T=np.zeros_like(sequences.segments_T))
        return attending(whole, "left"), Rows(wanted_M - 1, sequences.tokens_T[wanted_M])

    def term(self, logits_MV: Tensor, labels_M: Tensor, groups_G1: Tensor | None = None) -> Term:
        return summed_cross_entropy(logits_MV, labels_M)


def writing_objective(spec: TaskSpec, tokenizer: Tokenizer) -> Objective:
    """The objective of a task of generation, by what writes its texts."""
    if spec.written_by == "decoder":
        return Translation()
    if spec.goes_on:
        return Continuation()
    cloze = MaskedLM(tokenizer.mask, tokenizer.ordinary_ids, TARGET_RATE)
    return TargetCloze(cloze, where="target", name=GENERATION)
