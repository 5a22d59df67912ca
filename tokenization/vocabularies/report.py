"""How well a vocabulary fits a text: what it does not know, and into how many pieces it cuts words.

Letters: T tokens, W words, C characters, N texts.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tokenization.unspaced import UNSPACED
from tokenization.vocabulary import Tokenizer

# A run of letters and digits; of scripts that are written without spaces each character.
_WORD = re.compile(rf"(?=\w)[{UNSPACED}]|[^\W_{UNSPACED}]+")


@dataclass(frozen=True)
class VocabularyReport:
    """Counts over some texts; shares are 0 where there is nothing to count.

    Attributes:
        characters: white space apart.
        words: runs of letters and digits; of scripts that are written without spaces each character.
        pieces: tokens that begin within words; pieces / words is also called fertility.
        whole: words that are one known token.
    """

    characters: int
    tokens: int
    unknown: int
    words: int
    pieces: int
    whole: int

    @property
    def unknown_share(self) -> float:
        return self.unknown / max(1, self.tokens)

    @property
    def pieces_per_word(self) -> float:
        return self.pieces / max(1, self.words)

    @property
    def whole_share(self) -> float:
        return self.whole / max(1, self.words)

    @property
    def tokens_per_character(self) -> float:
        return self.tokens / max(1, self.characters)

    def __str__(self) -> str:
        return (
            f"{self.unknown_share:.3%} of tokens unknown, {self.pieces_per_word:.2f} pieces a word, "
            f"{self.whole_share:.1%} of words whole, {self.tokens_per_character:.2f} tokens a character"
        )


def vocabulary_report(tokenizer: Tokenizer, texts: Sequence[str]) -> VocabularyReport:
    """Cut texts and count."""
    found = tokenizer.encode_places(texts)
    sizes_N = np.array([len(text) for text in texts], dtype=np.int64)
    starts_N = np.cumsum(sizes_N) - sizes_N
    joined = "".join(texts)
    places_T = found.places_T + np.repeat(starts_N, found.lengths_N)
    spans_W2 = np.array(_words(texts, starts_N.tolist()), dtype=np.int64).reshape(-1, 2)
    word_T = _word_of(places_T, spans_W2, joined)
    unknown_T = found.ids_T == tokenizer.unk
    pieces_W = np.bincount(word_T[word_T >= 0], minlength=len(spans_W2))
    unknown_W = np.bincount(word_T[(word_T >= 0) & unknown_T], minlength=len(spans_W2))
    return VocabularyReport(
        characters=sum(not character.isspace() for character in joined),
        tokens=len(found.ids_T),
        unknown=int(unknown_T.sum()),
        words=len(spans_W2),
        pieces=int(pieces_W.sum()),
        whole=int(((pieces_W == 1) & (unknown_W == 0)).sum()),
    )


def _words(texts: Sequence[str], starts: Sequence[int]) -> list[tuple[int, int]]:
    """Where words begin and end in the texts end to end."""
    return [
        (start + word.start(), start + word.end())
        for text, start in zip(texts, starts, strict=True)
        for word in _WORD.finditer(text)
    ]


def _word_of(places_T: np.ndarray, spans_W2: np.ndarray, joined: str) -> np.ndarray:
    """For each token the number of the word that it begins in, or -1; a space before the word belongs to it."""
    spaces_C = np.array([character.isspace() for character in joined] + [False])
    places_T = places_T + spaces_C[places_T]
    word_T = np.searchsorted(spans_W2[:, 0], places_T, side="right") - 1
    inside_T = (word_T >= 0) & (places_T < spans_W2[word_T, 1]) if len(spans_W2) else np.zeros(len(places_T), bool)
    return np.where(inside_T, word_T, -1)
