"""Sentence pairs: half negatives, from another document always, nothing lost, trimmed as the reference does it.

Couples of draws share a coin, so a share of n labels has the standard deviation of n / 2 coins. Bounds are 5 of them.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.heads import IS_NEXT, IS_RANDOM
from pretrain.next_sentence import NextSentence
from pretrain.pairs import PairSource, fit_lengths
from tokenization.errors import DataError
from training.address import key_of

KEY = key_of(1, "stage", "pairs")
EVEN = [[4, 4]] * 60  # 60 windows of two sentences each at length 11


def halves(sequences, words):
    """(A, B) of each pair as lists of ids."""
    parts = np.split(sequences.tokens_T, sequences.offsets_N1[1:-1])
    found = []
    for part in parts:
        assert part[0] == words.cls
        middle, end = np.flatnonzero(part == words.sep)
        assert end == len(part) - 1
        found.append((part[1:middle].tolist(), part[middle + 1 : end].tolist()))
    return found


def documents_of(lengths):
    """For each id the document it stands in."""
    return np.repeat(np.arange(len(lengths)), [sum(document) for document in lengths])


def test_label_0_is_next_and_1_is_random_as_in_bert_and_transformers():
    assert (IS_NEXT, IS_RANDOM) == (0, 1)


@pytest.mark.parametrize("lengths", [EVEN, [[4, 4] * 6] * 8, [[4, 4] * 9, *[[4, 4] * 2] * 6, *[[4, 4]] * 3]])
def test_half_of_all_pairs_are_negatives_also_where_documents_are_few_and_unequal(corpus_of, words, lengths):
    """An uncompensated coin gives 0.5 (1 - s), s the chance of two windows to be of one document."""
    source = PairSource(corpus_of(lengths), words, length=11)
    many = 400 * source.size // 2 * 2
    share = (source.draw(np.arange(many), KEY).labels_N == IS_RANDOM).mean()
    assert abs(share - 0.5) < 5 * 0.5 / np.sqrt(many / 2)


def test_the_unequal_corpus_above_would_show_an_uncompensated_coin():
    windows_D = np.array([9] + [2] * 6 + [1] * 3)
    total = windows_D.sum()
    uncompensated = 0.5 * (1 - (windows_D * (windows_D - 1)).sum() / (total * (total - 1)))
    many = 400 * total // 2 * 2
    assert 0.5 - uncompensated > 10 * 0.5 / np.sqrt(many / 2)


@pytest.mark.parametrize("lengths", [EVEN, [[4, 4] * 5, [4, 4] * 3, [4, 4], [4, 4]]])
def test_positives_are_neighbours_and_negatives_are_of_two_documents(corpus_of, words, lengths):
    source, document_of = PairSource(corpus_of(lengths), words, length=11), documents_of(lengths)
    drawn = source.draw(np.arange(40 * source.size), KEY)
    for (a, b), label in zip(halves(drawn, words), drawn.labels_N, strict=True):
        if label == IS_NEXT:
            assert b[0] == a[-1] + 1
        assert (document_of[a[0] - 5] != document_of[b[0] - 5]) == (label == IS_RANDOM)
        for half in (a, b):
            assert len(set(document_of[np.array(half) - 5])) == 1


def test_every_token_comes_once_per_epoch_when_nothing_is_trimmed(corpus_of, words):
    source = PairSource(corpus_of(EVEN), words, length=11)
    for epoch in range(5):
        drawn = source.draw(np.arange(source.size) + epoch * source.size, KEY)
        assert (drawn.labels_N == IS_RANDOM).sum() > 0
        assert sorted(drawn.tokens_T[drawn.maskable_T].tolist()) == list(range(5, 5 + 8 * 60))


def test_of_an_odd_number_of_windows_every_token_comes_twice_in_two_epochs(corpus_of, words):
    """The last draw of an epoch forms a couple with the first of the next."""
    source = PairSource(corpus_of(EVEN[:-1]), words, length=11)
    for epoch in (0, 2, 4):
        drawn = source.draw(np.arange(2 * source.size) + epoch * source.size, KEY)
        assert np.bincount(drawn.tokens_T[drawn.maskable_T])[5:].tolist() == [2] * (8 * 59)


def test_the_two_draws_of_a_couple_swap_second_halves_or_neither_does(corpus_of, words):
    source = PairSource(corpus_of(EVEN), words, length=11)
    drawn = source.draw(np.arange(source.size), KEY)
    pairs = halves(drawn, words)
    for first, second in zip(range(0, 60, 2), range(1, 60, 2), strict=True):
        assert drawn.labels_N[first] == drawn.labels_N[second]
        if drawn.labels_N[first] == IS_RANDOM:
            assert pairs[first][1][0] == pairs[second][0][-1] + 1
            assert pairs[second][1][0] == pairs[first][0][-1] + 1


def test_segments_are_0_up_to_the_first_sep_and_1_after(corpus_of, words):
    drawn = PairSource(corpus_of([[3, 5]] * 10), words, length=11).draw(np.arange(10), KEY)
    for tokens, segments in zip(
        np.split(drawn.tokens_T, drawn.offsets_N1[1:-1]),
        np.split(drawn.segments_T, drawn.offsets_N1[1:-1]),
        strict=True,
    ):
        middle = np.flatnonzero(tokens == words.sep)[0]
        assert segments.tolist() == [0] * (middle + 1) + [1] * (len(tokens) - middle - 1)


UNEQUAL = [[2, 9], [8, 3], [6, 6], [1, 10], [5, 4], [10, 1], [3, 3], [9, 3]]


def test_lengths_from_the_index_are_those_drawn_and_never_exceed_the_limit(corpus_of, words):
    source = PairSource(corpus_of(UNEQUAL), words, length=15)
    draws = np.array([5, 0, 700, 31, 32, 33])
    assert source.lengths(draws, KEY).tolist() == source.draw(draws, KEY).lengths_N.tolist()
    every = source.lengths(np.arange(80 * 8), KEY)
    assert every.max() == source.longest == 15
    assert source.mean_length == pytest.approx(np.mean([sum(row) + 3 for row in UNEQUAL]))


def test_a_draw_does_not_depend_on_its_neighbours(corpus_of, words):
    source = PairSource(corpus_of(UNEQUAL), words, length=15)
    together = halves(source.draw(np.arange(30), KEY), words)
    assert together == [halves(source.draw(np.array([draw]), KEY), words)[0] for draw in range(30)]


def test_what_trimming_leaves_is_consecutive_and_cut_at_the_front_and_at_the_back(corpus_of, words):
    source = PairSource(corpus_of(UNEQUAL), words, length=15)
    starts = np.cumsum([0, *(n for document in UNEQUAL for n in document)])[:-1]
    ends = starts + [n for document in UNEQUAL for n in document]
    fronts, backs = 0, 0
    for pair in halves(source.draw(np.arange(80 * 8), KEY), words):
        for half in pair:
            assert half == list(range(half[0], half[0] + len(half)))
            fronts += half[0] - 5 not in starts
            backs += half[-1] - 4 not in ends
    assert fronts > 30
    assert backs > 30
    assert 0.7 < fronts / backs < 1.4


def one_by_one(a, b, room):
    """The reference: take a token off the longer half until both fit; of two equal ones, off the once shorter."""
    first_longer = a >= b
    while a + b > room:
        if a > b or (a == b and not first_longer):
            a -= 1
        else:
            b -= 1
    return a, b


@settings(max_examples=300)
@given(a=st.integers(1, 60), b=st.integers(1, 60), room=st.integers(2, 70))
def test_trimming_at_once_is_trimming_the_longer_half_token_by_token(a, b, room):
    found = fit_lengths(np.array([a]), np.array([b]), room)
    assert (int(found[0][0]), int(found[1][0])) == one_by_one(a, b, room)


@given(a=st.integers(1, 60), b=st.integers(1, 60), room=st.integers(2, 70))
def test_both_halves_keep_a_token_and_nothing_is_cut_that_fits(a, b, room):
    left_a, left_b = (int(left[0]) for left in fit_lengths(np.array([a]), np.array([b]), room))
    assert left_a + left_b == min(a + b, room)
    assert min(left_a, left_b) >= 1


def test_windows_of_one_sentence_make_no_pair_and_are_counted(corpus_of, words):
    source = PairSource(corpus_of([[4, 4], [4, 4], [4, 4], [8]]), words, length=11)
    assert (source.size, source.left_out) == (3, 1)


def test_opening_reads_no_table_so_that_it_costs_the_same_at_any_size(corpus_of, words):
    corpus = corpus_of([[4, 4], [4, 4, 3, 5], [4, 4], [8]])
    first = PairSource(corpus, words, length=11)
    for table in (corpus.folder / "windows").glob("*.npy"):
        header = len(table.read_bytes()) - len(np.load(table).tobytes())
        table.write_bytes(table.read_bytes()[:header].ljust(table.stat().st_size, b"\0"))
    again = PairSource(corpus, words, length=11)
    told = ("size", "left_out", "mean_length", "longest", "fingerprint")
    assert [getattr(again, name) for name in told] == [getattr(first, name) for name in told]


@pytest.mark.parametrize(
    ("lengths", "why"),
    [
        ([[4, 4, 4, 4]], r"1 document\(s\) with two sentences or more"),
        ([[4]] * 20, "every sentence is its own document and every pair would be random"),
        ([[4]] * 5 + [[4, 4]] * 5 + [[4]], "median document has one sentence"),
        ([[4, 4] * 30, [4, 4], [4, 4]], "one document holds most of the text"),
        ([[4, 4, 4, 4], [9, 9]], r"1 document\(s\) with two sentences or more"),
    ],
)
def test_a_corpus_that_cannot_give_negatives_is_refused_with_the_reason_and_the_remedy(corpus_of, words, lengths, why):
    with pytest.raises(DataError, match=why) as caught:
        PairSource(corpus_of(lengths), words, length=11)
    assert "drop nsp and use blocks_of" in str(caught.value)


def test_next_sentence_reads_each_pairs_first_row_and_edits_nothing(corpus_of, words):
    drawn = PairSource(corpus_of(EVEN), words, length=11).draw(np.arange(10), KEY)
    same, rows = NextSentence().apply(drawn, KEY)
    assert same is drawn
    assert drawn.tokens_T[rows.rows_M].tolist() == [words.cls] * 10
    assert rows.labels_M.tolist() == drawn.labels_N.tolist()


def test_held_out_pairs_are_of_documents_that_the_others_are_never_of(corpus_of, words):
    corpus, document_of = corpus_of(EVEN, held_out=0.3), documents_of(EVEN)
    found = []
    for held_out in (False, True):
        source = PairSource(corpus, words, length=11, held_out=held_out)
        drawn = source.draw(np.arange(2 * source.size), KEY)
        tokens = [token for a, b in halves(drawn, words) for token in (*a, *b)]
        found.append(set(document_of[np.array(tokens) - 5].tolist()))
    assert found[1] == set(np.flatnonzero(corpus.is_held_out_D).tolist())
    assert not found[0] & found[1]
