"""Which entries of a vocabulary continue the word of the piece before them.

    WordPiece            `##` says it
    byte-level BPE       a word begins at `Ġ`, the space before it
    Unigram, other BPE   a word begins at `▁`, the space before it

The marks of the last two are spaces only. What else begins a word is told from the piece: punctuation is a word of its
own, and so is a piece in a script that is written without spaces. (A word right after an opening quote still joins it.)

Letters: V vocabulary.
"""

import unicodedata
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from tokenizers import decoders

from tokenization.unspaced import is_unspaced
from tokenization.vocabulary import Tokenizer

_FRAGMENT = "\ufffd"


@lru_cache(maxsize=4)
def continues_vocabulary(tokenizer: Tokenizer) -> NDArray[np.bool_]:
    """Whether each id continues the word of the token before it, bool [V]; special tokens never do."""
    pieces = [tokenizer.piece(number) for number in range(tokenizer.size)]
    if tokenizer.kind == "WordPiece":
        table_V = np.array([piece.startswith("##") for piece in pieces])
    else:
        table_V = np.array([_goes_on(text) for text in _texts(pieces)])
    table_V[list(tokenizer.specials)] = False
    table_V.setflags(write=False)
    return table_V


def _texts(pieces: list[str]) -> list[str]:
    """Pieces as text, the space before a word included."""
    if any(piece.startswith("Ġ") for piece in pieces):  # every alphabet of bytes has it: the byte of the space
        bytes_as_letters = decoders.ByteLevel()
        return [bytes_as_letters.decode([piece]) for piece in pieces]
    return [piece.replace("▁", " ") for piece in pieces]


def _goes_on(text: str) -> bool:
    """Whether a text without a space before it goes on with a word: by a letter, digit or mark, or bytes of one."""
    first = text[:1]
    if first == _FRAGMENT:
        return True
    return unicodedata.category(first or " ")[0] in "LNM" and not is_unspaced(first)
