"""A split answered: batches through the network, and what they give put together example by example.

Shape letters: M selected rows, C classes or candidates, E examples, N sequences.
"""

import itertools
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from finetune.answering.answers import Answer, Partial, answers_of
from finetune.answering.dev_batches import DevBatch
from finetune.answering.one_to_one import one_to_one
from finetune.answering.span_answers import over_windows
from finetune.cloze.wordings import class_scores
from finetune.encoding.encoded import NO_RIVAL, Encoded
from finetune.tasks.spec import TaskSpec
from model.batch import FlatBatch
from tokenization.atomic import write_text
from tokenization.errors import RunError

Forward = Callable[[FlatBatch], tuple[Tensor, ...]]
_DECIMALS = 6


@dataclass(frozen=True)
class Prediction:
    """The answer to one example.

    Attributes:
        example: its index in the split.
        answer: as in `Encoded.gold`; of a span one text, "" where there is no answer; the text that was written.
        scores: float64, class probabilities [C]; the candidates' [C]; of a span [how far its score is above that of no
            answer]; None for regression, tagging and generation.
    """

    example: int
    answer: Answer
    scores: NDArray[np.float64] | None = None


def predict(forward: Forward, encoded: Encoded, batches: Iterable[DevBatch]) -> list[Partial]:
    """Answer batches of a split, without gradients.

    Args:
        forward: logits of each selection; it moves the batch to its device. A module must be in eval mode.

    Raises:
        RunError: the model's answers are not finite numbers.
    """
    if isinstance(forward, nn.Module) and forward.training:
        raise ValueError("predictions need the network in eval mode: dropout would make them random")
    found: list[Partial] = []
    with torch.no_grad():
        for batch in batches:
            (logits_MC,) = forward(batch.batch)
            found += read_off(encoded, batch, logits_MC)
    return found


def read_off(encoded: Encoded, batch: DevBatch, logits_MC: Tensor) -> list[Partial]:
    """The answers that the logits of a batch stand for, in the batch's order."""
    if encoded.wordings is not None:
        logits_MC = class_scores(logits_MC, encoded.wordings)
    values_MC = logits_MC.detach().double().cpu().numpy()
    if not np.isfinite(values_MC).all():
        raise RunError(
            f"task {encoded.spec.name!r}: the model's answers are not finite numbers, so its weights are spoilt. "
            "Go on from an earlier checkpoint, with a lower rate."
        )
    return answers_of(encoded, batch, values_MC)


def in_order(partials: Iterable[Partial], encoded: Encoded) -> list[Prediction]:
    """One prediction for each example in the order of the split; a second answer of the same item is dropped.

    The windows of a question are compared, and the examples of a group do not answer alike where they need not.

    Raises:
        ValueError: an item has no answer.
    """
    first: dict[int, Partial] = {}
    for partial in partials:
        first.setdefault(partial.sequence, partial)
    wanted = encoded.items_I1[:-1].tolist()
    if sorted(first) != wanted:
        raise ValueError(f"{len(first)} of {len(wanted)} items were answered")
    whole = [first[sequence] for sequence in wanted]
    if encoded.spec.kind == "span":
        return _over_windows(whole, encoded)
    return _apart([Prediction(index, one.answer, one.scores) for index, one in enumerate(whole)], encoded)


def write_predictions(path: Path, encoded: Encoded, predictions: Sequence[Prediction]) -> None:
    """Write JSON lines `{"id", "label", "scores"}` in the order of the split, labels by name."""
    lines = [
        json.dumps({"id": identity, **_described(encoded.spec, one)}, ensure_ascii=False, allow_nan=False)
        for identity, one in zip(encoded.ids, predictions, strict=True)
    ]
    write_text(path, "\n".join(lines) + "\n")


def _over_windows(partials: Sequence[Partial], encoded: Encoded) -> list[Prediction]:
    bounds_E1 = np.searchsorted(encoded.example_N, np.arange(len(encoded) + 1)).tolist()
    found: list[Prediction] = []
    for example, (start, stop) in enumerate(itertools.pairwise(bounds_E1)):
        windows = partials[start:stop]
        scores_W2 = np.stack([one.scores for one in windows if one.scores is not None])
        texts_W = [str(one.answer) for one in windows]
        text, margin = over_windows(texts_W, scores_W2, encoded.spec.unanswerable)
        found.append(Prediction(example, text, np.array([margin])))
    return found


def _apart(predictions: list[Prediction], encoded: Encoded) -> list[Prediction]:
    """The same predictions, where the examples of each group take different candidates."""
    for rival in np.unique(encoded.rivals_E[encoded.rivals_E != NO_RIVAL]).tolist():
        examples = np.flatnonzero(encoded.rivals_E == rival).tolist()
        scores = [predictions[example].scores for example in examples]
        answers = one_to_one(np.stack([scores_C for scores_C in scores if scores_C is not None]))
        for example, answer in zip(examples, answers.tolist(), strict=True):
            predictions[example] = replace(predictions[example], answer=answer)
    return predictions


def _described(spec: TaskSpec, prediction: Prediction) -> dict[str, object]:
    label: dict[str, object] = {"label": named(spec, prediction.answer)}
    if prediction.scores is None:
        return label
    return {**label, "scores": [round(score, _DECIMALS) for score in prediction.scores.tolist()]}


def named(spec: TaskSpec, answer: Answer) -> str | float | list[str]:
    """An answer as files have it: labels by name, a score as a number, a candidate by its index, a text."""
    match spec.kind:
        case "classification":
            return spec.labels[int(answer)]
        case "tagging":
            return [spec.labels[tag] for tag in np.asarray(answer).tolist()]
        case "multilabel":
            return [name for name, given in zip(spec.labels, np.asarray(answer).tolist(), strict=True) if given]
        case "regression":
            return float(answer)
        case "span" | "generation":
            return str(answer)
        case _:
            return int(answer)
