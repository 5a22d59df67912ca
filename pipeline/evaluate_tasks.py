"""`triptych evaluate`: a model folder answers tasks or a whole suite, in one process."""

import time
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from finetune.answering.dev_batches import ANSWERING_TOKENS, DevBatch, dev_batches
from finetune.answering.predictions import Prediction, in_order, write_predictions
from finetune.answering.split_answers import answer_batches
from finetune.encoding.encode import encode_examples
from finetune.encoding.encoded import Encoded
from finetune.encoding.gold import gold_of
from finetune.evaluate import TaskScores, joint, score_task
from finetune.examine import is_trained_on_part
from finetune.reading.carve import carved_note
from finetune.reading.leaks import leaked_rows
from finetune.reading.read import read_split
from finetune.tasks.example import Split
from finetune.tasks.namesake import other_rows
from finetune.tasks.spec import DEV, TRAIN
from finetune.tasks.suites import Suite, suite_average
from pipeline import wording
from pipeline.answer import Model
from pipeline.asked import Asked, Question
from pipeline.data_folder import DataFolder
from pipeline.measure import predictions_file
from pipeline.run_folder import environment
from pipeline.task_notes import task_notes
from tokenization.atomic import write_json

Say = Callable[[str], None]
Read = Callable[[str, str], Split]
"""Task and split → its rows."""

PATIENCE = 10.0  # seconds without a word


@dataclass(frozen=True)
class Answered:
    """A split, answered.

    Attributes:
        scores: None where its labels are hidden.
    """

    question: Question
    encoded: Encoded
    predictions: list[Prediction]
    scores: TaskScores | None


def evaluate_model(
    model: Model, asked: Asked, data: DataFolder, out: Path | None, say: Say = lambda line: None
) -> dict[str, Any]:
    """Answer splits and score those whose labels are given.

    Args:
        out: folder for scores.json and a predictions file per split; None writes nothing.
        say: told how far it is, where that takes long.

    Returns:
        what scores.json holds.
    """
    found: list[Answered] = []
    read = _reading(model, data)
    for question in asked.questions:
        answered = _answer(model, question, read, say)
        found.append(answered)
        if out is not None:
            path = predictions_file(out / "predictions", question.spec, question.split)
            write_predictions(path, answered.encoded, answered.predictions)
    result = _result(model, asked, found)
    if out is not None:
        write_json(out / "scores.json", result)
    return result


def _reading(model: Model, data: DataFolder) -> Read:
    """Reads each split of a task once: a task's splits follow each other, and each asks for train and a carved dev."""

    @lru_cache(maxsize=3)
    def read(name: str, split: str) -> Split:
        return read_split(model.task(name)[0], data.path, split, data.origin)

    return read


def _answer(model: Model, question: Question, read: Read, say: Say) -> Answered:
    spec, split = question.spec, question.split
    rows = read(spec.name, split)
    encoded = encode_examples(spec, split, rows.examples, model.tokenizer, question.length, rows.dropped, rows.limited)
    batches = dev_batches(encoded, ANSWERING_TOKENS)
    told = _told(batches, question.shown, say)
    predictions = in_order(answer_batches(model.reader, encoded, told, model.tokenizer), encoded)
    scores = None if encoded.gold is None else _scores(model, encoded, predictions, read)
    return Answered(question, encoded, predictions, scores)


def _scores(model: Model, encoded: Encoded, predictions: list[Prediction], read: Read) -> TaskScores:
    """Beside what the training set tells: the majority baseline, and rows that it gives away."""
    trained, _ = model.task(encoded.spec.answered_by)
    rows, train = read(encoded.spec.name, encoded.split), read(trained.name, TRAIN)
    gold = gold_of(trained, train.examples, model.tokenizer.lowercase)
    assert gold is not None, "a task that was trained has labels"
    leaked_N = None if encoded.split == TRAIN else leaked_rows(train.examples, rows.examples)
    scores = score_task(encoded, predictions, gold, leaked_N)
    part = is_trained_on_part(trained, lambda split: read(trained.name, split))
    return replace(scores, reduced=scores.reduced or part)


def _told(batches: Sequence[DevBatch], name: str, say: Say) -> Iterator[DevBatch]:
    """The batches, with a word every few seconds on how far they are."""
    last = time.monotonic()
    for number, batch in enumerate(batches):
        if time.monotonic() - last >= PATIENCE:
            say(f"{name}: {number:,} of {len(batches):,} batches")
            last = time.monotonic()
        yield batch


def _result(model: Model, asked: Asked, found: Sequence[Answered]) -> dict[str, Any]:
    scored = [(answered, answered.scores) for answered in found if answered.scores is not None]
    apart = _apart(scored) if asked.suite else {}
    first = [scores for answered, scores in scored if answered.question.first]
    return {
        "model": model.fingerprint,
        "split": asked.split,
        "joint": joint(first) if first else None,
        "tasks": {answered.question.shown: asdict(scores) for answered, scores in scored},
        "predicted": {
            answered.question.shown: {"split": answered.encoded.split, "rows": len(answered.encoded)}
            for answered in found
            if answered.scores is None
        },
        **({"suite": _suite(asked.suite, scored, apart)} if asked.suite else {}),
        "notes": [*_notes(found), *apart.values(), *asked.notes],
        "data": _content(found),
        "versions": environment()["versions"],
    }


def _content(found: Iterable[Answered]) -> dict[str, dict[str, str]]:
    content: dict[str, dict[str, str]] = {}
    for answered in found:
        content.setdefault(answered.question.spec.name, {})[answered.encoded.split] = answered.encoded.fingerprint
    return content


def _apart(scored: Iterable[tuple[Answered, TaskScores]]) -> dict[str, str]:
    """What the suite's average leaves out though it was scored → a line that says why."""
    named = {answered.question.shown: answered.encoded for answered, _ in scored}
    why = {name: other_rows(rows.spec, rows.split, len(rows) + rows.dropped) for name, rows in named.items()}
    return {name: f"{name}: not in the suite's average: {reason}" for name, reason in why.items() if reason}


def _suite(suite: Suite, scored: Iterable[tuple[Answered, TaskScores]], apart: Container[str]) -> dict[str, Any]:
    """The suite's average by its board's rule, over the tasks that there are."""
    metrics: dict[str, dict[str, dict[str, float]]] = {}
    reduced: dict[str, None] = {}
    for answered, scores in scored:
        if answered.question.shown in apart:
            continue
        if set(suite.average.get(scores.name, ())) <= scores.metrics.keys():  # a recipe may ask for others
            metrics.setdefault(scores.name, {})[scores.split] = scores.metrics
        if scores.reduced:
            reduced[scores.name] = None
    average = suite_average(suite, metrics)
    return {"name": suite.name, "title": suite.title, **asdict(average), "reduced": list(reduced)}


def _notes(found: Iterable[Answered]) -> Iterator[str]:
    for answered in found:
        if answered.question.split == DEV and (note := carved_note(answered.question.spec)):
            yield note
        if answered.scores is not None:
            yield from task_notes(answered.encoded, asdict(answered.scores), answered.question.length)
        else:
            rows = wording.count(len(answered.encoded))
            yield f"{answered.question.shown}: {rows} rows of {answered.encoded.split} predicted, labels hidden"
