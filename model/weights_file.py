"""Files of named tensors: safetensors, and torch's older pickled ones (opened for tensors only)."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from tokenization.atomic import aside
from tokenization.errors import CheckpointError

WEIGHTS, PICKLED = "model.safetensors", "pytorch_model.bin"


def weights_file(folder: Path) -> Path:
    """The file that holds a public checkpoint's weights.

    Raises:
        CheckpointError: there is none.
    """
    for name in (WEIGHTS, PICKLED):
        if (folder / name).is_file():
            return folder / name
    raise CheckpointError(f"{folder}: neither {WEIGHTS} nor {PICKLED} is there; weights in several files are not read")


def read_weights(folder: Path) -> dict[str, Tensor]:
    """The weights of a public checkpoint's folder, on the CPU, in the type in which they are stored.

    Raises:
        CheckpointError: no file of weights, or one that is cut short, damaged or holds more than tensors.
    """
    path = weights_file(folder)
    return read_safetensors(path) if path.name == WEIGHTS else _read_pickled(path)


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """All tensors of one safetensors file."""
    try:
        return safetensors.torch.load_file(path)
    except SafetensorError as error:
        raise CheckpointError(f"{path}: cut short or damaged ({_line(error)}); get or write it again") from None


def write_safetensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write in one visible act; by way of bytes in memory, so that a full disk is an error that `aside` explains."""
    whole = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in sorted(tensors.items())}
    with aside(path) as temporary:
        temporary.write_bytes(safetensors.torch.save(whole, metadata={"format": "pt"}))


def _read_pickled(path: Path) -> dict[str, Tensor]:
    try:
        tensors = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, ValueError) as error:
        raise CheckpointError(f"{path}: cut short, damaged, or more than tensors ({_line(error)})") from None
    if not isinstance(tensors, dict) or not all(isinstance(tensor, Tensor) for tensor in tensors.values()):
        raise CheckpointError(f"{path}: a mapping of names to tensors is expected")
    return tensors


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
