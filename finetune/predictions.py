"""Logits → answers: class ids, scores in the task's range, or a tag id per word.

Shape letters: M selected rows, C classes, N sequences, W words.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from finetune.dev_batches import DevBatch
from finetune.tasks.encode import Encoded
from finetune.tasks.spec import OUTSIDE, TaskSpec
from model.batch import FlatBatch
from tokenization.atomic import write_text
from tokenization.errors import RunError
from training.sequences import I64

Forward = Callable[[FlatBatch], tuple[Tensor, ...]]
Answer = int | float | I64
"""A class id, a score, or an array of a tag id per word."""


@dataclass(frozen=True)
class Prediction:
    """The answer to one example, by its index in the split; ranks exchange these."""

    example: int
    answer: Answer


def predict(forward: Forward, encoded: Encoded, batches: Iterable[DevBatch]) -> list[Prediction]:
    """Answer batches of a split, without gradients.

    Args:
        forward: logits of each selection; it moves the batch to its device. A module must be in eval mode.

    Raises:
        RunError: the model's answers are not finite numbers.
    """
    if isinstance(forward, nn.Module) and forward.training:
        raise ValueError("predictions need the network in eval mode: dropout would make them random")
    found: list[Prediction] = []
    with torch.no_grad():
        for batch in batches:
            (logits_MC,) = forward(batch.batch)
            found += read_off(encoded, batch, logits_MC)
    return found


def read_off(encoded: Encoded, batch: DevBatch, logits_MC: Tensor) -> list[Prediction]:
    """The answers that the logits of a batch stand for, in the batch's order."""
    spec = encoded.spec
    values_MC = logits_MC.detach().float().cpu().numpy()
    if not np.isfinite(values_MC).all():
        raise RunError(
            f"task {spec.name!r}: the model's answers are not finite numbers, so its weights are spoilt. "
            "Go on from an earlier checkpoint, with a lower rate."
        )
    if spec.kind == "tagging":
        return _tags(encoded, batch, values_MC.argmax(1))
    answers = _scores(spec, values_MC[:, 0]) if spec.kind == "regression" else values_MC.argmax(1)
    return [Prediction(*pair) for pair in zip(batch.examples_N.tolist(), answers.tolist(), strict=True)]


def in_order(predictions: Iterable[Prediction], size: int) -> list[Answer]:
    """Answers in the order of the split; a second answer to the same example is dropped.

    Raises:
        ValueError: an example has no answer.
    """
    first: dict[int, Answer] = {}
    for prediction in predictions:
        first.setdefault(prediction.example, prediction.answer)
    if sorted(first) != list(range(size)):
        raise ValueError(f"{len(first)} of {size} examples were answered")
    return [first[example] for example in range(size)]


def write_predictions(path: Path, encoded: Encoded, answers: Sequence[Answer]) -> None:
    """Write JSON lines `{"id", "label"}` in the order of the split, labels by name."""
    lines = [
        json.dumps({"id": identity, "label": _named(encoded.spec, answer)}, ensure_ascii=False, allow_nan=False)
        for identity, answer in zip(encoded.ids, answers, strict=True)
    ]
    write_text(path, "\n".join(lines) + "\n")


def _named(spec: TaskSpec, answer: Answer) -> str | float | list[str]:
    if spec.kind == "regression":
        return float(answer)
    if spec.kind == "tagging":
        return [spec.labels[tag] for tag in np.asarray(answer).tolist()]
    return spec.labels[int(answer)]


def _scores(spec: TaskSpec, unit_N: NDArray[np.float32]) -> NDArray[np.float64]:
    """From the head's unit interval to the task's range, which no score may leave."""
    low, high = spec.score_range
    return np.clip(low + (high - low) * unit_N.astype(np.float64), low, high)


def _tags(encoded: Encoded, batch: DevBatch, tags_M: I64) -> list[Prediction]:
    """A tag per word; words that were cut off, or have no pieces, are outside."""
    outside = encoded.spec.labels.index(OUTSIDE)
    answers = {
        example: np.full(int(encoded.words_N[example]), outside, dtype=np.int64)
        for example in batch.examples_N.tolist()
    }
    for example, word, tag in zip(
        batch.row_examples_M.tolist(), batch.row_words_M.tolist(), tags_M.tolist(), strict=True
    ):
        answers[example][word] = tag
    return [Prediction(example, answer) for example, answer in answers.items()]
