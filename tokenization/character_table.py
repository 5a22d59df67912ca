"""Which characters always stand alone, whatever is beside them, and which id they have.

BertNormalizer maps each character by itself; the one exception, the canonical order of combining marks, never moves a
mark across white space or punctuation. BertPreTokenizer drops white space and makes each punctuation mark a word. So a
character whose image begins and ends with either is cut off on both sides in every text: white space, punctuation and
(where the normalizer puts spaces round them) Chinese characters. The tokenizer itself is asked, once per character.

Legend: L characters of a text.
"""

import numpy as np
import tokenizers
from numpy.typing import NDArray

NOTHING, IN_WORD, UNSEEN = -1, -2, -3


class CharacterTable:
    """For each code point: its id where it always stands alone, else NOTHING (white space) or IN_WORD."""

    def __init__(self, raw: tokenizers.Tokenizer) -> None:
        self._raw = raw
        self._meanings = np.full(0x110000, UNSEEN, dtype=np.int32)

    def look_up(self, codes_L: NDArray[np.uint32]) -> NDArray[np.int32]:
        """The meaning of each character."""
        meanings_L = self._meanings.take(codes_L)
        unseen = np.unique(codes_L[meanings_L == UNSEEN])
        if len(unseen):
            self._meanings[unseen] = [self._meaning(chr(code)) for code in unseen]
            meanings_L = self._meanings.take(codes_L)
        return meanings_L

    def _meaning(self, character: str) -> int:
        normal = self._raw.normalizer.normalize_str(f"a{character}a")
        words = [word for word, _ in self._raw.pre_tokenizer.pre_tokenize_str(normal)]
        if len(words) < 2 or words[0] != "a" or words[-1] != "a":
            return IN_WORD
        ids: list[int] = self._raw.encode(character, add_special_tokens=False).ids
        # A character of several tokens is left to the words, which the tokenizer cuts in any case.
        return NOTHING if not ids else ids[0] if len(ids) == 1 else IN_WORD
