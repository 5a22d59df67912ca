"""A network's parameters in the groups that move, or stand still, together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from model.encoder import Encoder


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters that move, or stand still, together.

    Attributes:
        name: `encoder` (or a part of it, as `encoder:block-0`), `pooler` or `head:<name>`.
        heads: the heads that use them; in a step in which none of these counts, the group stands still.
            None means that every head uses them.
        parameters: names (as in `state_dict`) and parameters; a shared parameter stands in one group only.
        depth: 0 for heads and pooler, and for an encoder in one piece; of an encoder that is cut, 1 for the last block
            and what follows it, one more for each block below, and again for the embeddings.
    """

    name: str
    heads: frozenset[str] | None
    parameters: tuple[tuple[str, nn.Parameter], ...]
    depth: int = 0


@dataclass(frozen=True)
class GroupPart:
    """A module that is to be a group; `prefix` is where it stands in the network, other fields as in the group."""

    name: str
    prefix: str
    module: nn.Module
    heads: frozenset[str] | None = None
    depth: int = 0


def encoder_parts(encoder: Encoder, by_layer: bool) -> list[GroupPart]:
    """The encoder in one piece, or its embeddings, each block, and what follows the last one."""
    if not by_layer:
        return [GroupPart("encoder", "encoder", encoder)]
    layers = len(encoder.blocks)
    parts = [GroupPart("encoder:embeddings", "encoder.embeddings", encoder.embeddings, depth=layers + 1)]
    parts += [
        GroupPart(f"encoder:block-{place}", f"encoder.blocks.{place}", block, depth=layers - place)
        for place, block in enumerate(encoder.blocks)
    ]
    parts += [
        GroupPart(f"encoder:{name}", f"encoder.{name}", child, depth=1)
        for name, child in encoder.named_children()
        if name not in ("embeddings", "blocks")
    ]
    return parts


def groups_of(parts: Sequence[GroupPart]) -> tuple[ParameterGroup, ...]:
    """A group for each part; a parameter of several parts stands in the first one."""
    seen: set[int] = set()
    found: list[ParameterGroup] = []
    for part in parts:
        fresh = [
            (f"{part.prefix}.{name}", parameter)
            for name, parameter in part.module.named_parameters()
            if id(parameter) not in seen
        ]
        seen.update(id(parameter) for _, parameter in fresh)
        found.append(ParameterGroup(part.name, part.heads, tuple(fresh), part.depth))
    return tuple(found)
