"""Cutting windows: consecutive sentences of one document, packed up to a budget of content tokens.

Letters: W windows, U units (a sentence, or a budget-sized piece of a longer one), D documents, S sentences.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tokenization.corpus import Corpus, Shard

I64 = NDArray[np.int64]
ROW = np.dtype([("start", "<i8"), ("document", "<i8"), ("length", "<i4"), ("split", "<i4")])


def cut_shards(corpus: Corpus, budget: int, held_out: bool) -> Iterator[NDArray[np.void]]:
    """A table of windows (`ROW`) for each shard that has any, a window as often as an epoch is to see it."""
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
    table = np.empty(len(first_W), dtype=ROW)
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
