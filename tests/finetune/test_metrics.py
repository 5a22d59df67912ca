"""Oracles: the metrics' own formulae, examples worked out by hand, and what may not change a score.

Every warning is an error here, so each of these also holds that the libraries are asked nothing they would warn of.
"""

import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune import metrics
from finetune.tasks.bio import bio_from_iob1
from finetune.tasks.metric_names import METRICS_OF_KIND
from finetune.tasks.spec import TaskSpec

THREE = TaskSpec(name="t", kind="classification", fields=("a",), label="b", files={}, labels=("x", "y", "z"))
TWO = replace(THREE, labels=("x", "y"), metrics=("accuracy", "f1", "accuracy_f1", "matthews"), primary="matthews")
SCORE = replace(THREE, kind="regression", labels=(), range=(0.0, 5.0), metrics=("pearson", "rmse"), primary="pearson")
TAGS = replace(THREE, kind="tagging", labels=("O", "B-A", "I-A", "B-B", "I-B"), metrics=("entity_f1",))
TAGS = replace(TAGS, primary="entity_f1")

CORRELATIONS = ("pearson", "spearman", "pearson_spearman")


def pairs(values):
    return st.lists(st.tuples(values, values), min_size=1, max_size=30).map(lambda rows: list(zip(*rows, strict=True)))


def from_table(table):
    """(labels, predictions) with that many rows of each (label, prediction)."""
    rows = [pair for pair, count in table.items() for _ in range(count)]
    return [label for label, _ in rows], [told for _, told in rows]


@settings(deadline=None)
@given(*[st.integers(0, 9)] * 3, st.integers(1, 9))
def test_two_class_metrics_are_their_formulae_of_the_confusion_table(tp, fp, fn, tn):
    labels, told = from_table({(1, 1): tp, (0, 1): fp, (1, 0): fn, (0, 0): tn})
    right = (tp + tn) / (tp + fp + fn + tn)
    f1 = 2 * tp / (2 * tp + fp + fn) if tp else 0.0
    sides = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    matthews = (tp * tn - fp * fn) / math.sqrt(sides) if sides else 0.0
    known = {"accuracy": right, "f1": f1, "accuracy_f1": (right + f1) / 2, "matthews": matthews}
    assert metrics.score(TWO, labels, told) == pytest.approx(known)


def test_the_positive_class_of_f1_is_the_last_label():
    labels, told = from_table({(1, 1): 3, (0, 1): 1, (1, 0): 2, (0, 0): 4})
    assert metrics.f1(labels, told, TWO) == pytest.approx(2 / 3)
    assert metrics.f1([0, 0, 0], [0, 0, 0], TWO) == 0.0
    assert metrics.f1([1, 1, 1], [1, 1, 1], TWO) == 1.0


def test_macro_f1_counts_a_declared_class_that_never_occurs_as_zero():
    assert metrics.macro_f1([0, 0, 1, 1], [0, 1, 1, 1], THREE) == pytest.approx((2 / 3 + 4 / 5 + 0) / 3)
    assert metrics.macro_f1([0, 0], [0, 0], THREE) == pytest.approx(1 / 3)


def test_matthews_of_three_classes_is_gorodkin_s():
    """With equal classes: 1 where all is right, -1/2 where each is taken for the next, 0 where each is told of each."""
    every = [(label, told) for label in range(3) for told in range(3)]
    assert metrics.matthews([0, 1, 2], [0, 1, 2], THREE) == pytest.approx(1.0)
    assert metrics.matthews([0, 1, 2], [1, 2, 0], THREE) == pytest.approx(-0.5)
    assert metrics.matthews(*zip(*every, strict=True), THREE) == pytest.approx(0.0)


@settings(deadline=None)
@given(pairs(st.integers(0, 2)), st.permutations([0, 1, 2]))
def test_no_metric_of_many_classes_depends_on_their_order(rows, order):
    labels, told = rows
    renamed = [[order[answer] for answer in side] for side in rows]
    for metric in (metrics.accuracy, metrics.macro_f1, metrics.matthews):
        assert metric(*renamed, THREE) == pytest.approx(metric(labels, told, THREE))


def test_as_many_classes_as_rows_is_still_a_classification():
    many = replace(THREE, labels=tuple(map(str, range(40))), metrics=("accuracy", "macro_f1", "matthews"))
    known = {"accuracy": 1.0, "macro_f1": 30 / 40, "matthews": 1.0}
    assert metrics.score(many, range(30), np.arange(30)) == pytest.approx(known)


def test_correlations_by_hand():
    """Ties share the mean of their ranks: 1, 2.5, 2.5, 4 against 1, 2, 3, 4 is 4.5 / sqrt(4.5 · 5)."""
    assert metrics.pearson([1.0, 2.0, 3.0], [1.0, 3.0, 2.0], SCORE) == pytest.approx(0.5)
    assert metrics.pearson([0.0, 0.0, 3.0], [0.0, 1.0, 2.0], SCORE) == pytest.approx(math.sqrt(3) / 2)
    assert metrics.spearman([0.5, 2.0, 2.0, 3.0], [1.0, 2.0, 3.0, 4.5], SCORE) == pytest.approx(3 / math.sqrt(10))
    assert metrics.spearman([1.0, 2.0], [5.0, 4.0], SCORE) == pytest.approx(-1.0)


QUARTERS = st.integers(0, 20).map(lambda value: value / 4)


