"""The address of stored vectors: everything that decides them but the text that they are read from."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from model.network import Network
from tokenization.fingerprint import of_value


def vector_address(weights: str, device: str, how: Mapping[str, Any]) -> str:
    """A name that vectors share only where they are equal to the last bit, on one machine.

    Torch's version is in it, since another one may add in another order, as another kind of device may. A processor
    with other instructions, or another number of threads, may as well, and is not in it.

    Args:
        weights: the content of the weights that give them.
        device: the kind of device, such as `cpu`.
        how: whatever else tells two ways of reading the same weights apart.
    """
    return of_value({"weights": weights, "device": device, "torch": torch.__version__, **how})


def encoder_content(network: Network) -> str:
    """The content of a network's encoder: its weights, wherever they lie, and its sizes but the dropout."""
    return of_value([weights_content(network.encoder), network.config.sizes])


def weights_content(module: nn.Module) -> str:
    """The content of a module's weights, whatever its place in a model."""
    state = hashlib.blake2b(digest_size=8)
    for name, tensor in module.state_dict().items():
        state.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        state.update(np.ascontiguousarray(tensor.detach().float().cpu().numpy()).tobytes())
    return state.hexdigest()
