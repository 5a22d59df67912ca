"""Windows of a corpus as single sequences: [CLS] window [SEP].

Shape letters: K draws, W windows.
"""

import numpy as np

from pretrain.spans import SpanReader, Units
from tokenization.corpus import Corpus
from tokenization.errors import DataError
from tokenization.vocabulary import Tokenizer
from tokenization.windows import window_index
from training.address import DrawTable, Key, epoch_draws
from training.sequences import I64, Sequences, Shape

SPECIALS = 2


class BlockSource:
    """Each window once per epoch, in an order of its own each epoch.

    Args:
        length: tokens of a sequence at most, [CLS] and [SEP] included.
        held_out: the documents that no stage trains on, instead of the others.
        units: whose units the sequences shall tell, or None.
    """

    shape: Shape = "block"

    def __init__(
        self, corpus: Corpus, tokenizer: Tokenizer, length: int, held_out: bool = False, units: Units | None = None
    ) -> None:
        self._reader = SpanReader(corpus, tokenizer, units)
        self._windows = window_index(corpus, length - SPECIALS, held_out)
        self.size = len(self._windows.start_W)
        if not self.size:
            what = "held-out documents" if held_out else "text to train on"
            raise DataError(f"corpus {corpus.manifest.name}: no {what}. Give it more documents.")
        self._table = DrawTable(self._spans)
        self.mean_length = self._windows.summary.mean_length + SPECIALS
        self.longest = self._windows.summary.longest + SPECIALS
        self.fingerprint = corpus.fingerprint

    def lengths(self, draws_K: I64, key: Key) -> I64:
        return self._table.rows(draws_K, key)[:, 1] + SPECIALS

    def draw(self, draws_K: I64, key: Key) -> Sequences:
        span_K2 = self._table.rows(draws_K, key)
        return self._reader.read(span_K2[:, :1], span_K2[:, 1:], draws_K)

    def _spans(self, draws_K: I64, key: Key) -> I64:
        """Start and length of each draw's window."""
        windows_K = epoch_draws(draws_K, self.size, key)
        return np.stack([self._windows.start_W[windows_K], self._windows.length_W[windows_K]], axis=1)
