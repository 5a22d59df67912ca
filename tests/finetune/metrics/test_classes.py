"""Oracles: formulae of the confusion table, counted pairs, scikit-learn asked another way, and invariances.

Every warning is an error here, so each of these also holds that the libraries are asked nothing they would warn of.
"""

import math
from dataclasses import replace

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.metrics import METRICS, classes, score
from finetune.tasks.spec import TaskSpec

THREE = TaskSpec(name="t", kind="classification", fields=("a",), label="b", files={}, labels=("x", "y", "z"))
TWO = replace(THREE, labels=("x", "y"), metrics=("accuracy", "f1", "accuracy_f1", "matthews"), primary="matthews")
SEVERAL = replace(THREE, kind="multilabel", metrics=("micro_f1", "macro_f1", "exact_match"), primary="micro_f1")


def pairs(values):
    return st.lists(st.tuples(values, values), min_size=1, max_size=30).map(lambda rows: list(zip(*rows, strict=True)))


def from_table(table):
    """(labels, predictions) with that many rows of each (label, prediction)."""
    rows = [pair for pair, count in table.items() for _ in range(count)]
    return [label for label, _ in rows], [told for _, told in rows]


def f1_of(right, told):
    """F1 of two lists of yes and no, by its formula."""
    hits = sum(a and b for a, b in zip(right, told, strict=True))
    return 2 * hits / (sum(right) + sum(told)) if hits else 0.0


@settings(max_examples=40)
@given(*[st.integers(0, 9)] * 3, st.integers(1, 9))
def test_two_class_metrics_are_their_formulae_of_the_confusion_table(tp, fp, fn, tn):
    labels, told = from_table({(1, 1): tp, (0, 1): fp, (1, 0): fn, (0, 0): tn})
    right = (tp + tn) / (tp + fp + fn + tn)
    f1 = 2 * tp / (2 * tp + fp + fn) if tp else 0.0
    sides = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    matthews = (tp * tn - fp * fn) / math.sqrt(sides) if sides else 0.0
    known = {"accuracy": right, "f1": f1, "accuracy_f1": (right + f1) / 2, "matthews": matthews}
    assert score(TWO, labels, told) == pytest.approx(known)


def test_the_positive_class_of_f1_is_the_last_label():
    labels, told = from_table({(1, 1): 3, (0, 1): 1, (1, 0): 2, (0, 0): 4})
    assert classes.f1(labels, told, TWO) == pytest.approx(2 / 3)
    assert classes.f1([0, 0, 0], [0, 0, 0], TWO) == 0.0
    assert classes.f1([1, 1, 1], [1, 1, 1], TWO) == 1.0


def test_macro_f1_counts_a_declared_class_that_never_occurs_as_zero():
    assert classes.macro_f1([0, 0, 1, 1], [0, 1, 1, 1], THREE) == pytest.approx((2 / 3 + 4 / 5 + 0) / 3)
    assert classes.macro_f1([0, 0], [0, 0], THREE) == pytest.approx(1 / 3)


@given(pairs(st.integers(0, 2)))
def test_with_one_class_per_example_micro_f1_is_the_accuracy(rows):
    assert classes.micro_f1(*rows, THREE) == classes.accuracy(*rows, THREE)


@given(pairs(st.integers(0, 2)))
def test_macro_f1_is_the_mean_of_each_class_against_the_rest(rows):
    each = [f1_of(*([answer == name for answer in side] for side in rows)) for name in range(3)]
    assert classes.macro_f1(*rows, THREE) == pytest.approx(sum(each) / 3, abs=1e-15)


def test_matthews_of_three_classes_is_gorodkin_s():
    """With equal classes: 1 where all is right, -1/2 where each is taken for the next, 0 where each is told of each."""
    every = [(label, told) for label in range(3) for told in range(3)]
    assert classes.matthews([0, 1, 2], [0, 1, 2], THREE) == pytest.approx(1.0)
    assert classes.matthews([0, 1, 2], [1, 2, 0], THREE) == pytest.approx(-0.5)
    assert classes.matthews(*zip(*every, strict=True), THREE) == pytest.approx(0.0)


