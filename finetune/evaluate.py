"""Scores of a task beside its majority baseline, with and without the rows that its training set gives away.

Shape letters: N examples.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from finetune.alarms import label_alarms
from finetune.answering.dev_batches import dev_batches
from finetune.answering.predictions import Forward, Prediction, in_order, predict
from finetune.encoding.encoded import Encoded, Gold
from finetune.metrics import majority, score
from finetune.metrics.answers import Answers
from finetune.tasks.spec import GROUPED
from tokenization.errors import DataError


@dataclass(frozen=True)
class TaskScores:
    """What a task's model is worth on one split.

    Attributes:
        metrics: every metric of the task by name, in the order of its spec.
        primary: the name of the one that counts.
        majority: the primary metric of the answer that ignores its input.
        rows: examples scored.
        reduced: the split was limited, or has fewer rows than the published one.
        leaked: examples that also stand in the training split.
        without_leaks: the metrics of the other examples; None where nothing is leaked, or nothing else is left.
        alarms: lines that tell the user of labels that look swapped.
    """

    name: str
    kind: str
    split: str
    metrics: dict[str, float]
    primary: str
    majority: float
    rows: int
    reduced: bool
    leaked: int = 0
    without_leaks: dict[str, float] | None = None
    alarms: tuple[str, ...] = ()

    @property
    def value(self) -> float:
        """The primary metric."""
        return self.metrics[self.primary]


def score_task(
    encoded: Encoded,
    predictions: Sequence[Prediction],
    train_gold: Gold,
    leaked_N: NDArray[np.bool_] | None = None,
) -> TaskScores:
    """Score predictions in the order of the split.

    Args:
        train_gold: right answers of the training split, from which the majority baseline learns.
        leaked_N: which examples also stand in the training split, as `leaked_rows` finds; None where nobody looked.

    Raises:
        DataError: the split hides its labels.
    """
    spec, gold = encoded.spec, encoded.gold
    if gold is None:
        raise DataError(
            f"task {spec.name!r}: split {encoded.split!r} hides its labels, so it can be predicted but not scored."
        )
    everything_N = np.ones(len(encoded), dtype=np.bool_)
    fresh_N = everything_N if leaked_N is None else ~leaked_N
    some_leaked = 0 < fresh_N.sum() < len(encoded)
    return TaskScores(
        name=spec.name,
        kind=spec.kind,
        split=encoded.split,
        metrics=_metrics(encoded, gold, predictions, everything_N),
        primary=spec.primary,
        majority=majority(spec, train_gold, gold, _candidates(encoded)),
        rows=len(encoded),
        reduced=encoded.reduced,
        leaked=int((~fresh_N).sum()),
        without_leaks=_metrics(encoded, gold, predictions, fresh_N) if some_leaked else None,
        alarms=label_alarms(spec, gold, [prediction.answer for prediction in predictions]),
    )


def evaluate_task(
    forward: Forward, encoded: Encoded, train_gold: Gold, budget: int, leaked_N: NDArray[np.bool_] | None = None
) -> tuple[TaskScores, list[Prediction]]:
    """Answer and score a split in one process; several deal `dev_batches` out and gather what `predict` gives."""
    predictions = in_order(predict(forward, encoded, dev_batches(encoded, budget)), encoded)
    return score_task(encoded, predictions, train_gold, leaked_N), predictions


def joint(scores: Iterable[TaskScores]) -> float:
    """The joint metric: the mean of the tasks' primary metrics."""
    values = [task.value for task in scores]
    return sum(values) / len(values)


def _metrics(
    encoded: Encoded, gold: Answers, predictions: Sequence[Prediction], kept_N: NDArray[np.bool_]
) -> dict[str, float]:
    right = list(compress(gold, kept_N))
    kept = list(compress(predictions, kept_N))
    scores = [prediction.scores for prediction in kept]
    told = None if any(given is None for given in scores) else scores
    return score(encoded.spec, right, [prediction.answer for prediction in kept], told)


def _candidates(encoded: Encoded) -> list[int] | None:
    """How many candidates each example has, where it has any: each is a sequence."""
    return np.bincount(encoded.example_N).tolist() if encoded.spec.kind in GROUPED else None
