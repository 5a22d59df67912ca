"""AdamW over named parameter groups: each head is its own group, and decay falls on matrices only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn


class Group(Protocol):
    """A parameter group of the model: always active when `heads` is None, else when one of them is."""

    @property
    def name(self) -> str: ...
    @property
    def heads(self) -> frozenset[str] | None: ...
    @property
    def parameters(self) -> tuple[tuple[str, nn.Parameter], ...]: ...


@dataclass(frozen=True)
class AdamW:
    """Settings of AdamW (Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization").

    Attributes:
        rate: peak learning rate.
        clip: bound of the step gradient's norm; None leaves it as it is.
    """

    rate: float
    betas: tuple[float, float] = (0.9, 0.98)
    epsilon: float = 1e-6
    weight_decay: float = 0.01
    clip: float | None = 1.0


def trainable(group: Group) -> tuple[tuple[str, nn.Parameter], ...]:
    """The group's parameters that are not frozen."""
    return tuple((name, parameter) for name, parameter in group.parameters if parameter.requires_grad)


def build_adamw(groups: Sequence[Group], settings: AdamW) -> torch.optim.AdamW:
    """AdamW whose torch groups carry our group's name; matrices decay, vectors (biases, LayerNorm) do not."""
    torch_groups = [
        {"params": parameters, "weight_decay": decay, "name": group.name, "lr": 0.0}
        for group in groups
        for matrices, decay in ((True, settings.weight_decay), (False, 0.0))
        if (parameters := [p for _, p in trainable(group) if (dimensions(p) > 1) == matrices])
    ]
    return torch.optim.AdamW(torch_groups, lr=0.0, betas=settings.betas, eps=settings.epsilon, fused=True)


def set_rates(
    optimizer: torch.optim.Optimizer,
    groups: Sequence[Group],
    rate: float,
    active: frozenset[str],
    factors: Mapping[str, float] | None = None,
) -> None:
    """Give each group its rate for this step: 0 for a group none of whose heads counted anything.

    Args:
        factors: of the rate, for the groups that do not move at the whole of it.

    At rate 0 AdamW moves nothing, decay included, while its moments may still fade (house rule: heads that are idle
    stand still).
    """
    moving = {group.name for group in groups if group.heads is None or group.heads & active}
    for torch_group in optimizer.param_groups:
        name = torch_group["name"]
        torch_group["lr"] = rate * (factors or {}).get(name, 1.0) if name in moving else 0.0


def dimensions(parameter: nn.Parameter) -> int:
    """Dimensions of the whole parameter, also where ZeRO-3 holds it in pieces."""
    return len(getattr(parameter, "ds_shape", parameter.shape))