@settings(max_examples=40)
@given(pairs(st.integers(0, 2)), st.permutations([0, 1, 2]))
def test_no_metric_of_many_classes_depends_on_their_order(rows, order):
    labels, told = rows
    renamed = [[order[answer] for answer in side] for side in rows]
    for metric in (classes.accuracy, classes.macro_f1, classes.micro_f1, classes.matthews):
        assert metric(*renamed, THREE) == pytest.approx(metric(labels, told, THREE))


def test_as_many_classes_as_rows_is_still_a_classification():
    many = replace(THREE, labels=tuple(map(str, range(40))), metrics=("accuracy", "macro_f1", "micro_f1", "matthews"))
    known = {"accuracy": 1.0, "macro_f1": 30 / 40, "micro_f1": 1.0, "matthews": 1.0}
    assert score(many, range(30), np.arange(30)) == pytest.approx(known)


BITS = st.lists(st.integers(0, 1), min_size=3, max_size=3).map(np.array)


@settings(max_examples=40)
@given(pairs(BITS))
def test_f1_of_several_labels_is_that_of_all_decisions_pooled_and_the_mean_of_each_label_s(rows):
    right, told = (np.stack(side) for side in rows)
    each = [f1_of(right[:, label], told[:, label]) for label in range(3)]
    known = {
        "micro_f1": f1_of(right.ravel(), told.ravel()),
        "macro_f1": sum(each) / 3,
        "exact_match": sklearn.metrics.accuracy_score(right, told),
    }
    assert score(SEVERAL, *rows) == pytest.approx(known, abs=1e-15)


def test_several_labels_of_which_none_was_found_score_zero():
    nothing = [np.zeros(3, dtype=np.int64)] * 2
    assert score(SEVERAL, nothing, nothing) == {"micro_f1": 0.0, "macro_f1": 0.0, "exact_match": 1.0}


def area_by_pairs(right, scores):
    """The share of pairs of one that has the class and one that has not in which the first scores higher."""
    pairs = [(a > b) + (a == b) / 2 for a, x in zip(scores, right, strict=True) if x
             for b, y in zip(scores, right, strict=True) if not y]  # fmt: skip
    return sum(pairs) / len(pairs)


TENTHS = st.integers(0, 10).map(lambda value: value / 10)


@given(st.lists(st.tuples(st.integers(0, 1), TENTHS), min_size=2, max_size=20))
def test_the_area_of_two_classes_counts_the_pairs_that_the_positive_s_score_puts_in_order(rows):
    gold, positive = zip(*rows, strict=True)
    scores = [np.array([1 - value, value]) for value in positive]
    known = area_by_pairs(gold, positive) if len(set(gold)) == 2 else 0.5
    assert classes.auc(gold, scores, TWO) == pytest.approx(known, abs=1e-12)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 2), st.tuples(TENTHS, TENTHS, TENTHS)), max_size=20), st.randoms())
def test_the_area_of_many_classes_is_scikit_learn_s_one_against_the_rest(rows, random):
    gold, raw = zip(*[*rows, *((name, (0.2, 0.5, 0.3)) for name in range(3))], strict=True)
    scores = np.array(raw) + 0.01
    scores /= scores.sum(axis=1, keepdims=True)
    assert classes.auc(gold, list(scores), THREE) == sklearn.metrics.roc_auc_score(gold, scores, multi_class="ovr")


def test_a_class_that_all_or_none_have_says_nothing_of_the_area():
    gold = [np.array(bits) for bits in ([1, 0, 1], [1, 0, 0], [1, 0, 1])]
    scores = [np.array([0.1, 0.2, value]) for value in (0.9, 0.8, 0.3)]
    assert METRICS["auc"](gold, scores, SEVERAL) == 0.5
    assert METRICS["auc"](gold[:2], scores[:2], SEVERAL) == 1.0
    assert METRICS["auc"]([1, 1], [np.array([0.5, 0.5])] * 2, TWO) == 0.5
