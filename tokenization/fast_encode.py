"""Ids of many texts: BERT's tokenizer by a table of characters and a cache of words, any other by itself.

White space, punctuation and Chinese characters are cut off whatever stands beside them, so their ids come from a table;
what lies between two of them is a word, which nothing outside it can change, so its ids come from a cache. Both ask
the tokenizer itself, once; its own batch call cuts 2 to 3 MB a second.

Legend: N texts, T tokens of all texts, P parts of texts in a slab, L characters of a slab, W words, U units
(words, and characters that stand alone).
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import tokenizers
from tokenizers import models, normalizers, pre_tokenizers

from tokenization.character_table import IN_WORD, NOTHING, CharacterTable
from tokenization.plain_encode import I64, Codes, Encoded, Encoder, PlainEncoder, codes_of
from tokenization.word_cache import WordCache

_SLAB = 1 << 19  # characters worked on at once, in about 15 MB; the more, the fewer words are looked up twice
_LOOK = 1 << 10


def encoder_of(raw: tokenizers.Tokenizer) -> Encoder:
    """The fast encoder where its ids are the tokenizer's by construction, else the tokenizer.

    Added tokens that are not special stand against it: they are found before the text is cut, so one may span words.
    """
    bert = (
        isinstance(raw.normalizer, normalizers.BertNormalizer)
        and isinstance(raw.pre_tokenizer, pre_tokenizers.BertPreTokenizer)
        and isinstance(raw.model, models.WordPiece)
        and raw.encode_special_tokens
        and all(token.special for token in raw.get_added_tokens_decoder().values())
    )
    return FastEncoder(raw) if bert else PlainEncoder(raw)


class FastEncoder:
    """The tokenizer's ids by table and cache; what the cache holds changes the speed and nothing else."""

    def __init__(self, raw: tokenizers.Tokenizer) -> None:
        self._table = CharacterTable(raw)
        self._words = WordCache(raw)

    def encode_flat(self, texts: Sequence[str]) -> tuple[I64, I64]:
        ids_T, _, lengths_N = self._encode(texts, with_places=False)
        return ids_T, lengths_N

    def encode_places(self, texts: Sequence[str]) -> Encoded:
        return self._encode(texts, with_places=True)

    def _encode(self, texts: Sequence[str], with_places: bool) -> Encoded:
        none = np.zeros(0, dtype=np.int64)
        ids, places, lengths_N = [none], [none], np.zeros(len(texts), dtype=np.int64)
        for slab in _slabs(self._parts(texts)):
            found = self._encode_slab(slab, with_places)
            ids.append(found.ids_T)
            places.append(found.places_T)
            np.add.at(lengths_N, [part.text for part in slab], found.lengths_N)
        return Encoded(np.concatenate(ids), np.concatenate(places), lengths_N)

    def _encode_slab(self, slab: Sequence["_Part"], with_places: bool) -> Encoded:
        """The tokens of each part; their places count from the beginning of the part's text."""
        codes_L = codes_of("".join(f"{part.string}\n" for part in slab))
        starts_U, entries_U = self._units(codes_L)
        counts_U = np.frombuffer(self._words.counts, np.int64)[entries_U]
        ends_U = np.cumsum(counts_U)
        shifts_U = np.frombuffer(self._words.firsts, np.int64)[entries_U] - ends_U + counts_U
        pool_T = np.repeat(shifts_U, counts_U) + np.arange(counts_U.sum())
        ids_T = np.frombuffer(self._words.ids, np.int64)[pool_T]

        stops_P = np.cumsum([len(part.string) + 1 for part in slab])
        lengths_P = np.diff(np.append(0, ends_U)[np.searchsorted(starts_U, stops_P)], prepend=0)
        if not with_places:
            return Encoded(ids_T, ids_T[:0], lengths_P)
        begins_P = np.append(0, stops_P[:-1]) - [part.start for part in slab]
        places_T = np.frombuffer(self._words.places, np.int64)[pool_T] + np.repeat(starts_U, counts_U)
        return Encoded(ids_T, places_T - np.repeat(begins_P, lengths_P), lengths_P)

    def _units(self, codes_L: Codes) -> tuple[I64, I64]:
        """Where each unit starts, and its entry. The last character is white space."""
        meanings_L = self._table.look_up(codes_L)
        in_word_L = meanings_L == IN_WORD
        turns_L = np.flatnonzero(np.diff(in_word_L, prepend=False))  # first in a word, first after it, and again
        starts_W, stops_W = turns_L[::2], turns_L[1::2]
        units_L = meanings_L > NOTHING
        units_L[starts_W] = True
        starts_U = np.flatnonzero(units_L)
        entries_U = meanings_L[starts_U].astype(np.int64)
        entries_U[entries_U == IN_WORD] = self._words.look_up(codes_L[in_word_L], stops_W - starts_W)
        return starts_U, entries_U

    def _parts(self, texts: Sequence[str]) -> Iterator["_Part"]:
        """The texts, long ones cut before characters that stand alone."""
        for number, text in enumerate(texts):
            start = 0
            while len(text) - start > _SLAB:
                stop = self._next_alone(text, start + _SLAB)
                yield _Part(number, start, text[start:stop])
                start = stop
            yield _Part(number, start, text[start:])

    def _next_alone(self, text: str, place: int) -> int:
        while place < len(text):
            alone = np.flatnonzero(self._table.look_up(codes_of(text[place : place + _LOOK])) != IN_WORD)
            if len(alone):
                return place + int(alone[0])
            place += _LOOK
        return len(text)


class _Part(NamedTuple):
    """A stretch of a text that is cut alone as it is within the text.

    Attributes:
        text: which text.
        start: where in the text, in characters.
        string: the stretch.
    """

    text: int
    start: int
    string: str


def _slabs(parts: Iterator[_Part]) -> Iterator[list[_Part]]:
    slab: list[_Part] = []
    size = 0
    for part in parts:
        slab.append(part)
        size += len(part.string) + 1
        if size >= _SLAB:
            yield slab
            slab, size = [], 0
    if slab:
        yield slab
