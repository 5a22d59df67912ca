"""Where the words of the raw text begin among its tokens: a segmenter on the text, aligned by character offsets.

The ids are those of the text alone; the segmenter only says which of them belong together.

Letters: T tokens, N texts, C characters, W words.
"""

from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from tokenization.vocabulary import Tokenizer
from tokenization.words.continuation import continues_vocabulary
from tokenization.words.segmenters import find_segmenter

I64 = NDArray[np.int64]
Bools = NDArray[np.bool_]


def segmented_flat(tokenizer: Tokenizer, segmenter: str, texts: Sequence[str]) -> tuple[I64, I64, Bools]:
    """The ids of some texts and which of them continue a word.

    A token begins a word where it starts at the first character of one. A word bound inside a token, or before
    characters that have no token (a control character), is dropped: the words on both sides are one unit. Where the
    vocabulary marks its pieces inside words (`##`), those continue as well, whatever the segmenter says of them.

    Returns:
        ids_T: as `Tokenizer.encode_flat` gives them.
        lengths_N: tokens of each text.
        continues_T: bool, token t continues the word of token t - 1; never the first of a text.

    Raises:
        RecipeError: an unknown segmenter, or one that is not installed.
    """
    cut = find_segmenter(segmenter)
    ids_T, places_T, lengths_N = tokenizer.encode_places(texts)
    first_T = np.zeros(len(ids_T), dtype=np.bool_)
    first_T[(np.cumsum(lengths_N) - lengths_N)[lengths_N > 0]] = True
    sizes_N = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    places_T = places_T + np.repeat(np.cumsum(sizes_N) - sizes_N, lengths_N)
    begins_C = _word_begins(map(cut, texts), int(sizes_N.sum()))
    begins_T = begins_C[places_T] & (np.diff(places_T, prepend=-1) > 0)
    if tokenizer.kind == "WordPiece":
        begins_T &= ~continues_vocabulary(tokenizer)[ids_T]
    return ids_T, lengths_N, ~(begins_T | first_T)


def _word_begins(words: Iterable[Sequence[str]], characters: int) -> Bools:
    """Whether a word begins at each character of the texts, end to end."""
    sizes_W = np.fromiter(map(len, chain.from_iterable(words)), dtype=np.int64)
    assert sizes_W.sum() == characters, "a segmenter loses nothing and adds nothing"
    begins_C = np.zeros(characters, dtype=np.bool_)
    begins_C[np.cumsum(sizes_W) - sizes_W] = True
    return begins_C
