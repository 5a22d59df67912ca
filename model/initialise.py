"""All initial weights, in one place: normal matrices, zero biases, LayerNorms at one (Devlin et al. 2019).

A recurrent cell's matrices have the deviation of torch's uniform ones, 1 / √(3 · width): BERT's, made for sums over
hundreds of units between LayerNorms, would let next to nothing through its gates.

Each parameter is drawn from a generator of its own, seeded by (seed, name): adding a head changes no other weight.
"""

import hashlib

import torch
from torch import nn

from model.conditional import StartsAtZero
from model.scalar_mix import ScalarMix


@torch.no_grad()
def initialise(network: nn.Module, seed: int, deviation: float) -> None:
    """Set every parameter of `network` from `seed` and its own name; a shared one by the name it first has.

    Args:
        deviation: standard deviation of the matrices; BERT's is 0.02.
    """
    seen: set[int] = set()
    for module_name, module in network.named_modules():
        for name, parameter in module.named_parameters(prefix=module_name, recurse=False):
            if id(parameter) in seen:
                continue
            seen.add(id(parameter))
            if parameter.ndim > 1:
                parameter.copy_(_normal(parameter.shape, name, seed, _deviation(module, deviation)))
            else:
                parameter.fill_(1.0 if _is_scale(module, name) else 0.0)


def materialise(network: nn.Module, device: torch.device) -> None:
    """Give every parameter memory on `device`, its values unset; a shared one stays shared."""
    made: dict[int, nn.Parameter] = {}
    for module in network.modules():
        for name, parameter in list(module.named_parameters(recurse=False, remove_duplicate=False)):
            if id(parameter) not in made:
                made[id(parameter)] = nn.Parameter(torch.empty_like(parameter, device=device))
            setattr(module, name, made[id(parameter)])


def _deviation(module: nn.Module, deviation: float) -> float:
    if isinstance(module, nn.RNNBase | nn.RNNCellBase):
        return float(3 * int(module.hidden_size)) ** -0.5
    return 0.0 if isinstance(module, StartsAtZero) else deviation


def _is_scale(module: nn.Module, name: str) -> bool:
    is_norm = isinstance(module, nn.LayerNorm) and name.endswith("weight")
    return is_norm or (isinstance(module, ScalarMix) and name.endswith("gamma"))


def _normal(shape: torch.Size, name: str, seed: int, deviation: float) -> torch.Tensor:
    """Float32 numbers on the CPU, whatever the parameter's device and type, so that these do not matter."""
    digest = hashlib.blake2b(f"{seed}\x1f{name}".encode(), digest_size=8).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest, "little", signed=True))
    return torch.empty(shape).normal_(0.0, deviation, generator=generator)
