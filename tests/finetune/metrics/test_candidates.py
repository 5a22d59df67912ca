import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st

from finetune.metrics.candidates import mrr
from finetune.tasks.spec import TaskSpec

RANKED = TaskSpec(name="t", kind="ranking", fields=("a",), label="b", files={}, metrics=("mrr",), primary="mrr")


def test_the_reciprocal_rank_is_by_hand_whatever_the_number_of_candidates():
    """First of two, third of three, and second of two equal ones, since a tie counts against the right one."""
    scores = [np.array([0.9, 0.1]), np.array([0.5, 0.3, 0.2]), np.array([0.5, 0.5])]
    assert mrr([0, 2, 1], scores, RANKED) == pytest.approx((1 + 1 / 3 + 1 / 2) / 3)


@given(st.lists(st.tuples(st.integers(0, 3), st.lists(st.integers(0, 3), min_size=4, max_size=4)), min_size=1))
def test_with_one_right_candidate_each_it_is_the_label_ranking_average_precision(rows):
    gold, scores = zip(*rows, strict=True)
    right = np.eye(4, dtype=int)[list(gold)]
    known = sklearn.metrics.label_ranking_average_precision_score(right, np.array(scores))
    assert mrr(gold, list(map(np.array, scores)), RANKED) == pytest.approx(known, abs=1e-15)
