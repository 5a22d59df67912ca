"""Packing items into micro-batches of a token budget, balanced, and the same for any number of ranks.

Shape letters: K items, M micro-batches.
"""

import heapq

import numpy as np

from tokenization.errors import RecipeError
from training.sequences import I64


def pack(lengths_K: I64, budget: int) -> list[I64]:
    """Deal items into as few micro-batches of at most `budget` tokens as balanced dealing finds.

    Longest first, each to the micro-batch with the fewest tokens (Graham 1969, "Bounds on multiprocessing timing
    anomalies"); when one overflows, one more micro-batch is opened and the dealing starts again.

    Returns:
        for each micro-batch the indices of its items, longest first.

    Raises:
        RecipeError: an item is larger than the budget.
    """
    if len(lengths_K) == 0:
        return []
    if int(lengths_K.max()) > budget:
        raise RecipeError(
            f"engine.micro_batch_tokens is {budget}, but an item of {int(lengths_K.max())} tokens was drawn: "
            "items are never cut apart. Give a larger micro-batch or shorter sequences."
        )
    order_K = np.argsort(-lengths_K, kind="stable")
    bins = max(1, -(-int(lengths_K.sum()) // budget))
    while (dealt := _deal(order_K, lengths_K, bins, budget)) is None:
        bins += 1
    return dealt


def _deal(order_K: I64, lengths_K: I64, bins: int, budget: int) -> list[I64] | None:
    loads = [(0, place) for place in range(bins)]
    members: list[list[int]] = [[] for _ in range(bins)]
    for item in order_K.tolist():
        load, place = heapq.heappop(loads)
        load += int(lengths_K[item])
        if load > budget:
            return None
        members[place].append(item)
        heapq.heappush(loads, (load, place))
    return [np.asarray(member, dtype=np.int64) for member in members if member]
