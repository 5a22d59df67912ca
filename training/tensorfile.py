"""Writing safetensors one tensor at a time, so that a model larger than the memory beside it can be saved.

The format: 8 bytes little-endian header length, a JSON header of dtype, shape and offsets, then the raw bytes
(https://github.com/huggingface/safetensors, "Format").
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor


class TensorWriter:
    """Takes float32 tensors in the order that was declared."""

    def __init__(self, path: Path, shapes: Mapping[str, Sequence[int]]) -> None:
        self._handle = open(path, "wb")  # noqa: SIM115 - closed by `tensor_writer`
        self._waiting = list(shapes.items())
        header = json.dumps(_header(shapes), separators=(",", ":")).encode()
        header += b" " * (-len(header) % 8)
        self._handle.write(len(header).to_bytes(8, "little") + header)

    def write(self, name: str, value: Tensor) -> None:
        """Append the next declared tensor."""
        expected, shape = self._waiting.pop(0)
        assert name == expected, f"{name} comes before {expected}"
        assert list(value.shape) == list(shape), f"{name}: {list(value.shape)} was declared as {list(shape)}"
        self._handle.write(value.detach().to("cpu", torch.float32).contiguous().numpy().tobytes())

    def close(self) -> None:
        self._handle.close()


@contextmanager
def tensor_writer(path: Path, shapes: Mapping[str, Sequence[int]]) -> Iterator[TensorWriter]:
    """Open `path` for the declared float32 tensors."""
    writer = TensorWriter(path, shapes)
    try:
        yield writer
    finally:
        writer.close()


def _header(shapes: Mapping[str, Sequence[int]]) -> dict[str, object]:
    header: dict[str, object] = {}
    start = 0
    for name, shape in shapes.items():
        size = 4 * torch.Size(shape).numel()
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [start, start + size]}
        start += size
    return header
