"""Scripts that are written without spaces between words: there, each character counts as a word.

Han, Kana, Bopomofo, Thai, Lao, Khmer, Myanmar, Tibetan and Yi, by Unicode's blocks, which no later version moves.
"""

import re

# The inside of a character class; of these blocks, letters, digits and marks are meant.
UNSPACED = (
    r"\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u19e0-\u19ff\u3040-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf"
    r"\u4e00-\u9fff\ua000-\ua48f\ua9e0-\ua9ff\uaa60-\uaa7f\uf900-\ufaff\uff66-\uff9f"
    r"\U000116d0-\U000116ff\U0001aff0-\U0001b16f\U00020000-\U0003ffff"
)
_ONE = re.compile(f"[{UNSPACED}]")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")


def is_unspaced(character: str) -> bool:
    """Whether a character is of a script that is written without spaces."""
    return _ONE.match(character) is not None


def has_han(text: str) -> bool:
    """Whether a text has Han characters."""
    return _HAN.search(text) is not None
