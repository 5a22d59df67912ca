"""A public model's weights into a network, with a report of what matched, what is new and what was left."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch

from model.config import HeadSpec
from model.heads import ORDER
from model.network import Network
from model.public import PublicModel, unread
from model.public_names import is_tied
from tokenization.errors import CheckpointError


@dataclass(frozen=True)
class LoadReport:
    """What became of each tensor.

    Attributes:
        matched: our names of those that were loaded.
        new: our names of those that keep their random initial values.
        dropped: names of those that the checkpoint has and the network has no place for.
    """

    matched: tuple[str, ...]
    new: tuple[str, ...]
    dropped: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"{len(self.matched)} tensors loaded"]
        for names, what in ((self.new, "new, with random initial weights"), (self.dropped, "dropped")):
            lines.append(f"{len(names)} {what}" + (f": {', '.join(names)}" if names else ""))
        return "\n".join(lines)


@torch.no_grad()
def load_into(network: Network, model: PublicModel) -> LoadReport:
    """Copy a public model's weights into `network`, in the network's own type.

    The encoder must fit whole. A masked LM or pair head takes the checkpoint's head of the same kind (of the same
    name where there are several), another head the one of the same name, kind and size; so does the head on the order
    of sentences, which asks something else than the other pair heads.

    Raises:
        CheckpointError: the encoders differ (which settings, both values).
    """
    _check_same_encoder(network, model)
    parameters = {name: p for group in network.groups() for name, p in group.parameters if not is_tied(name)}
    source = _sources(network.specs, model.heads)
    matched: list[str] = []
    used: set[str] = set()
    for name, parameter in parameters.items():
        stored = _renamed(name, source)
        if stored is not None and stored in model.tensors:
            parameter.copy_(model.tensors[stored])
            matched.append(name)
            used.add(stored)
    dropped = [name for name in model.tensors if name not in used]
    new = tuple(name for name in parameters if name not in set(matched))
    return LoadReport(tuple(matched), new, (*sorted(dropped), *unread(model)))


def _check_same_encoder(network: Network, model: PublicModel) -> None:
    """All settings but those that only a new or a training network needs."""
    own = ("dropout", "initializer_range")
    differing = [
        f"{f.name}: the checkpoint has {getattr(model.config, f.name)}, the network {getattr(network.config, f.name)}"
        for f in fields(model.config)
        if f.name not in own and getattr(model.config, f.name) != getattr(network.config, f.name)
    ]
    if differing:
        raise CheckpointError("the checkpoint's encoder is another one; " + "; ".join(differing))


def _sources(wanted: tuple[HeadSpec, ...], stored: tuple[HeadSpec, ...]) -> dict[str, str]:
    """The network's head name → the checkpoint's head that it takes."""
    source = {spec.name: spec.name for spec in wanted if spec in stored}
    for spec in wanted:
        if spec.kind not in ("mlm", "pair") or spec.name in source or spec.name == ORDER:
            continue
        taken = {ORDER, *source.values()}
        free = [other.name for other in stored if other.kind == spec.kind and other.name not in taken]
        if free:
            source[spec.name] = free[0]
    return source


def _renamed(name: str, source: dict[str, str]) -> str | None:
    """The checkpoint's name of one of the network's parameters; None where a head has no source."""
    if not name.startswith("heads."):
        return name
    _, head, rest = name.split(".", 2)
    return f"heads.{source[head]}.{rest}" if head in source else None
