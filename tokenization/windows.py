"""Windows of a corpus: consecutive sentences of one document, at most a budget of content tokens.

The index is cut once, shard by shard, mapped afterwards, and lies beside the corpus under a name made of what it
depends on. Whatever a source wants to know of all windows together is counted then, so that opening an index costs the
same at any size. Where sources have weights, a document's windows are there as often as an epoch is to see them.

Letters: W windows, P windows that can be split in two, U units (a sentence, or a budget-sized piece of a longer one),
D documents, S sentences.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenization import atomic
from tokenization.corpus import Corpus, Shard
from tokenization.errors import DataError
from tokenization.locking import locked
from tokenization.shard_files import mapped

I64 = NDArray[np.int64]
_ROW = np.dtype([("start", "<i8"), ("document", "<i8"), ("length", "<i4"), ("split", "<i4")])
_PLACE = np.dtype("<i8")
_VERSION = 3


@dataclass(frozen=True)
class Summary:
    """An index as a whole; 0 where there are too few windows to say.

    Attributes:
        windows, pairs: how many there are, and how many of them can be split in two.
        mean_length, longest: content tokens of its windows.
        pair_mean_length: the mean of those that can be split in two.
        pair_documents: the documents that these are cut from.
        pair_same_document: the chance that two of these, drawn without replacement, are of one document.
    """

    windows: int
    pairs: int
    mean_length: float
    longest: int
    pair_mean_length: float
    pair_documents: int
    pair_same_document: float


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
        return _in_memory(_cut_shards(corpus, budget, held_out))
    if not files.summary.is_file():
        with locked(files.summary.parent / "lock"):
            if not files.summary.is_file():
                _write(files, _cut_shards(corpus, budget, held_out))
    summary = Summary(**json.loads(files.summary.read_text(encoding="utf-8")))
    return _views(_map(files.table, _ROW, summary.windows), _map(files.pairs, _PLACE, summary.pairs), summary)


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
    table = np.concatenate([np.empty(0, dtype=_ROW), *tables])
    counted = _Counted()
    return _views(table, counted.add(table), counted.summary())


def _write(files: _Files, tables: Iterator[NDArray[np.void]]) -> None:
    """Append shard after shard: no more than one shard's windows are in memory."""
    counted = _Counted()
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


@dataclass
class _Counted:
    """What is counted over the windows, shard by shard; no document crosses a shard."""

    windows: int = 0
    tokens: int = 0
    longest: int = 0
    pairs: int = 0
    pair_tokens: int = 0
    pair_documents: int = 0
    couples: int = 0  # ordered, of two splittable windows of one document

    def add(self, table: NDArray[np.void]) -> I64:
        """Count some windows; the places, among all, of those that can be split."""
        pairs_P = np.flatnonzero(table["split"] > 0)
        count_D = np.unique(table["document"][pairs_P], return_counts=True)[1].astype(np.int64)
        places_P = pairs_P + self.windows
        self.windows += len(table)
        self.tokens += int(table["length"].sum(dtype=np.int64))
        self.longest = max(self.longest, int(table["length"].max(initial=0)))
        self.pairs += len(pairs_P)
        self.pair_tokens += int(table["length"][pairs_P].sum(dtype=np.int64))
        self.pair_documents += len(count_D)
        self.couples += int((count_D * (count_D - 1)).sum())
        return places_P

    def summary(self) -> Summary:
        return Summary(
            windows=self.windows,
            pairs=self.pairs,
            mean_length=self.tokens / self.windows if self.windows else 0.0,
            longest=self.longest,
            pair_mean_length=self.pair_tokens / self.pairs if self.pairs else 0.0,
            pair_documents=self.pair_documents,
            pair_same_document=self.couples / (self.pairs * (self.pairs - 1)) if self.pairs > 1 else 0.0,
        )


def _cut_shards(corpus: Corpus, budget: int, held_out: bool) -> Iterator[NDArray[np.void]]:
    for number, entry in enumerate(corpus.manifest.shards):
        shard = corpus.shard(number)
        here = slice(shard.first_document, shard.first_document + entry.documents)
        times_D = np.ones(entry.documents, dtype=np.int64) if held_out else corpus.times_D[here]
        units = _units(shard, budget, (corpus.is_held_out_D[here] == held_out) & (times_D > 0))
        if len(units.start_U):
            table = _cut(units, budget)
            yield table if held_out else np.repeat(table, times_D[table["document"] - shard.first_document])


