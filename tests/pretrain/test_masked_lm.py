"""Masked LM: 80/10/10 of a chosen 15 %, on a million tokens within binomial bounds, and what is never touched.

Bounds are 5 standard deviations. Shape letters: K draws, T tokens, M chosen tokens.
"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pretrain.masked_lm import MaskedLM
from training.address import below, key_of
from training.objective import summed_cross_entropy
from training.sequences import Sequences

KEY = key_of(1, "stage", "lm")
MASK = 4
ORDINARY = np.arange(10, 500)  # 0 … 4 are special, 5 … 9 stand for unused ids
MLM = MaskedLM(MASK, ORDINARY)


def sequences_of(lengths, draws=None):
    """[CLS] ordinary … [SEP] of these lengths, tokens drawn from the ordinary ids."""
    lengths_N = np.array(lengths, dtype=np.int64)
    offsets_N1 = np.concatenate([[0], np.cumsum(lengths_N)])
    tokens_T = ORDINARY[below(key_of("tokens"), len(ORDINARY), np.arange(offsets_N1[-1]))]
    tokens_T[offsets_N1[:-1]] = 2
    tokens_T[offsets_N1[1:] - 1] = 3
    draws_N = np.arange(len(lengths)) if draws is None else np.array(draws)
    return Sequences(tokens_T, np.zeros_like(tokens_T), tokens_T >= 5, offsets_N1, draws_N)


@pytest.fixture(scope="module")
def million():
    before = sequences_of([250] * 4000)
    return before, *MLM.apply(before, KEY)


def assert_share(count, total, share):
    assert abs(count - total * share) < 5 * np.sqrt(total * share * (1 - share))


def test_of_the_chosen_80_percent_are_masked_10_random_and_10_kept(million):
    """A tenth of the rest instead of half of it, or a random id that is the old one by chance, would show."""
    before, after, rows = million
    chosen_M = after.tokens_T[rows.rows_M]
    total, same = len(chosen_M), 1 / len(ORDINARY)
    assert_share((chosen_M == MASK).sum(), total, 0.8)
    assert_share((chosen_M == rows.labels_M).sum(), total, 0.1 + 0.1 * same)
    assert_share(((chosen_M != MASK) & (chosen_M != rows.labels_M)).sum(), total, 0.1 * (1 - same))
    assert total == 4000 * round(0.15 * 248)
    assert len(before.tokens_T) == 1_000_000


def test_other_shares_are_kept_to_as_well():
    before = sequences_of([250] * 1000)
    after, rows = MaskedLM(MASK, ORDINARY, rate=0.4, mask=0.5, random=0.5).apply(before, KEY)
    chosen_M = after.tokens_T[rows.rows_M]
    assert len(chosen_M) == 1000 * round(0.4 * 248)
    assert_share((chosen_M == MASK).sum(), len(chosen_M), 0.5)
    assert_share((chosen_M == rows.labels_M).sum(), len(chosen_M), 0.5 / len(ORDINARY))


def test_special_tokens_are_never_chosen_and_never_replaced(million):
    before, after, rows = million
    assert before.maskable_T[rows.rows_M].all()
    assert np.array_equal(after.tokens_T[~before.maskable_T], before.tokens_T[~before.maskable_T])


def test_unchosen_ids_and_everything_else_stay_as_they_were(million):
    before, after, rows = million
    unchosen_T = np.ones(len(before.tokens_T), dtype=bool)
    unchosen_T[rows.rows_M] = False
    assert np.array_equal(after.tokens_T[unchosen_T], before.tokens_T[unchosen_T])
    for name in ("segments_T", "maskable_T", "offsets_N1", "draws_N"):
        assert np.array_equal(getattr(after, name), getattr(before, name))


def test_labels_are_the_ids_from_before_and_the_input_is_not_written_to(million):
    before, after, rows = million
    assert np.array_equal(before.tokens_T, sequences_of([250] * 4000).tokens_T)
    assert np.array_equal(rows.labels_M, before.tokens_T[rows.rows_M])
    assert not np.shares_memory(after.tokens_T, before.tokens_T)


def test_rows_are_distinct_and_in_order(million):
    assert (np.diff(million[2].rows_M) > 0).all()


def test_random_replacements_are_uniform_over_the_ordinary_ids_and_never_special_or_unused(million):
    _, after, rows = million
    chosen_M = after.tokens_T[rows.rows_M]
    strangers = chosen_M[(chosen_M != MASK) & (chosen_M != rows.labels_M)]
    counts = np.bincount(strangers, minlength=500)
    assert counts[:10].sum() == 0
    assert (counts[10:] > 0).all()
    # A replacement equal to the label is not seen; labels are near uniform, which leaves the counts so.
    assert stats.chisquare(counts[10:]).pvalue > 1e-4


def test_every_ordinary_place_is_as_likely_as_any_other(million):
    before, _, rows = million
    counts = np.bincount(before.positions_T[rows.rows_M], minlength=250)
    assert counts[[0, 249]].tolist() == [0, 0]
    assert stats.chisquare(counts[1:249]).pvalue > 1e-4


@given(lengths=st.lists(st.integers(2, 60), min_size=1, max_size=8))
def test_each_sequence_has_its_rounded_share_at_least_one_and_none_without_ordinary_tokens(lengths):
    sequences = sequences_of(lengths)
    _, rows = MLM.apply(sequences, KEY)
    found = np.histogram(rows.rows_M, bins=sequences.offsets_N1)[0]
    assert found.tolist() == [max(1, round(0.15 * (n - 2))) if n > 2 else 0 for n in lengths]


def test_another_draw_of_the_same_text_has_other_masks_and_the_same_draw_the_same():
    first, second, again = (MLM.apply(sequences_of([100], [draw]), KEY) for draw in (0, 7, 0))
    assert first[1].rows_M.tolist() != second[1].rows_M.tolist()
    assert np.array_equal(first[0].tokens_T, again[0].tokens_T)


def test_another_stream_stage_or_seed_has_other_masks():
    keys = [KEY, key_of(2, "stage", "lm"), key_of(1, "other", "lm"), key_of(1, "stage", "mlm")]
    masks = [tuple(MLM.apply(sequences_of([100]), key)[1].rows_M.tolist()) for key in keys]
    assert len(set(masks)) == 4


@settings(max_examples=30)
@given(data=st.data())
def test_a_sequences_masks_do_not_depend_on_what_shares_the_batch(data):
    lengths = data.draw(st.lists(st.integers(2, 40), min_size=2, max_size=6))
    whole = sequences_of(lengths)
    masked, _ = MLM.apply(whole, KEY)
    place = data.draw(st.integers(0, len(lengths) - 1))
    start, stop = whole.offsets_N1[place : place + 2]
    tokens_T = whole.tokens_T[start:stop]
    alone = Sequences(tokens_T, tokens_T * 0, tokens_T >= 5, np.array([0, stop - start]), np.array([place]))
    assert np.array_equal(MLM.apply(alone, KEY)[0].tokens_T, masked.tokens_T[start:stop])


def test_the_term_is_the_sum_of_minus_log_softmax_and_divides_by_nothing():
    logits_MC = torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])
    term = MLM.term(logits_MC, torch.tensor([2, 0]))
    expected = -np.log(np.exp(3) / np.exp([1, 2, 3]).sum()) + np.log(3)
    assert (float(term.sum), term.count) == (pytest.approx(expected), 2)


def test_losses_are_taken_in_float32_also_from_bf16_logits():
    logits_MC = torch.tensor([[8.0, 8.0, 8.0]], dtype=torch.bfloat16)
    term = summed_cross_entropy(logits_MC, torch.tensor([1]))
    assert term.sum.dtype == torch.float32
    assert float(term.sum) == pytest.approx(np.log(3), rel=1e-6)


@pytest.mark.parametrize("labels", [[], [-100, -100]])
def test_an_empty_choice_costs_zero_with_a_live_graph_and_not_nan(labels):
    logits_MC = torch.ones(len(labels), 3, requires_grad=True)
    term = summed_cross_entropy(logits_MC, torch.tensor(labels, dtype=torch.int64))
    term.sum.backward()
    assert (float(term.sum.detach()), term.count) == (0.0, 0)
    assert logits_MC.grad.tolist() == [[0.0] * 3] * len(labels)
