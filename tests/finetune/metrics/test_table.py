import subprocess
import sys

import numpy as np
import pytest

from finetune.metrics import METRICS, score
from finetune.tasks.metric_names import FROM_SCORES, METRICS_OF_KIND
from finetune.tasks.spec import TaskSpec

LABELS = ("x", "y")
RIGHT = {
    "classification": ([0, 1, 1], [0, 1, 1], np.eye(2)[[0, 1, 1]]),
    "multilabel": ([np.array([0, 1]), np.array([1, 0])], [np.array([0, 1]), np.array([1, 0])], np.eye(2)[::-1]),
    "regression": ([1.0, 2.0, 4.0], [1.0, 2.0, 4.0], None),
    "ranking": ([0, 1], [0, 1], [np.array([0.7, 0.3]), np.array([0.1, 0.8, 0.1])]),
    "choice": ([0, 1], [0, 1], [np.array([0.7, 0.3]), np.array([0.1, 0.8, 0.1])]),
    "tagging": ([np.array([0, 1, 2]), np.array([2])], [np.array([0, 1, 2]), np.array([2])], None),
    "generation": (["A dog runs over grass.", "Two"], ["A dog runs over grass.", "Two"], None),
    "span": ([("Red cat", "cat"), ("甲乙",)], ["red cat", "甲乙"], [np.array([3.0]), np.array([2.0])]),
}
"""Kind → gold, the right answers, and scores that go with them."""


def spec_of(kind, *metrics):
    labels = ("B-A", "I-A", "O") if kind == "tagging" else LABELS
    return TaskSpec(name="t", kind=kind, fields=("a",), label="b", files={}, labels=labels, metrics=metrics)


def test_every_metric_belongs_to_a_kind_and_every_kind_s_metrics_exist():
    assert set(METRICS) == {name for names in METRICS_OF_KIND.values() for name in names}


@pytest.mark.parametrize("kind", METRICS_OF_KIND)
def test_right_answers_are_worth_one_in_every_metric_and_no_error(kind):
    gold, answers, scores = RIGHT[kind]
    names = METRICS_OF_KIND[kind]
    known = {name: 0.0 if name in ("rmse", "mape") else 1.0 for name in names}
    assert score(spec_of(kind, *names), gold, answers, scores) == pytest.approx(known)


def test_checking_a_recipe_s_tasks_loads_no_scientific_library():
    heavy = "{'scipy', 'sklearn', 'seqeval'}"
    code = f"import sys, finetune.tasks.own, finetune.tasks.table; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_answers_of_another_number_are_refused():
    with pytest.raises(ValueError, match="1 predictions for 2 labels"):
        score(spec_of("classification", "accuracy"), [0, 1], [0])


@pytest.mark.parametrize("name", FROM_SCORES)
def test_a_metric_of_scores_is_refused_without_them(name):
    with pytest.raises(ValueError, match=f"{name} reads the scores of 2 examples"):
        score(spec_of("ranking" if name == "mrr" else "classification", name), [0, 1], [0, 1])
