"""Taking out control and invisible format characters.

Unicode's classes Cc and Cf go (NUL, escape, soft hyphen, zero-width space, byte order and direction marks, tags), and
halves of surrogate pairs, which are no characters at all. Tabs, \\n and \\r stay. Other controls that end a line for
`str.splitlines` (form feed, NEL …) become \\n, so that no words are joined. The zero-width joiner and non-joiner stay:
they are spelling in Persian and in the scripts of India, and hold emoji together.
"""

import unicodedata
from functools import cache

import numpy as np

from tokenization.cleaning.code_points import U8, code_points, table_of

_STAYS, _GOES, _ENDS_A_LINE = 0, 1, 2
_TAGS = range(0xE0000, 0xE0080)


def without_control(text: str) -> str:
    """The text without control and invisible format characters."""
    points_K = code_points(text)
    acts_K = _acts()[points_K]
    if not acts_K.any():
        return text
    plain_K = np.where(acts_K == _ENDS_A_LINE, np.uint32(ord("\n")), points_K)[acts_K != _GOES]
    return plain_K.astype("<u4").tobytes().decode("utf-32-le")


@cache
def _acts() -> U8:
    def act(character: str) -> int:
        if character in "\t\n\r\u200c\u200d" or unicodedata.category(character) not in ("Cc", "Cf", "Cs"):
            return _STAYS
        return _ENDS_A_LINE if len(f"a{character}a".splitlines()) == 2 else _GOES

    table_K = table_of(act)
    table_K[_TAGS.start : _TAGS.stop] = [act(chr(point)) for point in _TAGS]
    return table_K
