"""Training a WordPiece vocabulary that is a pure function of the text.

The `tokenizers` trainer numbers the continuation pieces `##c` in the order of a hash table that is seeded anew in
each process, so two runs over one text give different ids. Here the alphabet is counted first and handed to the
trainer in a fixed order, which leaves it nothing to choose.
"""

from collections import Counter
from collections.abc import Iterable

import tokenizers
from tokenizers import trainers

from tokenization.errors import DataError, RecipeError
from tokenization.tokenizer_files import SPECIALS, bert_tokenizer

_COVERAGE = 0.9999
_SMALLEST = 32


def trained_vocabulary(texts: Iterable[str], size: int, lowercase: bool) -> dict[str, int]:
    """Train word pieces; the specials are ids 0 … 4.

    Args:
        texts: read twice, so that an iterator (which can be read once) is first held in memory.
        size: entries at most; fewer where the text has not that many pieces.

    Raises:
        RecipeError: a size too small for any alphabet.
        DataError: the text is empty.
    """
    if size < _SMALLEST:
        raise RecipeError(f"tokenizer.train.size: {size} is below {_SMALLEST}; a small real vocabulary has 8192.")
    texts = list(texts) if iter(texts) is texts else texts
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
    return dict(blank.get_vocab())


def _alphabet(texts: Iterable[str], size: int, blank: tokenizers.Tokenizer) -> list[str]:
    """The single characters kept, then their continuations, by code point: the commonest that cover the text.

    All but one character in 10,000 are covered, as far as half of the vocabulary goes.
    """
    counts = _normal_characters(texts, blank)
    if not counts:
        raise DataError("the tokenizer's corpora hold no text; there is nothing to train a vocabulary on.")
    enough = _COVERAGE * sum(counts.values())
    kept: list[str] = []
    places = covered = 0
    for character, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        places += 2 if _continues(character, blank) else 1
        if covered >= enough or places > size // 2:
            break
        covered += count
        kept.append(character)
    kept.sort()
    return [*kept, *(f"##{character}" for character in kept if _continues(character, blank))]


def _normal_characters(texts: Iterable[str], blank: tokenizers.Tokenizer) -> Counter[str]:
    """How often each character occurs once the text is normalised; normalising goes character by character."""
    seen: Counter[str] = Counter()
    for text in texts:
        seen.update(text)
    normal: Counter[str] = Counter()
    for character, count in seen.items():
        for result in blank.normalizer.normalize_str(character):
            if not result.isspace():
                normal[result] += count
    return normal


def _continues(character: str, blank: tokenizers.Tokenizer) -> bool:
    """Whether the character can stand inside a word; punctuation and Chinese characters are words of their own."""
    return len(blank.pre_tokenizer.pre_tokenize_str(blank.normalizer.normalize_str(f"a{character}a"))) == 1
