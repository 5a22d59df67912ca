"""Masking by units: whole ones only, within the budget, by address. The oracle of `choose_units` is the plain walk over
units in random order; that of `choose_tokens` is `choose_units` where every token is a unit; that of span lengths is
their law.

Shape letters: K draws, T tokens, N sequences, M chosen tokens.
"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pretrain.mask_units import Units, choose_spans, choose_tokens, choose_units, place_spans
from pretrain.masked_lm import MaskedLM
from training.address import below, bits, key_of, uniform
from training.sequences import Sequences

KEY = key_of(1, "stage", "lm")
MASK, UNK = 4, 1
ORDINARY = np.arange(10, 500)


def sequences_of(lengths, draws=None, joined=0.4, unknown=0.02):
    """[CLS] ordinary … [SEP] of these lengths, some tokens unknown; a share of tokens joins the one before.

    A token's ids and joins hang on its draw and place alone.
    """
    draws_N = np.arange(len(lengths)) if draws is None else np.array(draws)
    lengths_N = np.array(lengths, dtype=np.int64)
    offsets_N1 = np.concatenate([[0], np.cumsum(lengths_N)])
    plain = Sequences(*[np.zeros(offsets_N1[-1], dtype=np.int64)] * 3, offsets_N1, draws_N)
    place = np.repeat(draws_N, lengths_N), plain.positions_T
    tokens_T = ORDINARY[below(key_of("tokens"), len(ORDINARY), *place)]
    tokens_T[uniform(key_of("unknown"), *place) < unknown] = UNK
    continues_T = uniform(key_of("joins"), *place) < joined
    tokens_T[offsets_N1[:-1]], tokens_T[offsets_N1[1:] - 1] = 2, 3
    continues_T[offsets_N1[:-1]] = continues_T[offsets_N1[1:] - 1] = False
    continues_T[np.minimum(offsets_N1[:-1] + 1, len(tokens_T) - 1)] = False
    return Sequences(tokens_T, tokens_T * 0, tokens_T >= 5, offsets_N1, draws_N, continues_T=continues_T)


def units_of(sequences):
    """The rows of each unit, unit by unit."""
    begins_T = ~sequences.continues_T
    begins_T[sequences.offsets_N1[:-1]] = True
    return np.split(np.arange(len(begins_T)), np.flatnonzero(begins_T)[1:])


def budgets(sequences, rate):
    count_N = np.add.reduceat(sequences.maskable_T, sequences.offsets_N1[:-1], dtype=np.int64)
    return np.where(count_N > 0, np.maximum(1, np.rint(rate * count_N)), 0).astype(np.int64)


def walked(sequences, budget_N, key):
    """Unit after unit in random order, each taken if it still fits."""
    chosen = []
    for place, budget in enumerate(budget_N.tolist()):
        start, stop = sequences.offsets_N1[place : place + 2]
        inside = [rows for rows in units_of(sequences) if start <= rows[0] < stop and sequences.maskable_T[rows].all()]
        for rows in sorted(inside, key=lambda rows: bits(key, sequences.draws_N[place], rows[0] - start)):
            if len(rows) <= budget:
                chosen += rows.tolist()
                budget -= len(rows)
    return sorted(chosen)


LENGTHS = st.lists(st.integers(2, 40), min_size=1, max_size=6)
RATES = st.floats(0.05, 1.0)
JOINED = st.floats(0.0, 0.9)


@given(lengths=LENGTHS, rate=RATES, joined=JOINED)
def test_units_are_those_of_a_plain_walk_in_random_order(lengths, rate, joined):
    sequences = sequences_of(lengths, joined=joined)
    budget_N = budgets(sequences, rate)
    assert choose_units(sequences, budget_N, KEY).tolist() == walked(sequences, budget_N, KEY)


@given(lengths=LENGTHS, rate=RATES)
def test_single_tokens_are_units_of_one_token(lengths, rate):
    sequences = sequences_of(lengths, joined=0.0)
    budget_N = budgets(sequences, rate)
    assert np.array_equal(choose_tokens(sequences, budget_N, KEY), choose_units(sequences, budget_N, KEY))


def spans(sequences, budget_N, key, shares=(0.4, 0.3, 0.3)):
    return choose_spans(sequences, budget_N, shares, key)


@pytest.mark.parametrize("choose", [choose_units, spans])
@given(lengths=LENGTHS, rate=RATES, joined=JOINED)
def test_whole_units_without_specials_or_unknown_tokens_and_never_above_the_budget(choose, lengths, rate, joined):
    sequences = sequences_of(lengths, joined=joined, unknown=0.1)
    budget_N = budgets(sequences, rate)
    rows_M = choose(sequences, budget_N, KEY)
    chosen = set(rows_M.tolist())
    assert rows_M.tolist() == sorted(chosen)
    assert sequences.maskable_T[rows_M].all()
    assert all(len(chosen.intersection(rows.tolist())) in (0, len(rows)) for rows in units_of(sequences))
    assert (np.histogram(rows_M, bins=sequences.offsets_N1)[0] <= budget_N).all()


@pytest.mark.parametrize("choose", [choose_units, spans])
@settings(max_examples=30)
@given(data=st.data())
def test_what_shares_the_batch_does_not_matter_and_another_draw_has_other_masks(choose, data):
    lengths = data.draw(st.lists(st.integers(2, 40), min_size=2, max_size=6))
    place = data.draw(st.integers(0, len(lengths) - 1))
    whole, alone = sequences_of(lengths), sequences_of([lengths[place]], [place])
    start, stop = whole.offsets_N1[place : place + 2]
    together = choose(whole, budgets(whole, 0.3), KEY)
    found = choose(alone, budgets(alone, 0.3), KEY)
    assert found.tolist() == (together[(together >= start) & (together < stop)] - start).tolist()


@pytest.mark.parametrize("choose", [choose_units, spans])
def test_another_draw_or_key_of_the_same_text_has_other_masks_and_the_same_draw_the_same(choose):
    one = sequences_of([120], [0])
    other = replace(one, draws_N=np.array([7]))
    budget_N = budgets(one, 0.15)
    first, again, moved, keyed = (
        choose(sequences, budget_N, key).tolist()
        for sequences, key in ((one, KEY), (one, KEY), (other, KEY), (one, key_of("other")))
    )
    assert first == again
    assert len({tuple(first), tuple(moved), tuple(keyed)}) == 3


@pytest.mark.parametrize("joined", [0.0, 0.3, 0.6])
@pytest.mark.parametrize("choose", [choose_units, spans])
def test_nearly_all_of_the_budget_is_used(choose, joined):
    """A sequence stays below its budget only where every unit left is larger than what is left of it."""
    sequences = sequences_of([128] * 400, joined=joined)
    budget_N = budgets(sequences, 0.15)
    used = len(choose(sequences, budget_N, KEY)) / budget_N.sum()
    assert 0.98 < used <= 1.0


def test_units_of_one_size_are_all_as_likely():
    """400 sequences of 40 pairs: each place is chosen 400 × 6 / 40 times, within chance."""
    lengths = [82] * 400
    sequences = sequences_of(lengths, joined=0.0, unknown=0.0)
    position_T = sequences.positions_T
    joined = replace(sequences, continues_T=(position_T % 2 == 0) & (position_T > 0) & (position_T < 81))
    rows_M = choose_units(joined, np.full(400, 12), KEY)
    counts = np.bincount(position_T[rows_M], minlength=82)
    assert counts[[0, 81]].tolist() == [0, 0]
    assert np.array_equal(counts[1:81:2], counts[2:82:2])
    assert counts.sum() == 400 * 12
    # Drawn without replacement, counts vary less than a multinomial's: by 1 - 6/40.
    assert stats.chi2.sf(stats.chisquare(counts[1:81:2]).statistic / (1 - 6 / 40), 39) > 1e-4


@pytest.mark.parametrize("shares", [(0.4, 0.3, 0.3), tuple(0.2 * 0.8**n for n in range(10)), (0.0, 0.0, 1.0)])
def test_span_lengths_follow_their_law_where_budget_and_room_allow(shares):
    sequences = sequences_of([1000] * 800, unknown=0.0)
    units = Units.of(sequences)
    unit_P, words_P = place_spans(units, sequences.draws_N, np.full(800, 150), shares, KEY)
    turns = np.flatnonzero(np.diff(units.sequence_U[unit_P], prepend=800) < 0)  # each turn goes through the sequences
    first_turns = words_P[: turns[4]]
    assert len(first_turns) == 4 * 800
    expected = np.array(shares) / np.sum(shares) * len(first_turns)
    counts = np.bincount(first_turns, minlength=len(shares) + 1)[1:]
    assert counts[expected == 0].sum() == 0
    if (expected > 0).sum() > 1:
        assert stats.chisquare(counts[expected > 0], expected[expected > 0]).pvalue > 1e-4


def test_the_first_span_begins_at_any_word_where_it_fits_with_equal_chance():
    sequences = sequences_of([42] * 4000, joined=0.0, unknown=0.0)
    rows_M = choose_spans(sequences, np.full(4000, 3), (0.0, 0.0, 1.0), KEY)
    starts = sequences.positions_T[rows_M][::3]
    counts = np.bincount(starts, minlength=42)
    assert np.flatnonzero(counts).tolist() == list(range(1, 39))
    assert stats.chisquare(counts[1:39]).pvalue > 1e-4


def test_spans_do_not_overlap_and_cross_no_special_token():
    sequences = sequences_of([60] * 200, unknown=0.1)
    tokens_T = sequences.tokens_T.copy()
    tokens_T[sequences.positions_T == 30] = 3
    sequences = replace(sequences, tokens_T=tokens_T, maskable_T=tokens_T >= 5)
    units = Units.of(sequences)
    unit_P, words_P = place_spans(units, sequences.draws_N, budgets(sequences, 0.5), (0.2,) * 5, KEY)
    rows = [range(units.start_U1[u], units.start_U1[u + n]) for u, n in zip(unit_P, words_P, strict=True)]
    all_rows = [row for span in rows for row in span]
    assert len(set(all_rows)) == len(all_rows)
    assert sequences.maskable_T[all_rows].all()
    assert len({(span[0], sequences.positions_T[span[0]] < 30) for span in rows}) == len(rows)
    assert all((span[0] % 60 < 30) == (span[-1] % 60 < 30) and span[0] // 60 == span[-1] // 60 for span in rows)


def test_a_span_that_does_not_fit_is_drawn_shorter():
    sequences = sequences_of([12] * 50, joined=0.0, unknown=0.0)
    rows_M = choose_spans(sequences, np.full(50, 4), (0.0, 0.0, 1.0), KEY)
    assert len(rows_M) == 50 * 4  # 3 words, then the 1 that is left of the budget


@pytest.mark.parametrize("unit", ["word", "phrase", "span"])
def test_the_objective_masks_by_units_and_changes_nothing_else(unit):
    before = sequences_of([100] * 200)
    shares = (0.5, 0.5) if unit == "span" else ()
    after, rows = MaskedLM(MASK, ORDINARY, 0.15, unit=unit, shares_L=shares).apply(before, KEY)
    untouched = np.setdiff1d(np.arange(len(before.tokens_T)), rows.rows_M)
    assert len(after.tokens_T) == len(before.tokens_T)
    assert np.array_equal(after.tokens_T[untouched], before.tokens_T[untouched])
    assert np.array_equal(rows.labels_M, before.tokens_T[rows.rows_M])
    share = (after.tokens_T[rows.rows_M] == MASK).mean()
    assert abs(share - 0.8) < 5 * np.sqrt(0.8 * 0.2 / len(rows.rows_M))


UNILM = (0.8, 0.1, 0.1)


@given(lengths=LENGTHS, rate=RATES, joined=JOINED)
@pytest.mark.parametrize(
    ("unit", "settings_of"),
    [
        ("token", {}),
        ("word", {}),
        ("phrase", {}),
        ("span", {"shares_L": tuple(0.2 * 0.8**n for n in range(10))}),
        ("span", {"shares_L": UNILM, "span_of": "token"}),
    ],
)
def test_no_unit_ever_exceeds_the_budget(unit, settings_of, lengths, rate, joined):
    sequences = sequences_of(lengths, joined=joined)
    _, rows = MaskedLM(MASK, ORDINARY, rate, unit=unit, **settings_of).apply(sequences, KEY)
    counts = np.histogram(rows.rows_M, bins=sequences.offsets_N1)[0]
    assert (counts <= budgets(sequences, rate)).all()
    assert sequences.maskable_T[rows.rows_M].all()


def test_unilm_s_spans_are_of_tokens_four_fifths_single_ones_and_cut_words():
    """Dong et al. 2019, section 2.4: 80 % of the time one token, 20 % a bigram or a trigram."""
    sequences = replace(sequences_of([60] * 4000, joined=0.5, unknown=0.0), draws_N=np.arange(4000))
    unilm = MaskedLM(MASK, ORDINARY, 3 / 58, unit="span", shares_L=UNILM, span_of="token")
    untold = replace(sequences, continues_T=None)
    _, rows = unilm.apply(sequences, KEY)
    assert rows.rows_M.tolist() == unilm.apply(untold, KEY)[1].rows_M.tolist()  # the source need not tell units
    assert (np.histogram(rows.rows_M, bins=sequences.offsets_N1)[0] == 3).all()
    trigrams = (np.diff(rows.rows_M.reshape(-1, 3)) == 1).all(1).sum()
    # Three tokens in a row: a trigram, a bigram beside a token, or three tokens side by side by chance.
    beside, three = 2 / 56, 56 / (58 * 57 * 56 / 6)
    expected = 4000 * (0.1 + (0.1 + 0.8 * 0.2) * beside + 0.64 * three)
    assert abs(trigrams - expected) < 5 * np.sqrt(4000 * 0.1 * 0.9)
    inside = sequences.continues_T[rows.rows_M] & ~np.isin(rows.rows_M - 1, rows.rows_M)
    assert inside.sum() > 1000


def test_sequences_of_nothing_but_specials_or_too_large_units_get_no_mask():
    sequences = sequences_of([2, 6, 3], joined=0.0, unknown=0.0)
    continues_T = sequences.continues_T.copy()
    continues_T[4:7] = True
    sequences = replace(sequences, continues_T=continues_T)
    for choose in (choose_units, spans):
        assert choose(sequences, budgets(sequences, 0.15), KEY).tolist() == [9]


def test_units_that_the_source_was_not_asked_for_are_a_fault_of_ours():
    with pytest.raises(AssertionError, match="not asked for units"):
        choose_units(replace(sequences_of([9]), continues_T=None), np.array([1]), KEY)
