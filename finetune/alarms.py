"""Scores that a mistake in the labels would explain better than the model does, and answers that are all the same.

Shape letters: N examples, C classes.
"""

from itertools import combinations

import numpy as np
import sklearn.metrics

from finetune.metrics.answers import Answers
from finetune.metrics.regression import is_constant, pearson
from finetune.tasks.spec import TaskSpec

SWAP_GAIN = 0.2
"""Accuracy that a swap of two labels must add to be told."""
BACKWARDS = -0.5
"""Correlation from which downwards scores are told to run backwards."""


def label_alarms(spec: TaskSpec, gold: Answers, answers: Answers) -> tuple[str, ...]:
    """One line per suspicion: one answer for all rows, which tells nothing of the labels' order; two classes whose swap
    in the answers adds 20 points of accuracy, the worst first; scores that fall where the right ones rise. Nothing for
    other kinds of task; nothing of a swap for a prompt, which may be put to a model that never saw its labels."""
    if spec.kind not in ("classification", "regression"):
        return ()
    if only := _only_answer(spec, gold, answers):
        advice = "" if spec.worded else " See whether it was trained on this task."
        return (f"{spec.name}: it answers only {only}, whatever the text.{advice}",)
    if spec.prompt:
        return ()
    if spec.kind == "classification":
        return _swapped(spec, gold, answers)
    if (found := pearson(gold, answers, spec)) <= BACKWARDS:
        return (
            f"{spec.name}: the scores fall where the right ones rise (Pearson correlation {found:.2f}). See "
            f"whether column {spec.label!r} measures the opposite of what the model was trained on.",
        )
    return ()


def _only_answer(spec: TaskSpec, gold: Answers, answers: Answers) -> str | None:
    """The one answer that all rows get, in words, where it is not the right one of all."""
    if spec.kind == "regression":
        gold_N, answers_N = np.asarray(gold, dtype=np.float64), np.asarray(answers, dtype=np.float64)
        return f"{answers_N[0]:.3g}" if is_constant(answers_N) and not is_constant(gold_N) else None
    constant = len(answers) > 1 and len(np.unique(answers)) == 1
    return repr(spec.labels[int(answers[0])]) if constant and np.any(np.asarray(gold) != answers[0]) else None


def _swapped(spec: TaskSpec, gold: Answers, answers: Answers) -> tuple[str, ...]:
    """Nothing where one class alone is answered, which is no order at all."""
    classes = range(len(spec.labels))
    if len(np.unique(answers)) < 2:
        return ()
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
