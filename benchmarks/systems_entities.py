"""How well a finished run's language model names entities: entries of several words of a corpus's lexicon, in text that
no stage has trained on. Sun et al. (2019, "ERNIE", section 4.6) ask for them as a cloze.

Shape letters: T tokens, U units, M asked tokens, V vocabulary.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.systems_finished import Finished
from benchmarks.systems_text import whole_entries
from finetune.answering.dev_batches import ANSWERING_TOKENS
from pipeline.masking import units_of
from pretrain.blocks import BlockSource
from pretrain.held_out import HeldOut, read_held_out
from tokenization.words.continuation import continues_vocabulary
from training.address import Key
from training.distributed import World
from training.engine import Reader
from training.objective import Rows, Single, Term, summed_cross_entropy
from training.sequences import I64, Sequences, Shape

LENGTH = 64
WITH, WITHOUT = "entities", "tokens"
"""The stages of the recipe: masking by the lexicon, and single tokens."""


def entities(run: Finished) -> str:
    """ERNIE: whole entries are masked, and what that is worth where entities are asked for."""
    told = [named_entities(run, stage, "wiki") for stage in (WITH, WITHOUT)]
    accuracy, loss = (" against ".join(parts) for parts in zip(*map(_told, told), strict=True))
    return f"{whole_entries(run)}; held-out entities: pieces right {accuracy} by single tokens, nats {loss}"


@dataclass(frozen=True)
class EntityCloze(Single):
    """All pieces of the first entry of several words of each sequence are [MASK].

    Attributes:
        word_V: which pieces continue a word.
    """

    mask_id: int
    word_V: NDArray[np.bool_]

    name: ClassVar[str] = "mlm"
    head: ClassVar[str] = "mlm"
    edits: ClassVar[bool] = True
    shapes: ClassVar[tuple[Shape, ...]] = ("block",)

    def apply(self, sequences: Sequences, key: Key) -> tuple[Sequences, Rows]:
        """Draws nothing. The sequences tell their phrases."""
        rows_M = first_entries(sequences, self.word_V)
        tokens_T = sequences.tokens_T.copy()
        tokens_T[rows_M] = self.mask_id
        return replace(sequences, tokens_T=tokens_T), Rows(rows_M, sequences.tokens_T[rows_M])

    def term(self, logits_MC: Tensor, labels_M: Tensor, groups_G1: Tensor | None = None) -> Term:
        return summed_cross_entropy(logits_MC, labels_M)


def first_entries(sequences: Sequences, word_V: NDArray[np.bool_]) -> I64:
    """(M,) the rows of each sequence's first unit of more than one word, all of them ordinary, ascending."""
    continues_T = sequences.continues_T
    assert continues_T is not None, "the source tells its phrases"
    unit_T = np.cumsum(~continues_T) - 1
    joins_T = continues_T & ~word_V[sequences.tokens_T]  # a word begins, the unit goes on
    found_U = np.setdiff1d(unit_T[joins_T], unit_T[~sequences.maskable_T])
    begin_U = np.flatnonzero(~continues_T)[found_U]
    sequence_U = np.searchsorted(sequences.offsets_N1, begin_U, side="right") - 1
    return np.flatnonzero(np.isin(unit_T, found_U[np.unique(sequence_U, return_index=True)[1]]))


def named_entities(run: Finished, stage: str, corpus: str) -> HeldOut:
    """Mean cross-entropy (nats) and accuracy of the pieces of entities in a corpus's held-out documents."""
    materials = run.materials
    units = units_of(materials, corpus, "phrase")
    source = BlockSource(materials.corpus(corpus), materials.tokenizer, LENGTH, held_out=True, units=units)
    objective = EntityCloze(materials.tokenizer.mask, continues_vocabulary(materials.tokenizer))
    network = run.network(stage)
    network.active = (objective.head,)
    reader = Reader(network, World(0, 1, torch.device("cpu")), bf16=False)
    everything = sum(shard.tokens for shard in materials.corpus(corpus).manifest.shards)
    return read_held_out(source, objective, reader, everything, ANSWERING_TOKENS)


def _told(found: HeldOut) -> tuple[str, str]:
    return f"{found.accuracy:.1%}", f"{found.loss:.3f}"
