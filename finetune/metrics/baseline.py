"""The answer that ignores its input: what a model has to beat.

Shape letters: N examples, C classes, P places of candidates.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from finetune.metrics.answers import Answers
from finetune.metrics.table import METRICS
from finetune.tasks.metric_names import FROM_SCORES
from finetune.tasks.spec import GROUPED, OUTSIDE, TaskSpec


def majority(spec: TaskSpec, train_gold: Answers, gold: Answers, candidates: Sequence[int] | None = None) -> float:
    """The primary metric of the answer that ignores its input.

    It says the commonest class, the labels that over half of the training examples have, the mean score, no entity, the
    place where the right candidate stands most often, or nothing at all, since no text can be named unread; the text
    that training asks for most often, where one is to be written. Ties go to the first. Where scores are asked for,
    every class has the same, and candidates rank by how often their place is right.

    Args:
        candidates: how many each example of `gold` has; None takes all to have a candidate at every place that occurs.
    """
    if spec.primary not in FROM_SCORES:
        said = _answers(spec, train_gold, gold)
    elif spec.kind in GROUPED:
        said = _scores_of_places(train_gold, gold, candidates)
    else:
        said = np.zeros((len(gold), len(spec.labels)))
    return METRICS[spec.primary](gold, said, spec)


def _answers(spec: TaskSpec, train_gold: Answers, gold: Answers) -> Answers:
    if spec.kind == "tagging":
        return [np.full(len(tags), spec.labels.index(OUTSIDE)) for tags in gold]
    return [_answer(spec, train_gold)] * len(gold)


def _answer(spec: TaskSpec, train_gold: Answers) -> Any:
    if spec.kind == "span":
        return ""
    if spec.kind == "generation":
        return Counter(train_gold).most_common(1)[0][0]
    if spec.kind == "regression":
        return float(np.mean(np.asarray(train_gold, dtype=np.float64)))
    if spec.kind == "multilabel":
        return (np.mean(np.asarray(train_gold), axis=0) > 0.5).astype(np.int64)
    return int(np.bincount(np.asarray(train_gold)).argmax())


def _scores_of_places(train_gold: Answers, gold: Answers, candidates: Sequence[int] | None) -> list[NDArray[np.int64]]:
    places = 1 + max([*train_gold, *gold, *(count - 1 for count in candidates or ())])
    commonest_first_P = np.argsort(-np.bincount(np.asarray(train_gold), minlength=places), kind="stable")
    score_P = -np.argsort(commonest_first_P)
    return [score_P[:count] for count in candidates or [places] * len(gold)]
