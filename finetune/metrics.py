"""Metrics of labelled tasks, each a function of (labels, predictions, spec): scikit-learn's, scipy's and seqeval's.

Labels and predictions are what `Encoded.gold` and `finetune.evaluate` hold: class ids, scores, or one array of tag
ids per sentence. Every metric is defined on constant predictions, which are what an untrained model gives: there
correlations are 0, as in GLUE. Constancy is asked of the values first, so that the libraries have nothing to warn of.

Shape letters: N rows.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.stats
import seqeval.metrics
import sklearn.metrics
from numpy.typing import NDArray

from finetune.tasks.spec import OUTSIDE, TaskSpec

Answers = Sequence[Any] | NDArray[Any]
Metric = Callable[[Answers, Answers, TaskSpec], float]

_ROUNDING = 1e-11
"""Spread relative to the largest score, below which scores are equal but for rounding: float32 has steps of 6e-8."""


def accuracy(labels: Answers, predictions: Answers, spec: TaskSpec) -> float:
    """Share of rows, for tagging of words, that are right."""
    return float(sklearn.metrics.accuracy_score(_flat(labels), _flat(predictions)))


def f1(labels: Answers, predictions: Answers, spec: TaskSpec) -> float:
    """F1 of the positive class, the last of two labels; 0 where nothing positive was found."""
    return float(sklearn.metrics.f1_score(labels, predictions, pos_label=len(spec.labels) - 1, zero_division=0))


def macro_f1(labels: Answers, predictions: Answers, spec: TaskSpec) -> float:
    """Mean F1 over every declared class; a class that neither occurs nor is predicted counts as 0."""
    every = np.arange(len(spec.labels))
    return float(sklearn.metrics.f1_score(labels, predictions, labels=every, average="macro", zero_division=0))


def matthews(labels: Answers, predictions: Answers, spec: TaskSpec) -> float:
    """Matthews correlation of any number of classes (Gorodkin 2004); 0 where either side is constant."""
    if _is_constant(np.asarray(labels)) or _is_constant(np.asarray(predictions)):
        return 0.0
    return float(sklearn.metrics.matthews_corrcoef(labels, predictions))


def accuracy_f1(labels: Answers, predictions: Answers, spec: TaskSpec) -> float:
    """Mean of accuracy and F1: what GLUE counts for MRPC and QQP."""
    return (accuracy(labels, predictions, spec) + f1(labels, predictions, spec)) / 2


def pearson(labels: Answers, predictions: Answers, spec: TaskSpec) -> float:
    """Pearson correlation; 0 where either side is constant."""
    return _correlation(scipy.stats.pearsonr, labels, predictions)


def spearman(labels: Answers, predictions: Answers, spec: TaskSpec) -> float:
    """Spearman rank correlation, ties sharing their mean rank; 0 where either side is constant."""
    return _correlation(scipy.stats.spearmanr, labels, predictions)


def pearson_spearman(labels: Answers, predictions: Answers, spec: TaskSpec) -> float:
    """Mean of both correlations: what GLUE counts for STS-B."""
    return (pearson(labels, predictions, spec) + spearman(labels, predictions, spec)) / 2


def rmse(labels: Answers, predictions: Answers, spec: TaskSpec) -> float:
    """Root of the mean squared error, in the label's own unit; lower is better."""
    return float(sklearn.metrics.root_mean_squared_error(labels, predictions))


def entity_f1(labels: Answers, predictions: Answers, spec: TaskSpec) -> float:
    """F1 over whole entities, type and both ends right, pooled over sentences; 0 where there are none.

    seqeval's default mode, which is CoNLL's own scorer `conlleval`: a stray I- opens an entity. Published CoNLL
    scores are of that kind; its strict mode would drop such an entity.
    """
    return float(seqeval.metrics.f1_score(_tags(labels, spec), _tags(predictions, spec), zero_division=0))


METRICS: dict[str, Metric] = {
    "accuracy": accuracy,
    "f1": f1,
    "macro_f1": macro_f1,
    "matthews": matthews,
    "accuracy_f1": accuracy_f1,
    "pearson": pearson,
    "spearman": spearman,
    "pearson_spearman": pearson_spearman,
    "rmse": rmse,
    "entity_f1": entity_f1,
}


def score(spec: TaskSpec, labels: Answers, predictions: Answers) -> dict[str, float]:
    """Every metric of the task, the primary one included."""
    if len(labels) != len(predictions) or len(labels) == 0:
        raise ValueError(f"{spec.name}: {len(predictions)} predictions for {len(labels)} labels")
    return {name: METRICS[name](labels, predictions, spec) for name in spec.metrics}


def majority(spec: TaskSpec, train_labels: Answers, labels: Answers) -> float:
    """The primary metric of the answer that ignores its input: the commonest class, the mean score, or no entity."""
    return METRICS[spec.primary](labels, _ignorant(spec, train_labels, labels), spec)


def _ignorant(spec: TaskSpec, train_labels: Answers, labels: Answers) -> Answers:
    if spec.kind == "tagging":
        outside = spec.labels.index(OUTSIDE)
        return [np.full(len(tags), outside) for tags in labels]
    if spec.kind == "regression":
        return np.full(len(labels), np.mean(np.asarray(train_labels, dtype=np.float64)))
    commonest = np.bincount(np.asarray(train_labels), minlength=len(spec.labels)).argmax()
    return np.full(len(labels), commonest)


def _flat(answers: Answers) -> NDArray[np.int64]:
    return np.concatenate([np.atleast_1d(np.asarray(answer, dtype=np.int64)) for answer in answers])


def _correlation(of: Callable[..., Any], labels: Answers, predictions: Answers) -> float:
    x_N, y_N = np.asarray(labels, dtype=np.float64), np.asarray(predictions, dtype=np.float64)
    return 0.0 if _is_constant(x_N) or _is_constant(y_N) else float(of(x_N, y_N).statistic)


def _is_constant(values_N: NDArray[Any]) -> bool:
    return bool(np.ptp(values_N) <= _ROUNDING * np.abs(values_N).max())


def _tags(answers: Answers, spec: TaskSpec) -> list[list[str]]:
    return [[spec.labels[int(tag)] for tag in tags] for tags in answers]
