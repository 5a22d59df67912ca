"""Sentence pairs: [CLS] A [SEP] B [SEP].

A window of one document is cut in two at the sentence bound nearest its middle. What comes second:

    swap   (next sentence prediction) draws 2m and 2m+1 form a couple; a coin at the couple's address decides whether
           they swap their second halves, which makes both of them negatives. So nothing is drawn until it fits. Two
           windows of one document never swap; the coin is weighted so that half of all pairs are negatives all the same
    order  (sentence order prediction) the second half, or, by a coin at the draw's address, the first
    next   (sequence to sequence, causal LM, masked LM alone) always the second half

Every sentence is seen once per epoch.

Shape letters: K draws, W windows, D documents.
"""

from typing import Literal

import numpy as np

from model.heads import IN_ORDER, IS_NEXT, IS_RANDOM, SWAPPED
from pretrain.spans import SpanReader, Units
from tokenization.corpus import Corpus
from tokenization.errors import DataError
from tokenization.vocabulary import Tokenizer
from tokenization.windows import Windows, window_index
from training.address import DrawTable, Key, below, derive, epoch_draws, uniform
from training.sequences import I64, Sequences, Shape

SPECIALS = 3
Second = Literal["swap", "order", "next"]


class PairSource:
    """The pairs of a corpus.

    Args:
        length: tokens of a pair at most, the three special ones included.
        units: whose units the sequences shall tell, or None.
        second: what comes second.
        held_out: the documents that no stage trains on, instead of the others.

    Raises:
        DataError: no window holds two sentences; or, with `swap`, the corpus cannot give negatives: one document, one
            sentence per document, or one document that holds most of the text.
    """

    shape: Shape = "pair"

    def __init__(
        self,
        corpus: Corpus,
        tokenizer: Tokenizer,
        length: int,
        units: Units | None = None,
        second: Second = "swap",
        held_out: bool = False,
    ) -> None:
        self._reader, self._room = SpanReader(corpus, tokenizer, units), length - SPECIALS
        self._windows = window_index(corpus, self._room, held_out)
        if second == "swap":
            _refuse_without_negatives(corpus, self._windows)
        summary = self._windows.summary
        self.size = summary.pairs
        self.left_out = len(self._windows) - self.size
        if not self.size:
            raise DataError(
                f"corpus {corpus.manifest.name}: no {self._room} tokens of it hold two sentences, so there is no pair. "
                "Raise the source's length, or use blocks_of instead."
            )
        self._table = DrawTable(self._swapping if second == "swap" else self._ordering)
        of_two_documents = 1.0 - summary.pair_same_document if second == "swap" else 1.0
        self._coin = 0.0 if second == "next" else 0.5 / of_two_documents
        self.mean_length = summary.pair_mean_length + SPECIALS
        self.longest = length
        self.fingerprint = corpus.fingerprint

    def lengths(self, draws_K: I64, key: Key) -> I64:
        return self._table.rows(draws_K, key)[:, 2:4].sum(axis=1) + SPECIALS

    def draw(self, draws_K: I64, key: Key) -> Sequences:
        rows_K5 = self._table.rows(draws_K, key)
        return self._reader.read(rows_K5[:, :2], rows_K5[:, 2:4], draws_K, rows_K5[:, 4].copy())

    def _swapping(self, draws_K: I64, key: Key) -> I64:
        """Of each draw the starts of both halves in the corpus, their lengths, trimmed to fit, and the label."""
        windows, partners_K = self._windows, draws_K ^ 1
        both = np.union1d(draws_K, partners_K)
        window_of = windows.pairs_P[epoch_draws(both, self.size, key)]
        own_K, partner_K = window_of[np.searchsorted(both, draws_K)], window_of[np.searchsorted(both, partners_K)]
        wished_K = uniform(derive(key, "nsp swap"), draws_K >> 1) < self._coin
        swapped_K = wished_K & (windows.document_W[own_K] != windows.document_W[partner_K])
        first_K2, _ = self._halves(own_K)
        _, second_K2 = self._halves(np.where(swapped_K, partner_K, own_K))
        kept = fit_lengths(np.diff(first_K2)[:, 0], np.diff(second_K2)[:, 0], self._room)
        first_K2 = _trim(first_K2, kept[0], draws_K, derive(key, "nsp trim A"))
        second_K2 = _trim(second_K2, kept[1], draws_K, derive(key, "nsp trim B"))
        return _rows(first_K2, second_K2, np.where(swapped_K, IS_RANDOM, IS_NEXT))

    def _ordering(self, draws_K: I64, key: Key) -> I64:
        """The same of each draw's window, whose halves fit as they are, in one order or the other."""
        first_K2, second_K2 = self._halves(self._windows.pairs_P[epoch_draws(draws_K, self.size, key)])
        swapped_K = uniform(derive(key, "sop swap"), draws_K) < self._coin
        swapped_K1 = swapped_K[:, None]
        return _rows(
            np.where(swapped_K1, second_K2, first_K2),
            np.where(swapped_K1, first_K2, second_K2),
            np.where(swapped_K, SWAPPED, IN_ORDER),
        )

    def _halves(self, window_K: I64) -> tuple[I64, I64]:
        """Where the halves of some windows begin and end in the corpus."""
        start_K, split_K, length_K = (
            column_W[window_K] for column_W in (self._windows.start_W, self._windows.split_W, self._windows.length_W)
        )
        middle_K = start_K + split_K
        return np.stack([start_K, middle_K], axis=1), np.stack([middle_K, start_K + length_K], axis=1)


def _rows(first_K2: I64, second_K2: I64, labels_K: I64) -> I64:
    """(K, 5) starts of both halves, their lengths, and the label."""
    lengths = np.diff(first_K2)[:, 0], np.diff(second_K2)[:, 0]
    return np.stack([first_K2[:, 0], second_K2[:, 0], *lengths, labels_K], axis=1)


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


def _refuse_without_negatives(corpus: Corpus, windows: Windows) -> None:
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
