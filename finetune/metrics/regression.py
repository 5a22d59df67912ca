"""Metrics of scores: correlations and errors, scipy's and scikit-learn's.

Shape letters: N examples.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.stats
import sklearn.metrics
from numpy.typing import NDArray

from finetune.metrics.answers import Answers
from finetune.tasks.spec import TaskSpec

_ROUNDING = 1e-11
"""Spread relative to the largest score, below which scores are equal but for rounding: float32 has steps of 6e-8."""


def pearson(gold: Answers, answers: Answers, spec: TaskSpec) -> float:
    """Pearson correlation; 0 where either side is constant, as in GLUE."""
    return _correlation(scipy.stats.pearsonr, gold, answers)


def spearman(gold: Answers, answers: Answers, spec: TaskSpec) -> float:
    """Spearman rank correlation, ties sharing their mean rank; 0 where either side is constant."""
    return _correlation(scipy.stats.spearmanr, gold, answers)


def pearson_spearman(gold: Answers, answers: Answers, spec: TaskSpec) -> float:
    """Mean of both correlations: what GLUE counts for STS-B."""
    return (pearson(gold, answers, spec) + spearman(gold, answers, spec)) / 2


def rmse(gold: Answers, answers: Answers, spec: TaskSpec) -> float:
    """Root of the mean squared error, in the label's own unit; lower is better."""
    return float(sklearn.metrics.root_mean_squared_error(gold, answers))


def mape(gold: Answers, answers: Answers, spec: TaskSpec) -> float:
    """Mean error relative to the right score, 1 for 100 %; lower is better.

    A right score of 0 is taken for 2.2e-16, as scikit-learn does: with such labels this says nothing; use `rmse`.
    """
    return float(sklearn.metrics.mean_absolute_percentage_error(gold, answers))


def _correlation(of: Callable[..., Any], gold: Answers, answers: Answers) -> float:
    x_N, y_N = np.asarray(gold, dtype=np.float64), np.asarray(answers, dtype=np.float64)
    return 0.0 if is_constant(x_N) or is_constant(y_N) else float(of(x_N, y_N).statistic)


def is_constant(values_N: NDArray[np.float64]) -> bool:
    """Whether scores are equal but for rounding; asked before correlating, so that scipy has nothing to warn of."""
    return bool(np.ptp(values_N) <= _ROUNDING * np.abs(values_N).max())
