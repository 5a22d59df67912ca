"""Duplicates over all units' sketches: candidates by equal keys, verified one by one, the earliest kept.

A document is dropped if it is a duplicate of an earlier one that is itself kept. Not of any earlier one: in a chain in
which B resembles A, and C resembles B but not A, only B goes; nothing goes that no kept document stands for. Documents
are numbered through all units, in order, so that what is dropped depends on neither workers nor memory.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tokenization import atomic
from tokenization.cleaning.buckets import Partitions, read_buckets, write_buckets
from tokenization.cleaning.candidates import SketchedCorpus
from tokenization.cleaning.documents import EXACT_DUPLICATE, NEAR_DUPLICATE, Dropped
from tokenization.cleaning.spec import CleanSpec

DUPLICATES = "duplicates.npy"

_ROW = np.dtype(
    [
        ("document", np.uint32),
        ("exact", np.bool_),
        ("kept_unit", np.uint32),
        ("kept_document", np.uint32),
        ("similarity", np.float32),
    ]
)
Row = tuple[int, bool, int, int, float]


@dataclass(frozen=True)
class Duplicate:
    """A duplicate, and the document that is kept in its stead.

    Attributes:
        kept_unit, kept_document: the unit of the one that is kept, and its number within it.
        exact: whether the two are equal but for white space.
        similarity: the Jaccard similarity of their n-grams.
    """

    kept_unit: int
    kept_document: int
    exact: bool
    similarity: float

    @property
    def reason(self) -> str:
        return EXACT_DUPLICATE if self.exact else NEAR_DUPLICATE

    def dropped(self, kept: str) -> Dropped:
        """Why it is dropped, where `kept` says which document is kept."""
        near = f"{self.similarity:.0%} of its n-grams and those of {kept} are shared"
        return Dropped(self.reason, f"equal to {kept}" if self.exact else near)


def find_duplicates(folders: Sequence[Path], clean: CleanSpec, work: Path) -> None:
    """Compare the sketches of all units and write the duplicates of each unit into its folder.

    Doing it again writes the same again.

    Args:
        folders: what `write_sketches` wrote, in the units' order.
        work: a folder for what does not fit in memory, about 16 bytes per document and key; made if it is not there,
            and left empty.
    """
    corpus = SketchedCorpus(folders, clean)
    with atomic.scratch(work) as folder:
        partitions = Partitions.for_documents(folder, corpus.documents)
        for unit in range(len(folders)):
            corpus.add_keys(unit, partitions)
        room = write_buckets(partitions, corpus.keys, folder)
        finished, rows = 0, list[Row]()
        for unit, row in _decide(corpus, folder, room):
            while finished < unit:
                _write(folders[finished], rows)
                finished, rows = finished + 1, []
            rows.append(row)
        for number in range(finished, len(folders)):
            _write(folders[number], rows if number == finished else [])


def _decide(corpus: SketchedCorpus, folder: Path, room: int) -> Iterator[tuple[int, Row]]:
    """Each duplicate, ascending: its unit, and what is written of it.

    Of each bucket only the documents that were kept are looked at, so that a thousand copies of a page cost a thousand
    comparisons and not half a million.
    """
    kept = np.memmap(folder / "kept.bin", dtype=np.uint64, mode="w+", shape=(room + 1,))  # an empty file cannot be
    for document, buckets in read_buckets(folder, corpus.documents):
        earlier = [kept[bucket + 1 : bucket + 1 + int(kept[bucket])] for bucket in buckets.tolist()]
        found = corpus.first_like(document, np.unique(np.concatenate(earlier)).astype(np.int64))
        if found:
            (unit, inside), (kept_unit, kept_inside) = corpus.place(document), corpus.place(found.kept)
            yield unit, (inside, found.exact, kept_unit, kept_inside, found.similarity)
        else:
            kept[buckets] += np.uint64(1)
            kept[buckets + kept[buckets].astype(np.int64)] = document


def _write(folder: Path, rows: Sequence[Row]) -> None:
    with atomic.aside(folder / DUPLICATES) as temporary, open(temporary, "wb") as file:
        np.save(file, np.array(rows, dtype=_ROW))


def read_duplicates(folder: Path) -> dict[int, Duplicate]:
    """A unit's duplicates by their numbers within the unit."""
    return {
        int(row["document"]): Duplicate(
            int(row["kept_unit"]), int(row["kept_document"]), bool(row["exact"]), float(row["similarity"])
        )
        for row in np.load(folder / DUPLICATES)
    }
