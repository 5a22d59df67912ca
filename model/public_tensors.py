"""Tensors by the public format's names to tensors by ours, and back; and whether all are there that there should be."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from model.public_names import COPIES, PublicHeads, join, plain, prefixed, split, table
from tokenization.errors import CheckpointError


def to_ours(
    stored: Mapping[str, Tensor], layers: int, heads: PublicHeads
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """(our names → tensors, public names → the tensors that are left over).

    Raises:
        CheckpointError: a masked LM whose output is not the word embedding; parts of one tensor in several types.
    """
    left = {plain(name): (name, tensor) for name, tensor in stored.items()}
    tensors: dict[str, Tensor] = {}
    for ours, public in table(layers, heads):
        if all(name in left for name in public):
            tensors[ours] = join([left.pop(name)[1] for name in public], ours)
    everything = {plain(name): tensor for name, tensor in stored.items()}
    for copy, original in COPIES.items():
        if copy in left and original in everything and not torch.equal(everything[copy], everything[original]):
            raise CheckpointError(
                f"{left[copy][0]} differs from {original}: the masked LM of this checkpoint does not share the "
                "encoder's weights, which cannot be represented here"
            )
    return tensors, dict(left.values())


def to_public(
    tensors: Mapping[str, Tensor], layers: int, heads: PublicHeads, bare: bool
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """(public names → tensors of model.safetensors, our names → tensors of heads.safetensors)."""
    left = dict(tensors)
    public: dict[str, Tensor] = {}
    for ours, names in table(layers, heads):
        if ours in left:
            parts = split(left.pop(ours), len(names))
            public |= {name if bare else prefixed(name): part for name, part in zip(names, parts, strict=True)}
    return public, left


def refuse_unfit(tensors: Mapping[str, Tensor], expected: Mapping[str, torch.Size], where: str) -> None:
    """Every tensor is there with the expected shape, and no other; the pooler may be missing whole.

    Raises:
        CheckpointError: which are missing, unknown or of another shape.
    """
    pooled = any(name.startswith("pooler.") for name in tensors)
    missing = [name for name in expected if name not in tensors and (pooled or not name.startswith("pooler."))]
    if missing:
        raise CheckpointError(f"{where}: {len(missing)} tensors are missing: {_some(missing)}")
    unknown = sorted(set(tensors) - set(expected))
    if unknown:
        raise CheckpointError(f"{where}: {len(unknown)} tensors belong to no part of the model: {_some(unknown)}")
    wrong = [
        f"{name}: {tuple(tensor.shape)} is stored, {tuple(expected[name])} is expected"
        for name, tensor in tensors.items()
        if tensor.shape != expected[name]
    ]
    if wrong:
        raise CheckpointError(f"{where}: {len(wrong)} tensors have another shape than config.json says: {_some(wrong)}")


def _some(names: list[str], limit: int = 5) -> str:
    rest = f", and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + rest
