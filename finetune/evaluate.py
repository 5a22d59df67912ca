"""Scores of a task beside its majority baseline."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from finetune.dev_batches import dev_batches
from finetune.metrics import majority, score
from finetune.predictions import Answer, Forward, in_order, predict
from finetune.tasks.encode import Encoded, Gold
from tokenization.errors import DataError


@dataclass(frozen=True)
class TaskScores:
    """What a task's model is worth on one split.

    Attributes:
        metrics: every metric of the task by name, in the order of its spec.
        primary: the name of the one that counts.
        majority: the primary metric of the answer that ignores its input.
        rows: examples scored.
        reduced: the task is a part of the published one, or the split was limited to fewer rows than its file has.
    """

    name: str
    kind: str
    split: str
    metrics: dict[str, float]
    primary: str
    majority: float
    rows: int
    reduced: bool

    @property
    def value(self) -> float:
        """The primary metric."""
        return self.metrics[self.primary]


def score_task(encoded: Encoded, answers: Sequence[Answer], train_gold: Gold) -> TaskScores:
    """Score answers in the order of the split.

    Args:
        train_gold: right answers of the training split, from which the majority baseline learns.

    Raises:
        DataError: the split hides its labels.
    """
    spec = encoded.spec
    if encoded.gold is None:
        raise DataError(
            f"task {spec.name!r}: split {encoded.split!r} hides its labels, so it can be predicted but not scored."
        )
    return TaskScores(
        name=spec.name,
        kind=spec.kind,
        split=encoded.split,
        metrics=score(spec, encoded.gold, answers),
        primary=spec.primary,
        majority=majority(spec, train_gold, encoded.gold),
        rows=len(encoded),
        reduced=encoded.reduced,
    )


def evaluate_task(forward: Forward, encoded: Encoded, train_gold: Gold, budget: int) -> tuple[TaskScores, list[Answer]]:
    """Answer and score a split in one process; several deal `dev_batches` out and gather what `predict` gives."""
    answers = in_order(predict(forward, encoded, dev_batches(encoded, budget)), len(encoded))
    return score_task(encoded, answers, train_gold), answers


def joint(scores: Iterable[TaskScores]) -> float:
    """The joint metric: the mean of the tasks' primary metrics."""
    values = [task.value for task in scores]
    return sum(values) / len(values)