@dataclass(frozen=True)
class _Units:
    """What is packed: global start, length and document of each unit."""

    start_U: I64
    length_U: I64
    document_U: I64


def _units(shard: Shard, budget: int, chosen_D: NDArray[np.bool_]) -> _Units:
    """The sentences of the chosen documents, those longer than the budget in pieces."""
    document_S = np.repeat(np.arange(len(chosen_D)), shard.counts_D)
    wanted_S = chosen_D[document_S]
    start_S, length_S = shard.sentences_S1[:-1][wanted_S], shard.lengths_S[wanted_S].astype(np.int64)
    pieces_S = -(-length_S // budget)
    first_U = np.repeat(np.cumsum(pieces_S) - pieces_S, pieces_S)
    skipped_U = budget * (np.arange(len(first_U)) - first_U)
    return _Units(
        start_U=shard.first_token + np.repeat(start_S, pieces_S) + skipped_U,
        length_U=np.minimum(budget, np.repeat(length_S, pieces_S) - skipped_U),
        document_U=shard.first_document + np.repeat(document_S[wanted_S], pieces_S),
    )


def _cut(units: _Units, budget: int) -> NDArray[np.void]:
    """One shard's windows."""
    ends_U1 = np.concatenate([[0], np.cumsum(units.length_U)])
    first_W = _share_last(_greedy(units, ends_U1, budget), units, budget)
    stop_W = np.append(first_W[1:], len(units.start_U))
    table = np.empty(len(first_W), dtype=_ROW)
    table["start"] = units.start_U[first_W]
    table["document"] = units.document_U[first_W]
    table["length"] = ends_U1[stop_W] - ends_U1[first_W]
    table["split"] = _splits(first_W, stop_W, ends_U1)
    return table


def _greedy(units: _Units, ends_U1: I64, budget: int) -> I64:
    """The first unit of each window."""
    fitting_U = np.searchsorted(ends_U1, ends_U1[:-1] + budget, side="right") - 1
    document_stop_U = np.searchsorted(units.document_U, units.document_U, side="right")
    # Where each window ends is known for all possible starts at once; only the chain of starts is walked.
    following = np.minimum(fitting_U, document_stop_U).tolist()
    firsts = []
    at = 0
    while at < len(following):
        firsts.append(at)
        at = following[at]
    return np.array(firsts, dtype=np.int64)


def _share_last(first_W: I64, units: _Units, budget: int) -> I64:
    """Move one unit over to a document's last window of one unit, where the window before has three or more."""
    count_W = np.diff(first_W, append=len(units.start_U))
    document_W = units.document_U[first_W]
    ends_document_W = np.append(document_W[1:] != document_W[:-1], True)
    follows_W = np.append(False, document_W[1:] == document_W[:-1])
    roomy_W = np.append(False, count_W[:-1] >= 3)
    fits_W = units.length_U[first_W] + units.length_U[first_W - 1] <= budget
    return first_W - ((count_W == 1) & ends_document_W & follows_W & roomy_W & fits_W)


def _splits(first_W: I64, stop_W: I64, ends_U1: I64) -> I64:
    """For each window the bound between two units that is nearest the middle (the earlier of two), as an offset."""
    begin_W, end_W = ends_U1[first_W], ends_U1[stop_W]
    # All in halves, so that the middle is exact.
    after_W = np.clip(np.searchsorted(2 * ends_U1, begin_W + end_W), first_W + 1, np.maximum(stop_W - 1, first_W + 1))
    before_W = np.maximum(after_W - 1, first_W + 1)
    distance_after_W = np.abs(2 * ends_U1[after_W] - begin_W - end_W)
    distance_before_W = np.abs(2 * ends_U1[before_W] - begin_W - end_W)
    nearest_W = np.where(distance_before_W <= distance_after_W, before_W, after_W)
    return np.where(stop_W - first_W > 1, ends_U1[nearest_W] - begin_W, 0)
