"""What metrics compare: the right answers of a split, and what a model said instead."""

from collections.abc import Callable, Sequence
from typing import Any

from numpy.typing import NDArray

from finetune.tasks.spec import TaskSpec

Answers = Sequence[Any] | NDArray[Any]
"""One of each example: a class id, a score, an array of tag ids, an array of 0 and 1 per label, a candidate's place, or
the text of an answer, where gold holds all right ones, () for none: what `Encoded.gold` and `Prediction.answer` are.
For metrics of scores it is `Prediction.scores`, an array of a number per class or per candidate."""

Metric = Callable[[Answers, Answers, TaskSpec], float]
"""(gold, answers or scores, spec) → value."""
