"""Windows of a corpus as single sequences: [CLS] window [SEP].

Shape letters: K draws, T tokens, W windows.
"""

from collections.abc import Sequence

import numpy as np

from tokenization.corpus import Corpus
from tokenization.errors import DataError
from tokenization.vocabulary import Tokenizer
from tokenization.windows import window_index
from training.address import Key, epoch_draws
from training.sequences import I64, Sequences, Shape

SPECIALS = 2


class BlockSource:
    """Each window once per epoch, in an order of its own each epoch.

    Args:
        length: tokens of a sequence at most, [CLS] and [SEP] included.
        held_out: the documents that no stage trains on, instead of the others.
    """

    shape: Shape = "block"

    def __init__(self, corpus: Corpus, tokenizer: Tokenizer, length: int, held_out: bool = False) -> None:
        self._corpus, self._tokenizer = corpus, tokenizer
        self._windows = window_index(corpus, length - SPECIALS, held_out)
        self.size = len(self._windows.start_W)
        if not self.size:
            what = "held-out documents" if held_out else "text to train on"
            raise DataError(f"corpus {corpus.manifest.name}: no {what}. Give it more documents.")
        self.mean_length = self._windows.summary.mean_length + SPECIALS
        self.longest = self._windows.summary.longest + SPECIALS
        self.fingerprint = corpus.fingerprint

    def lengths(self, draws_K: I64, key: Key) -> I64:
        return self._windows.length_W[epoch_draws(draws_K, self.size, key)].astype(np.int64) + SPECIALS

    def draw(self, draws_K: I64, key: Key) -> Sequences:
        windows_K = epoch_draws(draws_K, self.size, key)
        starts_K = self._windows.start_W[windows_K].astype(np.int64)
        stops_K = starts_K + self._windows.length_W[windows_K]
        cls, sep = np.array([self._tokenizer.cls]), np.array([self._tokenizer.sep])
        bodies = [self._corpus.tokens(start, stop) for start, stop in zip(starts_K, stops_K, strict=True)]
        return assemble([(cls, body, sep) for body in bodies], draws_K, self._tokenizer)


def assemble(
    pieces: Sequence[Sequence[np.ndarray]],
    draws_N: I64,
    tokenizer: Tokenizer,
    second_from: int | None = None,
    labels_N: I64 | None = None,
) -> Sequences:
    """Join each sequence's pieces end to end.

    Args:
        second_from: the piece from which on tokens belong to the second segment; None for one segment.
    """
    lengths_N = np.array([sum(map(len, sequence)) for sequence in pieces], dtype=np.int64)
    tokens_T = np.concatenate([piece for sequence in pieces for piece in sequence]).astype(np.int64)
    segments_T = np.zeros(len(tokens_T), dtype=np.int64)
    if second_from is not None:
        sizes = [(sum(map(len, sequence[:second_from])), sum(map(len, sequence[second_from:]))) for sequence in pieces]
        segments_T = np.repeat(np.tile([0, 1], len(pieces)), np.array(sizes).reshape(-1))
    return Sequences(
        tokens_T=tokens_T,
        segments_T=segments_T,
        maskable_T=~np.isin(tokens_T, sorted(tokenizer.specials)),
        offsets_N1=np.concatenate([[0], np.cumsum(lengths_N)]),
        draws_N=draws_N,
        labels_N=labels_N,
    )
