"""A public checkpoint for a vocabulary with new entries, whose rows start where the words stood before.

Shape letters: V old entries, A added entries, D width.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from model.public import PublicModel
from model.public_names import COPIES, plain

WORDS = "encoder.embeddings.word.weight"


def with_new_rows(model: PublicModel, pieces: Sequence[Sequence[int]]) -> PublicModel:
    """The model with one more row of the word embedding, and bias of each LM head, for each new entry.

    A row is the mean of the rows of the pieces that the word was cut into before. The rows that were there stay bit for
    bit, so that text without a new word is encoded as it was.

    Args:
        pieces: for each new entry its former ids, at least one, all below the old vocabulary's size.
    """
    size = model.config.vocab_size + len(pieces)
    grow = {WORDS, *(f"heads.{spec.name}.bias" for spec in model.heads if spec.kind == "mlm")}
    return replace(
        model,
        config=replace(model.config, vocab_size=size),
        heads=tuple(replace(spec, size=size) if spec.kind in ("mlm", "decoder") else spec for spec in model.heads),
        tensors={name: _grown(tensor, pieces) if name in grow else tensor for name, tensor in model.tensors.items()},
        # Copies of what has grown, under other names; they carry nothing of their own.
        extras={name: tensor for name, tensor in model.extras.items() if plain(name) not in COPIES},
    )


def _grown(rows_V: Tensor, pieces: Sequence[Sequence[int]]) -> Tensor:
    """[V] or [V, D] with the means appended; summed in float32, kept in the stored type."""
    means_A = [rows_V[list(ids)].float().mean(dim=0).to(rows_V.dtype) for ids in pieces]
    return torch.cat([rows_V, torch.stack(means_A)]) if means_A else rows_V
