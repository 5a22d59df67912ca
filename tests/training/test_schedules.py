"""Schedules against their closed forms."""

import math

import numpy as np
import pytest

from training.schedules import RateSchedule, WeightSchedule, constant_weight


@pytest.mark.parametrize("kind", ["constant", "linear", "cosine"])
def test_the_warm_up_rises_in_equal_steps_to_the_peak(kind):
    factors = [RateSchedule(kind, warmup=0.1).factor(step, 100) for step in range(11)]
    assert factors == pytest.approx(
        [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.0 if kind == "constant" else factors[10]]
    )
    assert factors[10] == 1.0


def test_a_constant_rate_stays_at_its_peak():
    assert {RateSchedule("constant", warmup=0.0).factor(step, 7) for step in range(7)} == {1.0}


@pytest.mark.parametrize(("floor", "middle"), [(0.0, 0.5), (0.2, 0.6)])
@pytest.mark.parametrize("kind", ["linear", "cosine"])
def test_after_the_warm_up_half_the_way_is_half_the_fall(kind, floor, middle):
    assert RateSchedule(kind, warmup=0.2, floor=floor).factor(60, 100) == pytest.approx(middle)


@pytest.mark.parametrize("step", [20, 37, 60, 99])
def test_linear_and_cosine_falls_are_the_textbook_formulas(step):
    done = (step - 20) / 80
    assert RateSchedule("linear", warmup=0.2, floor=0.1).factor(step, 100) == pytest.approx(0.1 + 0.9 * (1 - done))
    cosine = 0.1 + 0.9 * (1 + math.cos(math.pi * done)) / 2
    assert RateSchedule("cosine", warmup=0.2, floor=0.1).factor(step, 100) == pytest.approx(cosine)


def test_the_floor_is_approached_and_never_passed():
    factors = [RateSchedule("linear", warmup=0.0, floor=0.25).factor(step, 50) for step in range(50)]
    assert min(factors) >= 0.25
    assert factors[-1] == pytest.approx(0.25 + 0.75 / 50)


@pytest.mark.parametrize("steps", [10, 73, 200])
def test_the_slanted_triangle_is_the_formula_of_ulmfit(steps):
    """Howard and Ruder 2018, equation 3, with cut_frac 0.1 and ratio 32."""
    cut = math.floor(steps * 0.1)
    expected = []
    for t in range(steps):
        p = t / cut if t < cut else 1 - (t - cut) / (cut * (1 / 0.1 - 1))
        expected.append((1 + max(0.0, p) * (32 - 1)) / 32)  # p falls below 0 where floor has cut the rise short
    found = [RateSchedule("slanted").factor(t, steps) for t in range(steps)]
    assert found == pytest.approx(expected)
    assert max(found) == 1.0
    assert min(found) == pytest.approx(1 / 32)


@pytest.mark.parametrize("kind", ["constant", "linear", "cosine", "slanted"])
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_the_shortest_stages_have_finite_rates_within_bounds(kind, steps):
    factors = [RateSchedule(kind).factor(step, steps) for step in range(steps)]
    assert all(0.0 <= factor <= 1.0 for factor in factors)
    assert max(factors) > 0.0


def test_an_exponential_weight_goes_from_start_to_end_by_one_factor_a_step():
    values = np.array([WeightSchedule("exponential", 0.2, 0.1).value(step, 101) for step in range(101)])
    assert values == pytest.approx(0.2 * 0.5 ** (np.arange(101) / 100))
    assert (values[0], values[-1]) == pytest.approx((0.2, 0.1))


def test_a_linear_weight_goes_from_start_to_end_in_equal_steps():
    values = [WeightSchedule("linear", 1.0, 0.0).value(step, 5) for step in range(5)]
    assert values == pytest.approx([1.0, 0.75, 0.5, 0.25, 0.0])


def test_a_constant_weight_stands_still_also_at_zero():
    assert {constant_weight(0.3).value(step, 9) for step in range(9)} == {0.3}
    assert {constant_weight(0.0).value(step, 9) for step in range(9)} == {0.0}


def test_a_stage_of_one_step_uses_the_start():
    assert WeightSchedule("exponential", 0.2, 0.1).value(0, 1) == 0.2
