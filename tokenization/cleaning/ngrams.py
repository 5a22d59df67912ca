"""Text → the units it is compared by → hashes of runs of units, by numpy over code points.

A unit is a run of letters, digits and marks; in scripts without spaces between words (Han, Kana, Thai …) each character
is one. Case and width are folded; white space, punctuation and emoji only part units.

Let t[c] be a fixed random 64-bit number for each folded code point and W an odd constant. All sums are modulo 2^64.
A unit c_0 … c_m hashes to u = mix(Σ t[c_j] · W^j), and n of them in a row to mix(Σ u_k · C^k), where C is another
odd constant and mix is the finaliser of splitmix64 (Steele, Lea, Flood 2014), a bijection in which each bit depends on
all. Order and length count, and what is a function of the text alone stays so on every machine. `units_of` is the plain
twin: the units themselves.

Letters: K code points, U units, G n-grams.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from tokenization.cleaning.code_points import ALL, U8, code_points, folded, table_of
from tokenization.unspaced import is_unspaced

I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]

_PART_OF_WORD, _UNIT_OF_ITS_OWN = 1, 2
_UNIT_BASE = np.uint64(0x9E3779B97F4A7C15)
_RUN_BASE = np.uint64(0xD1342543DE82EF95)
_INVERSE = np.uint64(pow(int(_RUN_BASE), -1, 1 << 64))
# Words are shorter; where one is not, its letters' weights repeat from here.
_WEIGHTS = 256


@dataclass(frozen=True)
class Units:
    """A text's units.

    Attributes:
        hashes_U: uint64.
        starts_U: the code point that each begins at, ascending.
        is_character_U: which are single characters of scripts without spaces.
    """

    hashes_U: U64
    starts_U: I64
    is_character_U: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.hashes_U)


def hash_units(text: str) -> Units:
    """Find a text's units and hash them."""
    points_K = code_points(text)
    kinds_K = _kinds()[points_K]
    places_P = np.flatnonzero(kinds_K)  # P: code points that are not skipped
    if not len(places_P):
        return Units(np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.bool_))
    before_K = np.zeros_like(kinds_K)
    before_K[1:] = kinds_K[:-1]
    begins_P = ((kinds_K == _UNIT_OF_ITS_OWN) | (before_K != _PART_OF_WORD))[places_P]
    firsts_U = np.flatnonzero(begins_P)
    lengths_U = np.diff(firsts_U, append=len(places_P))
    within_P = np.arange(len(places_P)) - np.repeat(firsts_U, lengths_U)
    terms_P = _letters()[points_K[places_P]] * _weights()[within_P & (_WEIGHTS - 1)]
    starts_U = places_P[firsts_U]
    return Units(mixed(np.add.reduceat(terms_P, firsts_U)), starts_U, kinds_K[starts_U] == _UNIT_OF_ITS_OWN)


def hash_ngrams(hashes_U: U64, length: int) -> U64:
    """The hash of each run of `length` units, by its first unit; none where there are fewer units."""
    if len(hashes_U) < length:
        return np.empty(0, dtype=np.uint64)
    return mixed(_sums(hashes_U, length))


def _sums(hashes_U: U64, length: int) -> U64:
    """Σ u_k · C^k of each run: a run is two of half its length, and one more unit where it is odd."""
    if length == 1:
        return hashes_U
    half = length // 2
    halves = _sums(hashes_U, half)
    sums = halves[:-half] + halves[half:] * _power(half)
    return sums[:-1] + hashes_U[2 * half :] * _power(2 * half) if length % 2 else sums


def hash_spans(hashes_U: U64, starts_G: I64, stops_G: I64) -> U64:
    """The same hash of runs of any lengths, units start … stop - 1 each, by differences of the sums from the start."""
    count = len(hashes_U)
    sums_U1 = np.zeros(count + 1, dtype=np.uint64)
    np.cumsum(hashes_U * _powers(_RUN_BASE, count), out=sums_U1[1:])
    # An odd number has an inverse modulo 2^64, so that C^start can be divided out.
    return mixed((sums_U1[stops_G] - sums_U1[starts_G]) * _powers(_INVERSE, count)[starts_G])


def _power(exponent: int) -> np.uint64:
    return np.uint64(pow(int(_RUN_BASE), exponent, 1 << 64))


def _powers(base: np.uint64, count: int) -> U64:
    """base^0 … base^(count - 1)."""
    powers = np.full(count, base, dtype=np.uint64)
    powers[:1] = 1
    return np.multiply.accumulate(powers)


def mixed(values: U64) -> U64:
    """The finaliser of splitmix64, element by element."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def units_of(text: str) -> list[str]:
    """A text's units as strings: what `hash_units` hashes, one for one, and slow."""
    plain = "".join(map(chr, folded()[code_points(text)]))
    kinds = "".join(map(str, _kinds()[code_points(text)]))
    return [plain[found.start() : found.end()] for found in re.finditer("1+|2", kinds)]


@cache
def _kinds() -> U8:
    """For each code point 0: parts units, 1: part of a word, 2: a unit of its own."""

    def kind(character: str) -> int:
        if unicodedata.category(character)[0] not in "LMN":
            return 0
        return _UNIT_OF_ITS_OWN if is_unspaced(character) else _PART_OF_WORD

    return table_of(kind)


@cache
def _letters() -> U64:
    """A random number for each code point, the same for those that are folded together."""
    return mixed(np.arange(1, ALL + 1, dtype=np.uint64) * _UNIT_BASE)[folded()]


@cache
def _weights() -> U64:
    return _powers(_UNIT_BASE, _WEIGHTS)
