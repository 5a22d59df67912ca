"""Ids of many texts by the tokenizer's own batch calls, and what any encoder gives.

Legend: N texts, T tokens of all texts, L characters.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import tokenizers
from numpy.typing import NDArray

from tokenization.errors import DataError

I64 = NDArray[np.int64]
Codes = NDArray[np.uint32]


class Encoded(NamedTuple):
    """The tokens of N texts end to end.

    Attributes:
        ids_T: no special tokens added.
        places_T: where in its text each token begins, in characters.
        lengths_N: tokens of each text.
    """

    ids_T: I64
    places_T: I64
    lengths_N: I64


class Encoder(Protocol):
    """Both raise DataError for a text with half of a surrogate pair, which is no character."""

    def encode_flat(self, texts: Sequence[str]) -> tuple[I64, I64]:
        """`ids_T` and `lengths_N`, as in Encoded."""
        ...

    def encode_places(self, texts: Sequence[str]) -> Encoded:
        """The same ids, with their places."""
        ...


class PlainEncoder:
    """The tokenizer's own batch calls."""

    def __init__(self, raw: tokenizers.Tokenizer) -> None:
        self._raw = raw

    def encode_flat(self, texts: Sequence[str]) -> tuple[I64, I64]:
        for text in texts:
            codes_of(text)
        return _joined(self._raw.encode_batch_fast(list(texts), add_special_tokens=False))

    def encode_places(self, texts: Sequence[str]) -> Encoded:
        for text in texts:
            codes_of(text)
        found = self._raw.encode_batch(list(texts), add_special_tokens=False)
        ids_T, lengths_N = _joined(found)
        places = (start for one in found for start, _ in one.offsets)
        return Encoded(ids_T, np.fromiter(places, np.int64, len(ids_T)), lengths_N)


def codes_of(text: str) -> Codes:
    """`codes_L`, the code points of a text.

    Raises:
        DataError: half of a surrogate pair.
    """
    try:
        return np.frombuffer(text.encode("utf-32-le"), np.uint32)
    except UnicodeEncodeError as error:
        near = text[max(error.start - 20, 0) : error.start + 20]
        raise DataError(
            f"a text holds U+{ord(text[error.start]):04X}, half of a surrogate pair and no character, in {near!r}. "
            "UTF-8 cannot hold it, but a JSON escape can: mend or drop the document."
        ) from None


def _joined(found: Sequence[tokenizers.Encoding]) -> tuple[I64, I64]:
    lengths_N = np.array([len(one.ids) for one in found], dtype=np.int64)
    return np.fromiter((number for one in found for number in one.ids), np.int64, int(lengths_N.sum())), lengths_N
