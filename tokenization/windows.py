"""Windows of a corpus: consecutive sentences of one document, at most a budget of content tokens.

The index is cut once, shard by shard, mapped afterwards, and lies beside the corpus under a name made of what it
depends on. Whatever a source wants to know of all windows together is counted then, so that opening an index costs the
same at any size. Where sources have weights, a document's windows are there as often as an epoch is to see them.

Letters: W windows, P windows that can be split in two.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenization import atomic
from tokenization.corpus import Corpus
from tokenization.errors import DataError
from tokenization.locking import locked
from tokenization.shard_files import mapped
from tokenization.window_counts import Counted, Summary
from tokenization.window_cut import ROW, cut_shards

I64 = NDArray[np.int64]
_PLACE = np.dtype("<i8")
_VERSION = 3


@dataclass(frozen=True)
class Windows:
    """A window index, mapped: views of one table, a row a window, in the order of the corpus.

    Attributes:
        start_W: int64, the global token where the window starts.
        length_W: int32, its content tokens (specials not counted), from 1 to the budget.
        split_W: int32, the content offset of the sentence bound nearest the middle; 0 where it is one sentence.
        document_W: int64, the document it is cut from.
        pairs_P: int64, the windows that can be split in two, ascending.
        summary: what was counted when it was cut.
    """

    start_W: I64
    length_W: NDArray[np.int32]
    split_W: NDArray[np.int32]
    document_W: I64
    pairs_P: I64
    summary: Summary

    def __len__(self) -> int:
        return len(self.start_W)


def window_index(corpus: Corpus, budget: int, held_out: bool) -> Windows:
    """Open the windows of the held-out documents or of all others; cut them where that was never done.

    Sentences are packed greedily. Every token is in exactly one window, and that is there once: as often as `times_D`
    says where the corpus has weights, side by side; held-out documents are never repeated. A sentence longer than the
    budget is cut into budget-sized pieces. Where a document's last window would be a single sentence, it takes one over
    from a window of three or more before it, so that both can be split in two.

    Raises:
        DataError: the index on disk is cut short.
    """
    if budget < 1:
        raise ValueError(f"a window holds at least one token, not {budget}")
    files = _Files.of(corpus.folder / "windows", f"{'held-out' if held_out else 'training'}-{budget}-v{_VERSION}")
    if not files.summary.is_file() and corpus.read_only:
        return _in_memory(cut_shards(corpus, budget, held_out))
    if not files.summary.is_file():
        with locked(files.summary.parent / "lock"):
            if not files.summary.is_file():
                _write(files, cut_shards(corpus, budget, held_out))
    summary = Summary(**json.loads(files.summary.read_text(encoding="utf-8")))
    return _views(_map(files.table, ROW, summary.windows), _map(files.pairs, _PLACE, summary.pairs), summary)


@dataclass(frozen=True)
class _Files:
    """Where an index lies; the summary is written last and marks it whole."""

    table: Path
    pairs: Path
    summary: Path

    @staticmethod
    def of(folder: Path, name: str) -> "_Files":
        return _Files(folder / f"{name}.bin", folder / f"pairs-{name}.bin", folder / f"{name}.json")


def _views(table: NDArray[np.void], pairs_P: I64, summary: Summary) -> Windows:
    return Windows(table["start"], table["length"], table["split"], table["document"], pairs_P, summary)


def _in_memory(tables: Iterator[NDArray[np.void]]) -> Windows:
    table = np.concatenate([np.empty(0, dtype=ROW), *tables])
    counted = Counted()
    return _views(table, counted.add(table), counted.summary())


def _write(files: _Files, tables: Iterator[NDArray[np.void]]) -> None:
    """Append shard after shard: no more than one shard's windows are in memory."""
    counted = Counted()
    with (
        atomic.aside(files.table) as table_file,
        atomic.aside(files.pairs) as pairs_file,
        open(table_file, "wb") as rows,
        open(pairs_file, "wb") as places,
    ):
        for table in tables:
            rows.write(table.tobytes())
            places.write(counted.add(table).astype(_PLACE).tobytes())
    atomic.write_json(files.summary, asdict(counted.summary()))


def _map(path: Path, dtype: np.dtype[Any], count: int) -> NDArray[Any]:
    size = path.stat().st_size if path.is_file() else 0
    if size != count * dtype.itemsize:
        how = "cut short" if size < count * dtype.itemsize else "too long"
        raise DataError(
            f"{path}: {how}: {size} bytes where {count} windows take {count * dtype.itemsize}. "
            f"Remove {path.parent} and run the same command again."
        )
    return mapped(path, dtype)
