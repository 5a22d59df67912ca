"""The cloze under other attention: what each token sees, and where its masks stand.

Shape letters: T tokens, N sequences, M rows, V vocabulary.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.config import EncoderConfig, HeadSpec
from model.kinds import KINDS, PREFIX
from model.network import Network
from pretrain.masked_lm import MaskedLM
from pretrain.seq2seq import TargetCloze
from training.address import below, key_of
from training.batching import lay_flat, selection_of
from training.sequences import Sequences

KEY = key_of(1, "stage", "lm")
VOCABULARY, CLS, SEP, MASK = 60, 2, 3, 4
ORDINARY = np.arange(10, VOCABULARY)
SIZES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=6)


def pairs_of(sizes, draws=None):
    """[CLS] source [SEP] target [SEP] with so many ordinary tokens in source and target."""
    tokens, segments = [], []
    for source, target in sizes:
        tokens.append([CLS, *[5] * source, SEP, *[5] * target, SEP])
        segments.append([0] * (source + 2) + [1] * (target + 1))
    tokens_T, segments_T = np.concatenate(tokens), np.concatenate(segments)
    ordinary_T = tokens_T == 5
    tokens_T[ordinary_T] = ORDINARY[below(key_of("tokens"), len(ORDINARY), np.flatnonzero(ordinary_T))]
    offsets_N1 = np.cumsum([0, *map(len, tokens)])
    draws_N = np.arange(len(sizes)) if draws is None else np.array(draws)
    return Sequences(tokens_T, segments_T, ordinary_T, offsets_N1, draws_N)


def cloze(where, rate=0.7):
    return TargetCloze(MaskedLM(MASK, ORDINARY, rate), where)


@pytest.fixture(scope="module")
def network():
    config = EncoderConfig(VOCABULARY, 2, 16, 2, 32, positions=24, dropout=0.0, initializer_range=0.3)
    return Network(config, [HeadSpec("mlm", "mlm", VOCABULARY)], seed=3).eval()


def moved_rows(network, objective, place, first):
    """The rows of a sequence at which a change at one place of it changes what is told there."""
    second = replace(first, tokens_T=np.where(np.arange(len(first.tokens_T)) == place, 7, first.tokens_T))
    answers = []
    for sequences in (first, second):
        edited, rows = objective.apply(sequences, KEY)
        every = replace(rows, rows_M=np.arange(len(first.tokens_T)), labels_M=first.tokens_T)
        clean = replace(edited, tokens_T=sequences.tokens_T)  # without masks, so that only attention hides
        with torch.no_grad():
            answers += network(lay_flat([clean], (selection_of("s", objective, every, 0),)))
    return np.flatnonzero((answers[0] != answers[1]).any(1).numpy()).tolist()


@given(sizes=SIZES, rate=st.floats(0.05, 1.0))
def test_target_masks_stand_in_the_second_segment_alone_its_end_among_them_and_within_the_budget(sizes, rate):
    before = pairs_of(sizes)
    after, rows = cloze("target", rate).apply(before, KEY)
    assert before.segments_T[rows.rows_M].tolist() == [1] * len(rows.rows_M)
    assert np.array_equal(rows.labels_M, before.tokens_T[rows.rows_M])
    counts = np.histogram(rows.rows_M, bins=before.offsets_N1)[0]
    assert counts.tolist() == [max(1, round(rate * (target + 1))) for _, target in sizes]
    unchosen = np.setdiff1d(np.arange(len(before.tokens_T)), rows.rows_M)
    assert np.array_equal(after.tokens_T[unchosen], before.tokens_T[unchosen])
    assert after.maskable_T is before.maskable_T


def test_the_end_is_chosen_as_often_as_any_token_of_the_target_and_no_other_special_one_ever():
    before = pairs_of([(4, 6)] * 4000)
    _, rows = cloze("target", rate=3 / 7).apply(before, KEY)
    counts = np.bincount(before.positions_T[rows.rows_M], minlength=13)
    assert counts[:6].sum() == 0  # [CLS], the source, its [SEP]
    assert (np.abs(counts[6:] - 4000 * 3 / 7) < 5 * np.sqrt(4000 * 3 / 7 * 4 / 7)).all()


def test_masks_of_both_are_those_of_mlm_on_the_same_text():
    before = pairs_of([(8, 9)] * 50)
    after, rows = cloze("both", 0.15).apply(before, KEY)
    plain, expected = MaskedLM(MASK, ORDINARY, 0.15).apply(before, KEY)
    assert rows.rows_M.tolist() == expected.rows_M.tolist()
    assert np.array_equal(after.tokens_T, plain.tokens_T)
    assert set(before.segments_T[rows.rows_M].tolist()) == {0, 1}
    assert plain.kinds_N is None


@given(sizes=SIZES)
@pytest.mark.parametrize("where", ["both", "target"])
def test_the_prefix_is_the_first_segment_with_its_two_special_tokens(where, sizes):
    edited, _ = cloze(where).apply(pairs_of(sizes), KEY)
    assert edited.kinds_N.tolist() == [PREFIX] * len(sizes)
    assert edited.reaches_N.tolist() == [source + 2 for source, _ in sizes]


@pytest.mark.parametrize("place", [1, 4, 6, 9, 11])
def test_the_source_sees_itself_both_ways_and_no_target_and_the_target_what_is_left_of_it(network, place):
    """[CLS] and 4 tokens and [SEP] are 0 … 5, the target 6 … 11."""
    moved = moved_rows(network, cloze("target"), place, pairs_of([(4, 5)]))
    assert moved == (list(range(12)) if place < 6 else list(range(place, 12)))


@pytest.mark.parametrize(("attention", "seen"), [("both", range(12)), ("left", range(4, 12)), ("right", range(5))])
def test_a_token_of_mlm_is_seen_from_both_sides_or_from_one(network, attention, seen):
    objective = MaskedLM(MASK, ORDINARY, attention=attention)
    assert moved_rows(network, objective, 4, pairs_of([(4, 5)])) == list(seen)


@pytest.mark.parametrize("attention", ["left", "right", "prefix"])
def test_attention_changes_what_is_seen_and_no_mask(attention):
    before = pairs_of([(8, 9), (3, 4)])
    after, rows = MaskedLM(MASK, ORDINARY, attention=attention).apply(before, KEY)
    plain, expected = MaskedLM(MASK, ORDINARY).apply(before, KEY)
    assert [KINDS[kind] for kind in after.kinds_N] == [attention] * 2
    assert np.array_equal(after.tokens_T, plain.tokens_T)
    assert rows.rows_M.tolist() == expected.rows_M.tolist()


def test_a_masked_target_does_not_hang_on_what_shares_the_batch():
    whole = pairs_of([(3, 4), (8, 2), (1, 7)])
    together, _ = cloze("target").apply(whole, KEY)
    for place in range(3):
        part = slice(*whole.offsets_N1[place : place + 2])
        tokens_T, segments_T, maskable_T = (a[part] for a in (whole.tokens_T, whole.segments_T, whole.maskable_T))
        alone = Sequences(tokens_T, segments_T, maskable_T, np.array([0, len(tokens_T)]), np.array([place]))
        assert np.array_equal(cloze("target").apply(alone, KEY)[0].tokens_T, together.tokens_T[part])
