"""The right answers of a split in the form in which they are trained on and scored."""

from collections.abc import Sequence

import numpy as np

from finetune.encoding.encoded import Gold
from finetune.tasks.example import Example, Label
from finetune.tasks.spec import TaskSpec
from tokenization.errors import DataError
from training.sequences import I64


def gold_of(spec: TaskSpec, examples: Sequence[Example], lowercase: bool = False) -> Gold | None:
    """The right answers of a split, as `Encoded` holds them; None where the split hides them.

    Args:
        lowercase: whether the vocabulary is in lower case, as the texts to write are then.
    """
    if any(example.label is None for example in examples):
        return None
    number = {name: index for index, name in enumerate(spec.labels)}

    def answer(label: Label) -> int | float | str | I64 | tuple[str, ...]:
        match spec.kind:
            case "regression":
                return float(label)  # type: ignore[arg-type]
            case "tagging":
                return np.array([number[tag] for tag in label], dtype=np.int64)  # type: ignore[union-attr, index]
            case "multilabel":
                return np.array([name in label for name in spec.labels], dtype=np.int64)  # type: ignore[operator]
            case "ranking" | "choice":
                return int(label)  # type: ignore[arg-type]
            case "span":
                return tuple(span.text for span in label)  # type: ignore[union-attr]
            case "generation":
                return str(label).lower() if lowercase else str(label)
            case _:
                return number[label]  # type: ignore[index]

    return tuple(answer(example.label) for example in examples)  # type: ignore[return-value]


def refuse_unanswerable(spec: TaskSpec, split: str, examples: Sequence[Example]) -> None:
    """Refuse questions without an answer in a task that does not declare such.

    Raises:
        DataError: how many, and the setting that would allow them.
    """
    if spec.kind != "span" or spec.unanswerable:
        return
    without = [example.id for example in examples if example.label == ()]
    if without:
        raise DataError(
            f"task {spec.name!r}, split {split!r}: {len(without):,} questions have no answer, the first "
            f"{without[0]!r}, and the task does not say that there may be such. "
            f"Set tasks.{spec.name}.unanswerable: true."
        )
