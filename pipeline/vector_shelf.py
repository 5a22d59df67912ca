"""Rows of an encoder on disk: a folder of shards, each whole or not there, mapped into memory when read.

A shard holds `addresses` (N, 16) uint8, `offsets` (N + 1,) int64 and `rows` (S, K, D) float32: entry n is the rows
offsets[n]:offsets[n + 1]. Several processes may add shards at the same time; what two of them hold is the same.

Shape letters: N entries, S rows of all entries, K layers, A rows of an entry, D width.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError, safe_open

from model.stored import Rows
from tokenization.atomic import scratch
from tokenization.errors import CheckpointError
from tokenization.fingerprint import of_value

SHARD_BYTES = 1 << 26


@dataclass(frozen=True)
class _Place:
    """Where an entry lies: a shard and its rows."""

    shard: int
    start: int
    stop: int


class VectorShelf:
    """A folder of rows under content addresses.

    Args:
        keep: whether what is put is kept; otherwise the folder is only read.

    Attributes:
        added: entries that were put and kept.

    Raises:
        CheckpointError: a shard is damaged.
    """

    def __init__(self, folder: Path, keep: bool) -> None:
        self.folder, self._keep, self.added = folder, keep, 0
        self._shards: list[safe_open] = []
        self._places: dict[bytes, _Place] = {}
        self._waiting: dict[bytes, Rows] = {}
        self._bytes = 0
        for path in sorted(folder.glob("*.safetensors")):
            self._open(path)

    def __len__(self) -> int:
        return len(self._places) + len(self._waiting)

    def get(self, address: bytes) -> Rows | None:
        """(K, A, D), or None where they are not there."""
        if address in self._waiting:
            return self._waiting[address]
        place = self._places.get(address)
        if place is None:
            return None
        rows_AKD = self._shards[place.shard].get_slice("rows")[place.start : place.stop]
        return np.ascontiguousarray(rows_AKD.transpose(1, 0, 2))

    def put(self, address: bytes, rows_KAD: Rows) -> None:
        """Keep (K, A, D) in memory, and on disk as soon as they make a shard."""
        if not self._keep:
            return
        self._waiting[address] = rows_KAD
        self.added += 1
        self._bytes += rows_KAD.nbytes
        if self._bytes >= SHARD_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what waits as a shard of its own.

        Raises:
            RunError: the disk is full.
        """
        if not self._waiting:
            return
        entries, offsets_N1 = list(self._waiting.values()), [0, *(rows.shape[1] for rows in self._waiting.values())]
        tensors = {
            "addresses": np.frombuffer(b"".join(self._waiting), dtype=np.uint8).reshape(len(entries), -1),
            "offsets": np.cumsum(offsets_N1, dtype=np.int64),
            "rows": np.ascontiguousarray(np.concatenate(entries, axis=1).transpose(1, 0, 2)),
        }
        path = self.folder / f"{of_value([address.hex() for address in self._waiting])}.safetensors"
        with scratch(self.folder) as temporary:
            (temporary / path.name).write_bytes(safetensors.numpy.save(tensors))
            (temporary / path.name).replace(path)
        self._waiting, self._bytes = {}, 0
        self._open(path)

    def _open(self, path: Path) -> None:
        try:
            shard = safe_open(path, framework="np")
            addresses_N16, offsets_N1 = shard.get_tensor("addresses"), shard.get_tensor("offsets").tolist()
        except (OSError, SafetensorError) as error:
            raise CheckpointError(
                f"{path}: cut short or damaged ({error}); remove it, and its rows are computed anew."
            ) from None
        spans = itertools.pairwise(offsets_N1)
        for address, (start, stop) in zip(_addresses(addresses_N16), spans, strict=True):
            self._places[address] = _Place(len(self._shards), start, stop)
        self._shards.append(shard)


def _addresses(addresses_N16: np.ndarray) -> Iterator[bytes]:
    return (row.tobytes() for row in addresses_N16)
