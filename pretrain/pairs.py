"""Sentence pairs for next sentence prediction: [CLS] A [SEP] B [SEP].

A window of one document is cut in two at the sentence bound nearest its middle. Draws 2m and 2m+1 form a couple; a coin
at the couple's address decides whether they swap their second halves, which makes both of them negatives. So every
sentence is seen once per epoch, and nothing is drawn until it fits. Two windows of one document never swap; the
coin is weighted so that half of all pairs are negatives all the same.

Shape letters: K draws, W windows, D documents.
"""

import numpy as np

from model.heads import IS_NEXT, IS_RANDOM
from pretrain.spans import SpanReader, Units
from tokenization.corpus import Corpus
from tokenization.errors import DataError
from tokenization.vocabulary import Tokenizer
from tokenization.windows import Windows, window_index
from training.address import DrawTable, Key, below, derive, epoch_draws, uniform
from training.sequences import I64, Sequences, Shape

SPECIALS = 3


class PairSource:
    """The pairs of a corpus.

    Args:
        length: tokens of a pair at most, the three special ones included.
        units: whose units the sequences shall tell, or None.

    Raises:
        DataError: the corpus cannot give negatives: one document, one sentence per document, or one document that
            holds most of the text.
    """

    shape: Shape = "pair"

    def __init__(self, corpus: Corpus, tokenizer: Tokenizer, length: int, units: Units | None = None) -> None:
        self._reader, self._room = SpanReader(corpus, tokenizer, units), length - SPECIALS
        self._windows = window_index(corpus, self._room, held_out=False)
        _refuse_unusable(corpus, self._windows)
        self.size = len(self._windows.pairs_P)
        self.left_out = len(self._windows) - self.size
        self._table = DrawTable(self._spans)
        self._coin = 0.5 / (1.0 - self._windows.summary.pair_same_document)
        self.mean_length = self._windows.summary.pair_mean_length + SPECIALS
        self.longest = length
        self.fingerprint = corpus.fingerprint

    def lengths(self, draws_K: I64, key: Key) -> I64:
        return self._table.rows(draws_K, key)[:, 2:4].sum(axis=1) + SPECIALS

    def draw(self, draws_K: I64, key: Key) -> Sequences:
        rows_K5 = self._table.rows(draws_K, key)
        return self._reader.read(rows_K5[:, :2], rows_K5[:, 2:4], draws_K, rows_K5[:, 4].copy())

    def _spans(self, draws_K: I64, key: Key) -> I64:
        """Of each draw the starts of both halves in the corpus, their lengths, trimmed to fit, and the label."""
        windows, partners_K = self._windows, draws_K ^ 1
        both = np.union1d(draws_K, partners_K)
        window_of = windows.pairs_P[epoch_draws(both, self.size, key)]
        own_K, partner_K = window_of[np.searchsorted(both, draws_K)], window_of[np.searchsorted(both, partners_K)]
        wished_K = uniform(derive(key, "nsp swap"), draws_K >> 1) < self._coin
        swapped_K = wished_K & (windows.document_W[own_K] != windows.document_W[partner_K])
        other_K = np.where(swapped_K, partner_K, own_K)
        first_K2 = np.stack([windows.start_W[own_K], windows.start_W[own_K] + windows.split_W[own_K]], axis=1)
        second_K2 = np.stack(
            [windows.start_W[other_K] + windows.split_W[other_K], windows.start_W[other_K] + windows.length_W[other_K]],
            axis=1,
        )
        kept = fit_lengths(np.diff(first_K2)[:, 0], np.diff(second_K2)[:, 0], self._room)
        first_K2 = _trim(first_K2, kept[0], draws_K, derive(key, "nsp trim A"))
        second_K2 = _trim(second_K2, kept[1], draws_K, derive(key, "nsp trim B"))
        labels_K = np.where(swapped_K, IS_RANDOM, IS_NEXT)
        return np.stack(
            [first_K2[:, 0], second_K2[:, 0], np.diff(first_K2)[:, 0], np.diff(second_K2)[:, 0], labels_K], axis=1
        )


def fit_lengths(a_K: I64, b_K: I64, room: int) -> tuple[I64, I64]:
    """What is left of two lengths when the longer one gives way until both fit into `room`."""
    over_K = np.maximum(0, a_K + b_K - room)
    longer_K, shorter_K = np.maximum(a_K, b_K), np.minimum(a_K, b_K)
    longer_left_K = np.maximum(longer_K - over_K, np.minimum(longer_K, -(-room // 2)))
    shorter_left_K = np.minimum(shorter_K, np.where(over_K > 0, room - longer_left_K, shorter_K))
    return np.where(a_K >= b_K, longer_left_K, shorter_left_K), np.where(a_K >= b_K, shorter_left_K, longer_left_K)


def _trim(span_K2: I64, left_K: I64, draws_K: I64, key: Key) -> I64:
    """Cut spans down to `left_K` tokens, from the front or the back at random."""
    surplus_K = np.diff(span_K2)[:, 0] - left_K
    front_K = below(key, surplus_K + 1, draws_K)
    return np.stack([span_K2[:, 0] + front_K, span_K2[:, 1] - (surplus_K - front_K)], axis=1)


def _refuse_unusable(corpus: Corpus, windows: Windows) -> None:
    name, summary = corpus.manifest.name, windows.summary
    remedy = "Next sentence prediction needs other documents for its negatives; drop nsp and use blocks_of instead."
    if corpus.manifest.counts.median_sentences <= 1:
        raise DataError(
            f"corpus {name}: the median document has one sentence. If a blank line stands between all sentences, "
            "every sentence is its own document and every pair would be random: take these lines out, or drop nsp and "
            "use blocks_of instead."
        )
    if summary.pair_documents < 2:
        raise DataError(f"corpus {name}: {summary.pair_documents} document(s) with two sentences or more. {remedy}")
    if summary.pair_same_document >= 0.5:
        raise DataError(f"corpus {name}: one document holds most of the text, so half the pairs cannot swap. {remedy}")
