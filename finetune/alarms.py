"""Scores that a mistake in the labels would explain better than the model does.

Shape letters: N examples, C classes.
"""

from itertools import combinations

import numpy as np
import sklearn.metrics

from finetune.metrics.answers import Answers
from finetune.metrics.regression import pearson
from finetune.tasks.spec import TaskSpec

SWAP_GAIN = 0.2
"""Accuracy that a swap of two labels must add to be told."""
BACKWARDS = -0.5
"""Correlation from which downwards scores are told to run backwards."""


def label_alarms(spec: TaskSpec, gold: Answers, answers: Answers) -> tuple[str, ...]:
    """One line per suspicion: two classes whose swap in the answers adds 20 points of accuracy, the worst first, or
    scores that fall where the right ones rise. Nothing for other kinds of task."""
    if spec.kind == "classification":
        return _swapped(spec, gold, answers)
    if spec.kind == "regression" and (found := pearson(gold, answers, spec)) <= BACKWARDS:
        return (
            f"{spec.name}: the scores fall where the right ones rise (Pearson correlation {found:.2f}). See "
            f"whether column {spec.label!r} measures the opposite of what the model was trained on.",
        )
    return ()


def _swapped(spec: TaskSpec, gold: Answers, answers: Answers) -> tuple[str, ...]:
    classes = range(len(spec.labels))
    table_CC = sklearn.metrics.confusion_matrix(gold, answers, labels=classes)
    now = np.trace(table_CC) / len(gold)
    gains = {
        (a, b): (table_CC[a, b] + table_CC[b, a] - table_CC[a, a] - table_CC[b, b]) / len(gold)
        for a, b in combinations(classes, 2)
    }
    worst_first = sorted(gains, key=lambda pair: -gains[pair])
    return tuple(
        f"{spec.name}: accuracy is {now:.3f}, and would be {now + gains[pair]:.3f} if the answers "
        f"{spec.labels[pair[0]]!r} and {spec.labels[pair[1]]!r} were swapped. See whether `labels` or "
        "`label_values` of the task give the two in another order than the one the model was trained with."
        for pair in worst_first
        if gains[pair] >= SWAP_GAIN
    )
