"""The statistics of a few seeds; the oracles are numpy and scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pipeline.seeds.statistics import paired, spread

NUMBERS = st.lists(st.floats(-100, 100), min_size=2, max_size=12)


@given(NUMBERS)
def test_a_spread_is_numpys(values: list[float]) -> None:
    found, sd = spread(values), np.std(values, ddof=1)
    assert found.mean == pytest.approx(np.mean(values), abs=1e-9)
    assert found.sd == pytest.approx(sd, abs=1e-9)
    assert found.standard_error == pytest.approx(stats.sem(values), abs=1e-9)
    assert found.median == pytest.approx(np.median(values))
    assert (found.lowest, found.highest) == (min(values), max(values))


def test_one_value_has_no_spread() -> None:
    found = spread([0.25])
    assert (found.mean, found.median, found.lowest, found.highest) == (0.25, 0.25, 0.25, 0.25)
    assert found.sd is None
    assert found.standard_error is None


@given(st.lists(st.tuples(st.floats(-10, 10), st.floats(0.1, 1)), min_size=2, max_size=12), st.integers(0, 9))
def test_the_interval_of_paired_differences_is_scipys(rows: list[tuple[float, float]], luck: int) -> None:
    noise = np.random.default_rng(luck).normal(size=len(rows))
    ours = {seed: first for seed, (first, _) in enumerate(rows)}
    theirs = {seed: first + step * noise[seed] for seed, (first, step) in enumerate(rows)}
    found = paired(ours, theirs)
    test = stats.ttest_rel(list(theirs.values()), list(ours.values()))
    expected = test.confidence_interval(0.95)
    assert found is not None
    assert found.interval is not None
    assert found.interval == pytest.approx((expected.low, expected.high), rel=1e-6, abs=1e-9)
    if abs(test.pvalue - 0.05) > 1e-6:
        assert found.verdict == ("within noise" if test.pvalue > 0.05 else "outside noise")


@given(NUMBERS)
def test_a_run_is_within_noise_of_itself(values: list[float]) -> None:
    found = paired(dict(enumerate(values)), dict(enumerate(values)))
    assert found is not None
    assert (found.difference, found.interval, found.verdict) == (0.0, (0.0, 0.0), "within noise")


def test_a_run_shifted_as_a_whole_is_outside_noise_however_far_its_seeds_scatter() -> None:
    scattered = {1: 0.1, 2: 0.9, 3: 0.4}
    found = paired(scattered, {seed: value + 0.125 for seed, value in scattered.items()})
    assert found is not None
    assert found.difference == pytest.approx(0.125)
    assert found.verdict == "outside noise"


def test_only_seeds_of_both_runs_are_compared_and_one_alone_says_nothing_of_noise() -> None:
    found = paired({1: 0.5, 2: 0.6}, {2: 0.8, 3: 0.1})
    assert found is not None
    assert found.seeds == (2,)
    assert found.difference == pytest.approx(0.2)
    assert found.interval is None
    assert found.verdict == "unknown"
    assert paired({1: 0.5}, {2: 0.5}) is None
