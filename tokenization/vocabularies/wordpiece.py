"""Training a WordPiece vocabulary that is a pure function of the text.

The `tokenizers` trainer numbers the continuation pieces `##c` in the order of a hash table that is seeded anew in
each process, so two runs over one text give different ids. Here the alphabet is counted first and handed to the
trainer in a fixed order, which leaves it nothing to choose.
"""

from collections.abc import Iterable

import tokenizers
from tokenizers import trainers

from tokenization.tokenizer_files import SPECIALS, bert_tokenizer
from tokenization.vocabularies.alphabet import character_counts, commonest, normal_counts


def train_word_pieces(texts: Iterable[str], size: int, lowercase: bool) -> tokenizers.Tokenizer:
    """BERT's tokenizer with a new vocabulary; Chinese is cut into single characters, as BERT does.

    Args:
        texts: not empty; gone through twice.
        size: entries at most, enough for an alphabet; fewer where the text has not that many pieces.
    """
    blank = bert_tokenizer({token: number for number, token in enumerate(SPECIALS)}, lowercase)
    fixed = [*SPECIALS, *_alphabet(texts, size, blank)]
    trainer = trainers.WordPieceTrainer(
        vocab_size=size,
        min_frequency=2,
        special_tokens=fixed,
        initial_alphabet=[token for token in fixed if len(token) == 1],
        limit_alphabet=sum(len(token) == 1 for token in fixed),
        show_progress=False,
    )
    blank.train_from_iterator(texts, trainer)
    return bert_tokenizer(dict(blank.get_vocab()), lowercase)


def _alphabet(texts: Iterable[str], size: int, blank: tokenizers.Tokenizer) -> list[str]:
    """The single characters kept, then their continuations, by code point; they take half of the vocabulary at most."""
    counts = normal_counts(character_counts(texts), blank.normalizer)
    kept = sorted(commonest(counts, size // 2, lambda character: 2 if _continues(character, blank) else 1))
    return [*kept, *(f"##{character}" for character in kept if _continues(character, blank))]


def _continues(character: str, blank: tokenizers.Tokenizer) -> bool:
    """Whether the character can stand inside a word; punctuation and Chinese characters are words of their own."""
    return len(blank.pre_tokenizer.pre_tokenize_str(blank.normalizer.normalize_str(f"a{character}a"))) == 1
