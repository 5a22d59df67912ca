"""The mixture: exact counts, every example once per epoch, a pure function of the step, and what each loss weighs."""

from collections import Counter

import numpy as np
import pytest

from training.address import epoch_draws, key_of
from training.mixture import Mixture, Stream
from training.schedules import WeightSchedule

SIZES = {"big": 40, "middle": 20, "small": 10}
STEPS = 70


@pytest.fixture
def tasks(toy):
    """The worked example of the docstring: tasks of 40, 20 and 10 examples with 10 examples a step."""

    def make(sampling, sizes=SIZES, items=10, auxiliary=False, weight=None):
        streams = [
            Stream(name, toy.Items(size, 5, 9), (toy.Parity(name),), items, weight, True, key_of(name))
            for name, size in sizes.items()
        ]
        if auxiliary:
            fading = WeightSchedule("exponential", 0.2, 0.1)
            objectives = (toy.masked_lm(), toy.Parity("nsp"))
            streams.append(Stream("lm", toy.Items(9, 5, 9), objectives, 4, fading, False, key_of("lm")))
        return Mixture(streams, sampling, key_of("mixture"))

    return make


def turns(mixture, steps):
    """Which labelled stream each step draws."""
    drawn = [[len(draws_K) for draws_K in mixture.draws(step)] for step in steps]
    assert all(np.count_nonzero(given) == 1 for given in drawn)
    return [int(np.argmax(given)) for given in drawn]


def test_every_round_alternates_in_exact_proportion_to_the_sizes(tasks):
    mixture = tasks("alternate")
    for first in range(0, STEPS, 7):
        assert Counter(turns(mixture, range(first, first + 7))) == {0: 4, 1: 2, 2: 1}


@pytest.mark.parametrize("steps", range(1, 9))
def test_unreached_are_the_streams_that_no_step_draws(tasks, steps):
    mixture = tasks("alternate", auxiliary=True)
    drawn = {place for step in range(steps) for place, draws_K in enumerate(mixture.draws(step)) if len(draws_K)}
    names = [stream.name for place, stream in enumerate(mixture.streams) if place not in drawn]
    assert list(mixture.unreached(steps)) == names
    assert tasks("every").unreached(steps) == ()


def test_rounds_are_ordered_anew(tasks):
    order = turns(tasks("alternate"), range(STEPS))
    assert len({tuple(order[first : first + 7]) for first in range(0, STEPS, 7)}) >= 5


@pytest.mark.parametrize("sampling", ["every", "alternate"])
@pytest.mark.parametrize("items", [10, 7])
def test_a_tasks_draws_are_consecutive_so_that_every_example_comes_once_per_epoch(tasks, sampling, items):
    mixture = tasks(sampling, items=items)
    for place, size in enumerate(SIZES.values()):
        draws = np.concatenate([mixture.draws(step)[place] for step in range(STEPS)])
        assert draws.tolist() == list(range(len(draws)))
        whole = draws[: len(draws) // size * size]
        examples = epoch_draws(whole, size, mixture.streams[place].key).reshape(-1, size)
        assert len(examples) >= 5
        assert all(sorted(epoch) == list(range(size)) for epoch in examples.tolist())


def test_sizes_that_the_batch_does_not_divide_round_up(tasks):
    """11 and 10 examples, 10 a step: 2 + 1 turns."""
    order = turns(tasks("alternate", {"eleven": 11, "ten": 10}), range(30))
    assert all(Counter(order[first : first + 3]) == {0: 2, 1: 1} for first in range(0, 30, 3))


def test_a_mixture_made_anew_draws_the_same_at_any_step(tasks):
    """What a restart does: no step before is asked for."""
    before = tasks("alternate", auxiliary=True)
    expected = [[draws_K.tolist() for draws_K in before.draws(step)] for step in range(STEPS)]
    for step in (0, 6, 7, 33, 69, 2):
        fresh = tasks("alternate", auxiliary=True)
        assert [draws_K.tolist() for draws_K in fresh.draws(step)] == expected[step]


def test_unlabelled_streams_give_at_every_step_beside_alternating_tasks(tasks):
    mixture = tasks("alternate", auxiliary=True)
    for step in range(20):
        assert mixture.draws(step)[3].tolist() == list(range(4 * step, 4 * step + 4))
        assert sum(len(draws_K) for draws_K in mixture.draws(step)[:3]) == 10


def test_labelled_weights_are_shares_of_the_step_and_add_to_one(tasks, toy):
    streams = [
        Stream(name, toy.Items(20, 5, 9), (toy.Parity(name),), items, None, True, key_of(name))
        for name, items in (("a", 6), ("b", 3), ("c", 1))
    ]
    weights = Mixture(streams, "every", key_of("m")).weights(0, 10)
    assert weights == pytest.approx((0.6, 0.3, 0.1))


def test_unlabelled_streams_weigh_one_unless_told_otherwise(toy):
    stream = Stream("lm", toy.Items(9, 5, 9), (toy.masked_lm(), toy.Parity("nsp")), 4, None, False, key_of("lm"))
    assert Mixture([stream], "every", key_of("m")).weights(0, 10) == (1.0, 1.0)


def test_an_auxiliary_weight_anneals_on_all_its_questions_and_leaves_the_tasks_alone(tasks):
    mixture = tasks("every", auxiliary=True)
    assert [question.name for question in mixture.questions][3:] == ["lm/mlm", "lm/nsp"]
    for step, expected in ((0, 0.2), (50, 0.2 * 0.5**0.5), (100, 0.1)):
        weights = mixture.weights(step, 101)
        assert weights[3:] == pytest.approx((expected, expected))
        assert sum(weights[:3]) == pytest.approx(1.0)


def test_mixed_and_alternating_training_have_the_same_expected_gradient(tasks):
    """One mean gradient per task stands for it; over a round each task's weights add up the same per step taken."""
    alternating = tasks("alternate")
    summed = np.sum([np.multiply(alternating.weights(step, 7), given(alternating, step)) for step in range(7)], axis=0)
    mixed = Mixture(
        [
            Stream(stream.name, stream.source, stream.objectives, items, None, True, stream.key)
            for stream, items in zip(alternating.streams, (40, 20, 10), strict=True)
        ],
        "every",
        key_of("mixture"),
    )
    assert summed / 7 == pytest.approx(mixed.weights(0, 1))


def given(mixture, step):
    return [float(len(draws_K) > 0) for draws_K in mixture.draws(step)]


def test_questions_stand_in_the_order_of_the_streams_and_their_objectives(toy):
    names = [question.name for question in toy.mixture().questions]
    assert names == ["lm/mlm", "lm/nsp", "a/a", "b/b"]
