"""Text as an array of code points, and tables over all code points, so that text can be sorted out by numpy.

Letter: K code points.
"""

import unicodedata
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
U32 = NDArray[np.uint32]

ALL = 0x110000
# Above the first two planes there are only Han characters (planes 2 and 3) and what is no text (tags, private use).
_NAMED = 0x20000
_HAN_ABOVE = range(0x20000, 0x323B0)


def code_points(text: str) -> U32:
    """The code points of a text, in order; half surrogate pairs, which JSON can smuggle in, count as what they are."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def table_of(value: Callable[[str], int]) -> U8:
    """A small number for each code point, 0 for what is no text; Han characters of the higher planes are alike."""
    table_K = np.zeros(ALL, dtype=np.uint8)
    table_K[:_NAMED] = [value(chr(point)) for point in range(_NAMED)]
    table_K[_HAN_ABOVE.start : _HAN_ABOVE.stop] = value(chr(_HAN_ABOVE.start))
    return table_K


@cache
def folded() -> U32:
    """For each code point its small letter, in ordinary width: what texts are compared by.

    Only where that is a single code point; others stand for themselves.
    """
    table_K = np.arange(ALL, dtype=np.uint32)
    table_K[:_NAMED] = [ord(_fold(chr(point))) for point in range(_NAMED)]
    return table_K


def _fold(character: str) -> str:
    plain = unicodedata.normalize("NFKC", character)
    lower = (plain if len(plain) == 1 else character).lower()
    return lower if len(lower) == 1 else character
