"""Which documents share a key: by partitions of the keys' range, so that memory holds one partition at a time.

Records (key, document) are appended to a file per band and partition; each file is then sorted, and what shares its
key becomes a bucket. A bucket is named by its place in an array that has, for each bucket, room for a count and for its
documents; each document's buckets are written to the file of the range of documents that it is in.

Letters: D documents, B bands, E records.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokenization.cleaning.ngrams import I64, U64

PARTITION = 1 << 20
RANGE = 1 << 16

_RECORD = np.dtype([("key", np.uint64), ("document", np.uint64)])


@dataclass(frozen=True)
class Partitions:
    """Files of records, by band and by the keys' highest bits.

    Attributes:
        folder: where they lie.
        bits: 2^bits partitions a band.
    """

    folder: Path
    bits: int

    @classmethod
    def for_documents(cls, folder: Path, documents: int) -> "Partitions":
        """As many partitions as leave about `PARTITION` records in each."""
        return cls(folder, max(0, (documents - 1) // PARTITION).bit_length())

    def add(self, band: int, keys_D: U64, documents_D: I64) -> None:
        """Append records of a band; documents ascend from call to call."""
        records = np.empty(len(keys_D), dtype=_RECORD)
        records["key"], records["document"] = keys_D, documents_D
        parts_D = keys_D >> np.uint64(64 - self.bits) if self.bits else np.zeros(len(keys_D), dtype=np.uint64)
        for part in np.unique(parts_D):
            _append(self._file(band, int(part)), records[parts_D == part])

    def files(self, bands: int) -> Iterator[Path]:
        """The files that were written, band by band."""
        every = (self._file(band, part) for band in range(bands) for part in range(1 << self.bits))
        return (file for file in every if file.exists())

    def _file(self, band: int, part: int) -> Path:
        return self.folder / f"keys-{band:04d}-{part:06d}.bin"


def write_buckets(partitions: Partitions, bands: int, folder: Path) -> int:
    """Sort each partition, write the buckets of each document, and say how much room all buckets need."""
    room = 0
    for file in partitions.files(bands):
        records = np.fromfile(file, dtype=_RECORD)
        file.unlink()
        records = records[np.argsort(records["key"], kind="stable")]
        firsts = np.flatnonzero(changes(records["key"]))
        sizes = np.diff(firsts, append=len(records))
        several = np.repeat(sizes > 1, sizes)
        sizes = sizes[sizes > 1]
        rooms = sizes + 1
        records["key"][several] = np.repeat(room + np.cumsum(rooms) - rooms, sizes)
        _append_by_range(folder, records[several])
        room += int(rooms.sum())
    return room


def read_buckets(folder: Path, documents: int) -> Iterator[tuple[int, I64]]:
    """Each document that is in any bucket, ascending, with its buckets."""
    for number in range((documents + RANGE - 1) // RANGE):
        file = _range_file(folder, number)
        if file.exists():
            records = np.fromfile(file, dtype=_RECORD)
            records = records[np.argsort(records["document"], kind="stable")]
            firsts = np.flatnonzero(changes(records["document"]))
            groups = np.split(records["key"].astype(np.int64), firsts[1:])
            yield from zip(records["document"][firsts].tolist(), groups, strict=True)


def changes(values: NDArray) -> NDArray[np.bool_]:
    """Where a sorted array's runs of equal values begin."""
    begins = np.ones(len(values), dtype=np.bool_)
    np.not_equal(values[1:], values[:-1], out=begins[1:])
    return begins


def _append_by_range(folder: Path, records: NDArray[np.void]) -> None:
    numbers = records["document"] // np.uint64(RANGE)
    for number in np.unique(numbers):
        _append(_range_file(folder, int(number)), records[numbers == number])


def _range_file(folder: Path, number: int) -> Path:
    return folder / f"buckets-{number:06d}.bin"


def _append(path: Path, records: NDArray[np.void]) -> None:
    with open(path, "ab") as file:
        records.tofile(file)