@settings(deadline=None)
@given(pairs(QUARTERS))
def test_the_mean_correlation_is_the_mean_and_the_unit_of_scores_changes_none(rows):
    labels, told = rows
    pearson, spearman, both = (metrics.METRICS[name](labels, told, SCORE) for name in CORRELATIONS)
    assert both == pytest.approx((pearson + spearman) / 2)
    assert metrics.pearson(labels, [7 - 3 * value for value in told], SCORE) == pytest.approx(-pearson, abs=1e-12)
    assert metrics.spearman(labels, np.exp(told), SCORE) == pytest.approx(spearman, abs=1e-12)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e-12, 1e9])
def test_constant_scores_correlate_with_nothing_although_their_mean_is_inexact(constant):
    labels, told = list(np.linspace(0, 5, 7)), [constant] * 7
    for first, second in ((labels, told), (told, labels), (told, told), ([1.0], [2.0])):
        assert [metrics.METRICS[name](first, second, SCORE) for name in CORRELATIONS] == [0.0] * 3


@pytest.mark.parametrize("step", [1e-16, 1e-14, 1e-12])
def test_scores_that_differ_by_rounding_alone_count_as_constant(step):
    labels = np.linspace(0, 5, 7)
    assert [metrics.METRICS[name](labels, 1 + step * labels, SCORE) for name in CORRELATIONS] == [0.0] * 3


def test_neighbouring_scores_of_a_float32_head_do_correlate():
    told = np.nextafter(np.float32(1), [np.float32(0), np.float32(2), np.float32(2)]).astype(np.float64)
    assert metrics.pearson([0.0, 1.0, 1.0], told, SCORE) == pytest.approx(1.0)
    assert metrics.pearson([1.0, 2.0, 3.0], [1e-200, 2e-200, 3e-200], SCORE) == pytest.approx(1.0)


def test_root_mean_squared_error_of_errors_three_and_four_is_by_hand():
    assert metrics.rmse([0.0, 0.0], [3.0, 4.0], SCORE) == pytest.approx(math.sqrt(12.5))


def tags(*sentences):
    return [[TAGS.labels.index(tag) for tag in sentence.split()] for sentence in sentences]


def test_an_entity_is_right_where_its_type_and_both_its_ends_are():
    """Three entities: first the last of the first sentence has another type, then only that one is right."""
    labels = tags("B-A I-A O B-B", "B-A I-A")
    assert metrics.entity_f1(labels, tags("B-A I-A O B-A", "B-A I-A"), TAGS) == pytest.approx(4 / 6)
    assert metrics.entity_f1(labels, tags("B-A I-A I-A B-B", "B-A B-A"), TAGS) == pytest.approx(2 / (3 + 4))


def test_an_inside_tag_that_continues_nothing_opens_an_entity_as_conlleval_has_it():
    labels = tags("B-A I-A O B-B")
    assert metrics.entity_f1(labels, tags("I-A I-A O I-B"), TAGS) == 1.0
    assert metrics.entity_f1(labels, tags("B-A I-A O O"), TAGS) == pytest.approx(2 / 3)


def test_an_entity_never_crosses_from_one_sentence_into_the_next():
    assert metrics.entity_f1(tags("O B-A", "B-A O"), tags("O B-A", "I-A O"), TAGS) == 1.0


def test_without_entities_entity_f1_is_zero():
    assert metrics.entity_f1(tags("O O"), tags("O O"), TAGS) == 0.0
    assert metrics.entity_f1(tags("O B-A"), tags("O O"), TAGS) == 0.0
    assert metrics.entity_f1(tags("O O"), tags("B-A O"), TAGS) == 0.0


TAGGED = st.lists(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=8), max_size=5)


@settings(deadline=None)
@given(TAGGED.filter(bool))
def test_entity_f1_is_symmetric_and_the_same_however_a_stray_tag_is_written(rows):
    labels, told = ([np.array([pair[side] for pair in row]) for row in rows] for side in (0, 1))
    mended = [[TAGS.labels.index(tag) for tag in bio_from_iob1([TAGS.labels[tag] for tag in row])] for row in told]
    value = metrics.entity_f1(labels, told, TAGS)
    assert metrics.entity_f1(labels, mended, TAGS) == value
    assert metrics.entity_f1(told, labels, TAGS) == pytest.approx(value)


def test_accuracy_of_tags_counts_words_not_sentences():
    assert metrics.accuracy([np.array([0, 1, 2]), np.array([0])], [np.array([0, 1, 0]), np.array([1])], TAGS) == 0.5


def test_the_majority_is_learnt_from_train_and_scored_on_dev():
    spec = replace(TWO, primary="accuracy")
    assert metrics.majority(spec, [0, 0, 1], [1, 1, 1, 0]) == 0.25
    assert metrics.majority(TWO, [0, 0, 1], [1, 1, 1, 0]) == 0.0
    assert metrics.majority(SCORE, [1.0, 4.0], [1.0, 2.0]) == 0.0
    assert metrics.majority(TAGS, [], [np.array([0, 1])]) == 0.0


def test_every_metric_belongs_to_a_kind_and_every_kind_s_metrics_exist():
    assert set(metrics.METRICS) == {name for names in METRICS_OF_KIND.values() for name in names}


def test_checking_a_recipe_s_tasks_loads_no_scientific_library():
    heavy = "{'scipy', 'sklearn', 'seqeval'}"
    code = f"import sys, finetune.tasks.own, finetune.tasks.table; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_answers_of_another_number_are_refused():
    with pytest.raises(ValueError, match="1 predictions for 2 labels"):
        metrics.score(TWO, [0, 1], [0])
