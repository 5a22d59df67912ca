"""From spans of a corpus to sequences: [CLS] span [SEP], or [CLS] span [SEP] span [SEP].

All spans of a draw are read in one gather.

Shape letters: K draws, S spans of a sequence, P spans of all sequences, T tokens, V vocabulary.
"""

import numpy as np
from numpy.typing import NDArray

from tokenization.corpus import Corpus
from tokenization.vocabulary import Tokenizer
from tokenization.words.continuation import continues_vocabulary
from tokenization.words.phrases import Phrases
from training.sequences import I64, Sequences, ranges

Bools = NDArray[np.bool_]


class Units:
    """Which tokens of a corpus continue the unit of the token before: a word, or also a phrase of a lexicon.

    Words are those that the corpus's segmenter found, where it has one; else the vocabulary's own marks tell them.
    """

    def __init__(self, corpus: Corpus, tokenizer: Tokenizer, phrases: Phrases | None = None) -> None:
        self._corpus, self._phrases = corpus, phrases
        self._table_V = continues_vocabulary(tokenizer)

    def continues(self, shard: int, inside_T: I64, ids_T: I64) -> Bools:
        """Of the tokens `inside_T` of a shard, whose ids are `ids_T`."""
        words = self._corpus.shard(shard).words
        found_T = self._table_V[ids_T] if words is None else _bits(words, inside_T)
        return found_T if self._phrases is None else found_T | _bits(self._phrases.packed(shard), inside_T)


class SpanReader:
    """Reads spans of a corpus as sequences.

    Args:
        units: whose units the sequences shall tell; None tells none, and costs nothing.
    """

    def __init__(self, corpus: Corpus, tokenizer: Tokenizer, units: Units | None) -> None:
        self._corpus, self._units = corpus, units
        self._cls, self._sep = tokenizer.cls, tokenizer.sep
        self._first_token = np.cumsum([0, *(shard.tokens for shard in corpus.manifest.shards[:-1])])
        self._maskable_V = np.ones(tokenizer.size, dtype=np.bool_)
        self._maskable_V[list(tokenizer.specials)] = False

    def read(self, start_KS: I64, length_KS: I64, draws_K: I64, labels_K: I64 | None = None) -> Sequences:
        """Sequences of S spans each; the spans, in global tokens, each within one shard.

        Segment 1 begins after the first [SEP].
        """
        size_KS = length_KS + 1  # each span with its [SEP]
        offsets_K1 = np.concatenate([[0], np.cumsum(size_KS.sum(axis=1) + 1)])
        before_KS = np.cumsum(size_KS, axis=1) - size_KS
        place_T = ranges((offsets_K1[:-1, None] + 1 + before_KS).ravel(), length_KS.ravel())
        ids_T, continues_T = self._gather(start_KS.ravel(), length_KS.ravel())
        tokens_T = np.full(offsets_K1[-1], self._sep, dtype=np.int64)
        tokens_T[offsets_K1[:-1]] = self._cls
        tokens_T[place_T] = ids_T
        size_KS[:, 0] += 1  # and the first one with [CLS]
        return Sequences(
            tokens_T=tokens_T,
            segments_T=np.repeat(np.tile(np.arange(size_KS.shape[1]), len(size_KS)), size_KS.ravel()),
            maskable_T=_spread(self._maskable_V[ids_T], place_T, len(tokens_T)),
            offsets_N1=offsets_K1,
            draws_N=draws_K,
            labels_N=labels_K,
            continues_T=None if continues_T is None else _spread(continues_T, place_T, len(tokens_T)),
        )

    def _gather(self, start_P: I64, length_P: I64) -> tuple[I64, Bools | None]:
        """The ids of some spans, end to end, and whether each continues a unit that began in its span."""
        shard_P = np.searchsorted(self._first_token, start_P, side="right") - 1
        inside_T = ranges(start_P - self._first_token[shard_P], length_P)
        ids_T = np.empty(len(inside_T), dtype=np.int64)
        continues_T = None if self._units is None else np.empty(len(inside_T), dtype=np.bool_)
        for shard in (shards := np.unique(shard_P)).tolist():
            rows_T = slice(None) if len(shards) == 1 else np.repeat(shard_P == shard, length_P)
            ids_T[rows_T] = np.asarray(self._corpus.shard(shard).ids)[inside_T[rows_T]]
            if self._units is not None and continues_T is not None:
                continues_T[rows_T] = self._units.continues(shard, inside_T[rows_T], ids_T[rows_T])
        if continues_T is not None:
            continues_T[(np.cumsum(length_P) - length_P)[length_P > 0]] = False
        return ids_T, continues_T


def _bits(packed: NDArray[np.uint8], index_T: I64) -> Bools:
    return (packed[index_T >> 3] >> (index_T & 7).astype(np.uint8) & 1).astype(np.bool_)


def _spread(values_T: Bools, place_T: I64, size: int) -> Bools:
    """Values at their places, False elsewhere."""
    spread = np.zeros(size, dtype=np.bool_)
    spread[place_T] = values_T
    return spread
