"""Oracles: examples worked out by hand, the formulae, and what may not change a score."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.metrics import METRICS, regression
from finetune.tasks.spec import TaskSpec

SCORE = TaskSpec(name="t", kind="regression", fields=("a",), label="b", files={}, range=(0.0, 5.0))
CORRELATIONS = ("pearson", "spearman", "pearson_spearman")


def test_correlations_by_hand():
    """Ties share the mean of their ranks: 1, 2.5, 2.5, 4 against 1, 2, 3, 4 is 4.5 / sqrt(4.5 · 5)."""
    assert regression.pearson([1.0, 2.0, 3.0], [1.0, 3.0, 2.0], SCORE) == pytest.approx(0.5)
    assert regression.pearson([0.0, 0.0, 3.0], [0.0, 1.0, 2.0], SCORE) == pytest.approx(math.sqrt(3) / 2)
    assert regression.spearman([0.5, 2.0, 2.0, 3.0], [1.0, 2.0, 3.0, 4.5], SCORE) == pytest.approx(3 / math.sqrt(10))
    assert regression.spearman([1.0, 2.0], [5.0, 4.0], SCORE) == pytest.approx(-1.0)


QUARTERS = st.integers(0, 20).map(lambda value: value / 4)
ROWS = st.lists(st.tuples(QUARTERS, QUARTERS), min_size=1, max_size=30).map(lambda rows: list(zip(*rows, strict=True)))


@given(ROWS)
def test_the_mean_correlation_is_the_mean_and_the_unit_of_scores_changes_none(rows):
    labels, told = rows
    pearson, spearman, both = (METRICS[name](labels, told, SCORE) for name in CORRELATIONS)
    assert both == pytest.approx((pearson + spearman) / 2)
    assert regression.pearson(labels, [7 - 3 * value for value in told], SCORE) == pytest.approx(-pearson, abs=1e-12)
    assert regression.spearman(labels, np.exp(told), SCORE) == pytest.approx(spearman, abs=1e-12)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e-12, 1e9])
def test_constant_scores_correlate_with_nothing_although_their_mean_is_inexact(constant):
    labels, told = list(np.linspace(0, 5, 7)), [constant] * 7
    for first, second in ((labels, told), (told, labels), (told, told), ([1.0], [2.0])):
        assert [METRICS[name](first, second, SCORE) for name in CORRELATIONS] == [0.0] * 3


@pytest.mark.parametrize("step", [1e-16, 1e-14, 1e-12])
def test_scores_that_differ_by_rounding_alone_count_as_constant(step):
    labels = np.linspace(0, 5, 7)
    assert [METRICS[name](labels, 1 + step * labels, SCORE) for name in CORRELATIONS] == [0.0] * 3


def test_neighbouring_scores_of_a_float32_head_do_correlate():
    told = np.nextafter(np.float32(1), [np.float32(0), np.float32(2), np.float32(2)]).astype(np.float64)
    assert regression.pearson([0.0, 1.0, 1.0], told, SCORE) == pytest.approx(1.0)
    assert regression.pearson([1.0, 2.0, 3.0], [1e-200, 2e-200, 3e-200], SCORE) == pytest.approx(1.0)


@given(ROWS)
def test_errors_are_their_formulae(rows):
    right, told = map(np.array, rows)
    off = np.abs(told - right)
    assert regression.rmse(*rows, SCORE) == pytest.approx(math.sqrt((off**2).mean()))
    assert regression.mape(*rows, SCORE) == pytest.approx((off / np.maximum(right, np.finfo(float).eps)).mean())


def test_errors_of_three_and_four_are_by_hand():
    assert regression.rmse([0.0, 0.0], [3.0, 4.0], SCORE) == pytest.approx(math.sqrt(12.5))
    assert regression.mape([2.0, 5.0], [5.0, 1.0], SCORE) == pytest.approx((3 / 2 + 4 / 5) / 2)
