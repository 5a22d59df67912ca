"""Metrics of the scores of an example's candidates."""

import numpy as np

from finetune.metrics.answers import Answers
from finetune.tasks.spec import TaskSpec


def mrr(gold: Answers, scores: Answers, spec: TaskSpec) -> float:
    """Mean of 1 / rank of the right candidate.

    Ties count against it, so that equal scores say nothing: as in scikit-learn's label ranking average precision.
    """
    ranks = [int((np.asarray(given) >= given[right]).sum()) for right, given in zip(gold, scores, strict=True)]
    return float(np.mean([1 / rank for rank in ranks]))
