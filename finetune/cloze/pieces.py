"""The pieces of some words as they stand behind what comes before them.

Vocabularies of byte pairs and Unigram ones count the space before a word to the word, so that a word behind a bracket
is another piece than the same word alone.
"""

from tokenization.unspaced import has_han
from tokenization.vocabulary import Tokenizer


def pieces_behind(before: str, text: str, tokenizer: Tokenizer) -> tuple[int, ...]:
    """The ids of a text that stands behind another one; where its cut cannot be told, those that it has alone.

    Args:
        before: what stands before it, of which the last character counts; "" at the beginning.
    """
    if before[-1:].isspace():
        text = f" {text.lstrip()}"
    if not before or not text or text[0].isspace():
        return tuple(tokenizer.encode([text])[0].tolist())
    ids_T, begins_T, _ = tokenizer.encode_places([before[-1] + text])
    kept_T = ids_T[begins_T >= 1]
    is_cut = bool((begins_T == 1).any())
    return tuple(kept_T.tolist()) if is_cut else tuple(tokenizer.encode([text])[0].tolist())


def before_answer(before: str, text: str) -> str:
    """What a text that answers stands behind: a space, unless its script or that before it has none."""
    return before if has_han(before[-1:] + text[:1]) else " "


def ending_before(text: str) -> str:
    """A character to stand for an unknown text that ends where the given one begins: one that does not join it."""
    return "." if text[:1].isalnum() else "a"
