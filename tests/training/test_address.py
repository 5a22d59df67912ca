"""Addresses: keys keep names apart, numbers are uniform by moments and chi-square, epochs are permutations.

Statistics are of fixed keys, so nothing here is left to chance; bounds are 5 standard deviations.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from training.address import DrawTable, below, bits, derive, epoch_draws, key_of, permute, uniform

KEY = key_of(1, "stage", "stream")
MANY = 1_000_000


def test_keys_keep_names_apart_where_their_letters_run_together():
    names = [("a", "bc"), ("ab", "c"), ("abc",), ("a", "b", "c"), ("", "abc"), ("abc", "")]
    assert len({int(key_of(*name)) for name in names}) == len(names)


def test_a_key_is_the_same_in_every_process_and_version():
    """A noted value: were it to change, resumed runs would go on with other data than they began with."""
    assert int(key_of(1, "pretrain", "lm")) == 17994980510856572042


def test_a_purpose_has_a_key_of_its_own():
    assert len({int(KEY), int(derive(KEY, "choice")), int(derive(KEY, "fate"))}) == 3


@pytest.mark.parametrize("by", ["first counter", "second counter"])
def test_uniform_numbers_have_the_moments_of_the_uniform_distribution(by):
    counter = np.arange(MANY)
    numbers = uniform(KEY, counter) if by == "first counter" else uniform(KEY, 7, counter)
    assert numbers.min() >= 0.0
    assert numbers.max() < 1.0
    for power in (1, 2, 3, 4):
        deviation = np.sqrt((1 / (2 * power + 1) - 1 / (power + 1) ** 2) / MANY)
        assert abs((numbers**power).mean() - 1 / (power + 1)) < 5 * deviation


@pytest.mark.parametrize("shift", [0, 24, 56])
def test_low_middle_and_high_bytes_are_equally_frequent_by_chi_square(shift):
    counts = np.bincount(((bits(KEY, np.arange(MANY)) >> np.uint64(shift)) & np.uint64(255)).astype(int), minlength=256)
    assert 1e-4 < stats.chisquare(counts).pvalue < 1 - 1e-4


def test_neighbouring_counters_and_keys_are_uncorrelated():
    a = uniform(KEY, np.arange(MANY))
    others = [a[1:], uniform(KEY, np.arange(MANY), 1), uniform(derive(KEY, "other"), np.arange(MANY))]
    for b in others:
        assert abs(np.corrcoef(a[: len(b)], b)[0, 1]) < 5 / np.sqrt(len(b))


def test_every_one_of_the_64_bits_flips_half_the_time_when_a_counter_moves_by_one():
    flipped = bits(KEY, np.arange(100_000)) ^ bits(KEY, np.arange(1, 100_001))
    for place in range(64):
        share = ((flipped >> np.uint64(place)) & np.uint64(1)).mean()
        assert abs(share - 0.5) < 5 * 0.5 / np.sqrt(100_000)


def test_numbers_below_a_limit_are_equally_frequent_and_never_reach_it():
    numbers = below(KEY, 7, np.arange(MANY))
    assert stats.chisquare(np.bincount(numbers, minlength=7)).pvalue > 1e-4
    assert set(np.unique(numbers)) == set(range(7))


def test_limits_may_differ_from_draw_to_draw():
    limits = np.arange(1, 1000)
    assert (below(KEY, limits, np.arange(999)) < limits).all()
    assert below(KEY, 1, np.arange(9)).tolist() == [0] * 9


@given(size=st.integers(1, 5000), name=st.integers(0, 2**32))
def test_a_permutation_hits_every_place_once(size, name):
    assert np.array_equal(np.sort(permute(np.arange(size), size, key_of(name))), np.arange(size))


@pytest.mark.parametrize("size", [2**20, 2**20 + 1, 10**9 + 7, 2**40 - 1, 2**62])
def test_a_permutation_of_a_huge_range_stays_within_it_and_never_repeats(size):
    sample = np.unique(below(KEY, size, np.arange(20_000)))
    places = permute(sample, size, KEY)
    assert places.min() >= 0
    assert places.max() < size
    assert len(np.unique(places)) == len(sample)


def test_where_an_item_goes_is_uniform_over_keys_by_chi_square():
    places = np.array([permute(np.array([3]), 10, key_of("key", n))[0] for n in range(5000)])
    assert stats.chisquare(np.bincount(places, minlength=10)).pvalue > 1e-4


@given(size=st.integers(1, 300), epoch=st.integers(0, 50))
def test_an_epoch_sees_every_item_once(size, epoch):
    draws = np.arange(size) + epoch * size
    assert np.array_equal(np.sort(epoch_draws(draws, size, KEY)), np.arange(size))


def test_each_epoch_has_an_order_of_its_own():
    orders = epoch_draws(np.arange(20 * 50), 50, KEY).reshape(20, 50)
    assert len({tuple(order) for order in orders.tolist()}) == 20


@given(split=st.lists(st.integers(0, 199), min_size=1, max_size=5))
def test_a_draw_is_the_same_however_the_draws_are_split(split):
    whole = epoch_draws(np.arange(200), 37, KEY)
    parts = [epoch_draws(part, 37, KEY) for part in np.split(np.arange(200), sorted(split))]
    assert np.array_equal(np.concatenate(parts), whole)


@given(asked=st.lists(st.tuples(st.lists(st.integers(0, 40), max_size=12), st.integers(1, 2)), max_size=6))
def test_what_a_table_of_draws_remembers_never_shows(asked):
    def rows(draws_K, key):
        return np.stack([epoch_draws(draws_K, 17, key), draws_K], axis=1)

    table = DrawTable(rows)
    for draws, key in asked:
        draws_K = np.array(draws, dtype=np.int64)
        assert np.array_equal(table.rows(draws_K, key_of(key)), rows(draws_K, key_of(key)))


def test_drawing_from_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one item"):
        epoch_draws(np.arange(1), 0, KEY)
