"""Addresses: every random choice is a pure function of names and counters; there is no generator state.

A key comes from names (seed, stage, stream, purpose). `bits(key, a, b)` is a counter-based generator: the
SplitMix64 finaliser (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators") applied to the
key and two counters. `permute` is a format-preserving permutation by a balanced Feistel network with cycle walking
(Black, Rogaway 2002, "Ciphers with arbitrary finite domains"), so that the k-th draw of an epoch costs the same
at any corpus size.

Shape letters: K draws, L draws asked last, C columns.
"""

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Key = np.uint64
U64 = NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_ROUNDS = 4


def key_of(*names: str | int) -> Key:
    """The key of a list of names; `("a", "bc")` and `("ab", "c")` differ."""
    text = "\x1f".join(str(name) for name in names)
    return np.uint64(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little"))


def derive(key: Key, purpose: str) -> Key:
    """The key of one purpose under a stream's key."""
    return key_of(int(key), purpose)


def bits(key: Key, a: Any, b: Any = 0) -> U64:
    """64 random bits for each pair of counters; `a` and `b` broadcast against each other."""
    a = np.asarray(a).astype(np.uint64)
    b = np.asarray(b).astype(np.uint64)
    with np.errstate(over="ignore"):
        first = _mix(key + _GOLDEN * (a + np.uint64(1)))
        return _mix(first + _GOLDEN * (b + np.uint64(1)))


def uniform(key: Key, a: Any, b: Any = 0) -> NDArray[np.float64]:
    """Uniform numbers in [0, 1) with 53 random bits each."""
    return (bits(key, a, b) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def below(key: Key, limit: Any, a: Any, b: Any = 0) -> NDArray[np.int64]:
    """Uniform integers in [0, limit)."""
    return np.floor(uniform(key, a, b) * np.asarray(limit)).astype(np.int64)


def permute(index: NDArray[np.int64], size: int, key: Key) -> NDArray[np.int64]:
    """Where each index of [0, size) goes under the key's permutation of [0, size)."""
    if size <= 1:
        return np.zeros_like(index)
    half = np.uint64(max(1, ((size - 1).bit_length() + 1) // 2))
    place = index.astype(np.uint64)
    todo = np.arange(len(place))
    while len(todo):
        place[todo] = _feistel(place[todo], half, key)
        todo = todo[place[todo] >= size]
    return place.astype(np.int64)


def epoch_draws(draws_K: NDArray[np.int64], size: int, key: Key) -> NDArray[np.int64]:
    """The items that draws k stand for when items 0 … size-1 are seen once per epoch, each epoch in a new order."""
    if size < 1:
        raise ValueError("an epoch needs at least one item")
    epochs_K, index_K = np.divmod(draws_K, size)
    items_K = np.empty_like(index_K)
    for epoch in np.unique(epochs_K):
        chosen = epochs_K == epoch
        items_K[chosen] = permute(index_K[chosen], size, key_of(int(key), "epoch", int(epoch)))
    return items_K


class DrawTable:
    """A row of integers for each draw, remembered for the draws asked last.

    A step asks for the lengths of all its draws and then for the draws of each micro-batch, which are among them.

    Args:
        compute: rows [L, C] for draws [L] that ascend, a pure function of each draw and the key.
    """

    def __init__(self, compute: Callable[[NDArray[np.int64], Key], NDArray[np.int64]]) -> None:
        self._compute = compute
        self._last = (Key(0), np.empty(0, dtype=np.int64), np.empty((0, 0), dtype=np.int64))

    def rows(self, draws_K: NDArray[np.int64], key: Key) -> NDArray[np.int64]:
        """The rows [K, C] of some draws."""
        last_key, last_L, rows_LC = self._last
        place_K = np.searchsorted(last_L, draws_K)
        known = key == last_key and len(last_L) and place_K.max(initial=0) < len(last_L)
        if not (known and np.array_equal(last_L[place_K], draws_K)):
            last_L, place_K = np.unique(draws_K, return_inverse=True)
            rows_LC = self._compute(last_L, key)
            self._last = key, last_L, rows_LC
        return rows_LC[place_K]


def _mix(x: Any) -> Any:
    x = x ^ (x >> np.uint64(30))
    x *= _MIX_1  # in place: x is new
    x ^= x >> np.uint64(27)
    x *= _MIX_2
    x ^= x >> np.uint64(31)
    return x


def _feistel(place: U64, half: np.uint64, key: Key) -> U64:
    mask = (np.uint64(1) << half) - np.uint64(1)
    left, right = place >> half, place & mask
    for turn in range(_ROUNDS):
        left, right = right, left ^ (bits(key, right, turn) & mask)
    return (left << half) | right
