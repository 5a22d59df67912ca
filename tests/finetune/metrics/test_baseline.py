"""Oracle: the constant answer, worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from finetune.metrics import majority
from finetune.tasks.spec import TaskSpec

TWO = TaskSpec(name="t", kind="classification", fields=("a",), label="b", files={}, labels=("x", "y"))
SCORE = replace(TWO, kind="regression", labels=(), range=(0.0, 5.0), primary="pearson")
SEVERAL = replace(TWO, kind="multilabel", labels=("x", "y", "z"), primary="exact_match")
RANKED = replace(TWO, kind="ranking", labels=())


def bits(*rows):
    return [np.array([int(bit) for bit in row]) for row in rows]


def test_the_commonest_class_is_learnt_from_train_and_scored_on_dev():
    assert majority(TWO, [0, 0, 1], [1, 1, 1, 0]) == 0.25
    assert majority(TWO, [1, 0], [0, 0, 0, 1]) == 0.75
    assert majority(replace(TWO, primary="matthews"), [0, 0, 1], [1, 1, 1, 0]) == 0.0


def test_the_mean_score_of_train_correlates_with_nothing_and_errs_by_what_it_is_off():
    assert majority(SCORE, [1.0, 4.0], [1.0, 2.0]) == 0.0
    assert majority(replace(SCORE, primary="rmse"), [1.0, 4.0], [1.5, 3.5]) == pytest.approx(1.0)


def test_of_several_labels_those_are_said_that_over_half_of_train_has():
    train = bits("110", "100", "101", "011")
    assert majority(SEVERAL, train, bits("100", "110")) == 0.5
    assert majority(replace(SEVERAL, primary="micro_f1"), train, bits("110", "010")) == pytest.approx(2 / (2 + 3))


def test_the_place_where_the_right_candidate_stands_most_often_is_said_and_the_first_of_equals():
    assert majority(RANKED, [2, 2, 0], [2, 0, 1, 2]) == 0.5
    assert majority(replace(RANKED, kind="choice"), [1, 0], [0, 0, 1]) == pytest.approx(2 / 3)


def test_candidates_are_ranked_by_how_often_their_place_is_right():
    """Places by train: 1, then 0, then 2. The right ones stand at 0 of three, at 2 of three, at 0 of one."""
    ranked = replace(RANKED, primary="mrr")
    assert majority(ranked, [1, 1, 0], [0, 2, 0], [3, 3, 1]) == pytest.approx((1 / 2 + 1 / 3 + 1) / 3)
    assert majority(ranked, [1, 1, 0], [0, 2, 1]) == pytest.approx((1 / 2 + 1 / 3 + 1) / 3)


@pytest.mark.parametrize("spec", [TWO, replace(TWO, labels=("x", "y", "z"))])
def test_without_a_look_at_the_input_the_area_is_chance(spec):
    assert majority(replace(spec, primary="auc"), [0, 0, 1], [1, 1, 1, 0]) == 0.5
    assert majority(replace(SEVERAL, primary="auc"), bits("100"), bits("100", "010")) == 0.5


def test_no_entity_is_found_unread():
    tags = replace(TWO, kind="tagging", labels=("B-A", "O"), primary="accuracy")
    assert majority(tags, [], [np.array([0, 1, 1]), np.array([1])]) == 0.75
    assert majority(replace(tags, primary="entity_f1"), [], [np.array([0, 1])]) == 0.0


def test_no_answer_is_found_unread_so_it_is_right_where_there_is_none():
    span = replace(TWO, kind="span", labels=(), primary="span_f1", unanswerable=True)
    assert majority(span, [("cat",)], [(), ("cat",), (), ("dog",)]) == 0.5
    assert majority(replace(span, unanswerable=False), [("cat",)], [("cat",), ("dog",)]) == 0.0
    assert majority(replace(span, primary="span_f1_zh"), [], [(), ("甲",)]) == 0.5
