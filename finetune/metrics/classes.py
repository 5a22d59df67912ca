"""Metrics of classes, one or several per example, and of whatever else is right or wrong: scikit-learn's.

Every one is defined on constant answers, which are what an untrained model gives. What the libraries would warn of is
asked of the values first.

Shape letters: N examples, C classes.
"""

import numpy as np
import sklearn.metrics
from numpy.typing import NDArray

from finetune.metrics.answers import Answers
from finetune.tasks.spec import TaskSpec


def accuracy(gold: Answers, answers: Answers, spec: TaskSpec) -> float:
    """Share of examples, for tagging of words, that are right."""
    return float(sklearn.metrics.accuracy_score(_flat(gold), _flat(answers)))


def all_labels_right(gold: Answers, answers: Answers, spec: TaskSpec) -> float:
    """Share of examples whose several labels are all right: scikit-learn's subset accuracy."""
    return float((np.asarray(gold) == np.asarray(answers)).all(axis=1).mean())


def f1(gold: Answers, answers: Answers, spec: TaskSpec) -> float:
    """F1 of the positive class, the last of two labels; 0 where nothing positive was found."""
    return float(sklearn.metrics.f1_score(gold, answers, pos_label=len(spec.labels) - 1, zero_division=0))


def macro_f1(gold: Answers, answers: Answers, spec: TaskSpec) -> float:
    """Mean F1 over every declared class; a class that neither occurs nor is predicted counts as 0."""
    return _f1_over_classes(gold, answers, spec, "macro")


def micro_f1(gold: Answers, answers: Answers, spec: TaskSpec) -> float:
    """F1 of all classes' hits and misses pooled; with one class per example this is the accuracy."""
    return _f1_over_classes(gold, answers, spec, "micro")


def matthews(gold: Answers, answers: Answers, spec: TaskSpec) -> float:
    """Matthews correlation of any number of classes (Gorodkin 2004); 0 where either side is constant."""
    if len(set(np.asarray(gold).tolist())) == 1 or len(set(np.asarray(answers).tolist())) == 1:
        return 0.0
    return float(sklearn.metrics.matthews_corrcoef(gold, answers))


def accuracy_f1(gold: Answers, answers: Answers, spec: TaskSpec) -> float:
    """Mean of accuracy and F1: what GLUE counts for MRPC and QQP."""
    return (accuracy(gold, answers, spec) + f1(gold, answers, spec)) / 2


def auc(gold: Answers, scores: Answers, spec: TaskSpec) -> float:
    """Area under the ROC curve: that a random example of a class is scored above a random one without; ties half.

    Of two classes the positive's; of more, and of several labels per example, the mean over the classes that some
    examples have and some have not (one against the rest). 1/2, which is chance, where there is no such class.
    """
    right_NC, scores_NC = _by_class(gold, spec), np.asarray(scores)
    if spec.kind == "classification" and len(spec.labels) == 2:
        right_NC, scores_NC = right_NC[:, 1:], scores_NC[:, 1:]
    both_C = right_NC.any(axis=0) & ~right_NC.all(axis=0)
    columns = np.flatnonzero(both_C)
    areas = [sklearn.metrics.roc_auc_score(right_NC[:, column], scores_NC[:, column]) for column in columns]
    return float(np.mean(areas)) if areas else 0.5


def _f1_over_classes(gold: Answers, answers: Answers, spec: TaskSpec, average: str) -> float:
    every = np.arange(len(spec.labels))
    right, told = np.asarray(gold), np.asarray(answers)
    return float(sklearn.metrics.f1_score(right, told, labels=every, average=average, zero_division=0))


def _by_class(gold: Answers, spec: TaskSpec) -> NDArray[np.bool_]:
    """[N, C]: whether an example has a class."""
    given = np.asarray(gold)
    return given.astype(bool) if given.ndim == 2 else given[:, None] == np.arange(len(spec.labels))


def _flat(answers: Answers) -> NDArray[np.int64]:
    return np.concatenate([np.atleast_1d(np.asarray(answer, dtype=np.int64)) for answer in answers])
