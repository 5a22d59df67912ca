"""Sentence order: both halves of one window, swapped for half of the draws. The oracle is the corpus itself, in which
every word occurs once, so that a token's id says where it stands.
"""

import numpy as np
import pytest

from model.heads import IN_ORDER, SWAPPED
from pretrain.pairs import PairSource
from pretrain.sentence_order import SentenceOrder
from tokenization.errors import DataError
from training.address import key_of

KEY = key_of(1, "stage", "pairs")
LENGTHS = [[4, 3], [5, 6], [2, 2, 2], [7, 1], [3, 3, 3, 3, 3, 3], [8]]
ROOM = 11


def halves(sequences, words):
    """(A, B) of each pair as lists of ids."""
    parts = [part.tolist() for part in np.split(sequences.tokens_T, sequences.offsets_N1[1:-1])]
    middles = [part.index(words.sep) for part in parts]
    assert all(part[0] == words.cls and part[-1] == words.sep for part in parts)
    return [(part[1:middle], part[middle + 1 : -1]) for part, middle in zip(parts, middles, strict=True)]


@pytest.fixture
def corpus(corpus_of):
    return corpus_of(LENGTHS)


@pytest.fixture
def source(corpus, words):
    return PairSource(corpus, words, ROOM + 3, second="order")


def test_both_halves_are_the_window_s_and_the_label_tells_their_order(source, words):
    drawn = source.draw(np.arange(40 * source.size), KEY)
    ends = np.cumsum([sum(document) for document in LENGTHS])
    for (a, b), label in zip(halves(drawn, words), drawn.labels_N, strict=True):
        first, second = (a, b) if label == IN_ORDER else (b, a)
        window = first + second
        assert window == list(range(window[0], window[0] + len(window)))
        assert len(set(np.searchsorted(ends, np.array(window) - 5, side="right"))) == 1
        assert label == IN_ORDER or a[0] > b[0]
    assert set(drawn.labels_N.tolist()) == {IN_ORDER, SWAPPED} == {0, 1}


def test_half_of_the_draws_are_swapped(source):
    many = 4000
    swapped = (source.draw(np.arange(many), KEY).labels_N == SWAPPED).sum()
    assert abs(swapped - many / 2) < 5 * np.sqrt(many / 4)


def test_every_sentence_of_a_window_that_can_be_split_comes_once_an_epoch(source):
    for epoch in range(3):
        drawn = source.draw(np.arange(source.size) + epoch * source.size, KEY)
        text = sorted(drawn.tokens_T[drawn.maskable_T].tolist())
        assert text == list(range(5, 5 + sum(map(sum, LENGTHS[:-1]))))  # the last document has one sentence


def test_swapping_changes_no_length(source, corpus, words):
    draws = np.arange(20 * source.size)
    plain = PairSource(corpus, words, ROOM + 3, second="next")
    assert source.lengths(draws, KEY).tolist() == plain.lengths(draws, KEY).tolist()
    assert source.lengths(draws, KEY).tolist() == source.draw(draws, KEY).lengths_N.tolist()
    assert source.mean_length == pytest.approx(source.lengths(np.arange(source.size), KEY).mean())
    assert source.lengths(draws, KEY).max() <= source.longest


def test_the_second_half_of_next_always_follows_the_first(corpus, words):
    source = PairSource(corpus, words, ROOM + 3, second="next")
    drawn = source.draw(np.arange(20 * source.size), KEY)
    assert all(b[0] == a[-1] + 1 for a, b in halves(drawn, words))
    assert set(drawn.labels_N.tolist()) == {IN_ORDER}


def test_a_draw_does_not_depend_on_its_neighbours(source, words):
    together = halves(source.draw(np.arange(30), KEY), words)
    assert together == [halves(source.draw(np.array([draw]), KEY), words)[0] for draw in range(30)]


@pytest.mark.parametrize("second", ["order", "next"])
def test_one_document_is_enough_since_nothing_comes_from_another(corpus_of, words, second):
    assert PairSource(corpus_of([[4, 4, 4, 4]]), words, ROOM, second=second).size == 2


@pytest.mark.parametrize("second", ["order", "next"])
def test_a_corpus_without_two_sentences_in_a_window_is_refused(corpus_of, words, second):
    with pytest.raises(DataError, match="no 11 tokens of it hold two sentences"):
        PairSource(corpus_of([[8], [8]]), words, ROOM + 3, second=second)


def test_the_objective_reads_each_pair_s_first_row_by_its_own_head_and_edits_nothing(source, words):
    drawn = source.draw(np.arange(10), KEY)
    objective = SentenceOrder()
    same, rows = objective.apply(drawn, KEY)
    assert same is drawn
    assert drawn.tokens_T[rows.rows_M].tolist() == [words.cls] * 10
    assert rows.labels_M.tolist() == drawn.labels_N.tolist()
    assert (objective.name, objective.head) == ("sop", "sop")
