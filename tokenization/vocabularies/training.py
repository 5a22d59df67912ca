"""Training a tokenizer of any kind on text; equal texts give equal ids, in any process."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import tokenizers

from tokenization.errors import DataError, RecipeError
from tokenization.tokenizer_files import SPECIALS
from tokenization.vocabularies.bpe import train_byte_pairs
from tokenization.vocabularies.unigram import train_unigram
from tokenization.vocabularies.wordpiece import train_word_pieces
from tokenization.vocabulary import Tokenizer

Kind = Literal["wordpiece", "bpe", "unigram"]

_TRAINERS: dict[str, Callable[[Iterable[str], int, bool], tokenizers.Tokenizer]] = {
    "wordpiece": train_word_pieces,
    "bpe": train_byte_pairs,
    "unigram": train_unigram,
}
# The special tokens and an alphabet: a small one, or all bytes.
_SMALLEST: dict[str, int] = {"wordpiece": 32, "bpe": len(SPECIALS) + 256, "unigram": 64}


@dataclass(frozen=True)
class VocabularySpec:
    """A vocabulary before it is trained.

    Attributes:
        size: entries at most, special tokens included.
        lowercase: put text in lower case and strip accents, as uncased BERT does.
        documents: at most so many of each corpus, or None for all that the corpus takes.
        characters: about so many are counted at most; of more text a fixed random share of its documents.
    """

    kind: Kind = "wordpiece"
    size: int = 8192
    lowercase: bool = True
    documents: int | None = None
    characters: int = 1_000_000_000


def train_tokenizer(texts: Iterable[str], kind: Kind, size: int, lowercase: bool) -> Tokenizer:
    """Train a tokenizer; the special tokens have BERT's names and are ids 0 … 4.

    Args:
        texts: read more than once, so that an iterator (which can be read once) is first held in memory.

    Raises:
        RecipeError: a size too small for the kind.
        DataError: no text.
    """
    if size < _SMALLEST[kind]:
        raise RecipeError(
            f"tokenizer.train.size: {size} is below {_SMALLEST[kind]}, the special tokens and the alphabet of kind "
            f"{kind}; a small real vocabulary has 8192."
        )
    texts = list(texts) if iter(texts) is texts else texts
    if not any(text.strip() for text in texts):
        raise DataError("the tokenizer's corpora hold no text; there is nothing to train a vocabulary on.")
    return Tokenizer(_TRAINERS[kind](texts, size, lowercase))
