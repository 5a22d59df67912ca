"""Measuring a model, inside a stage and at its boundary: tasks it has a head for, and held-out text."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from finetune.answering.dev_batches import ANSWERING_TOKENS, deal, dev_batches
from finetune.answering.predictions import Prediction, in_order, write_predictions
from finetune.answering.split_answers import answer_batches
from finetune.evaluate import TaskScores, joint, score_task
from finetune.tasks.spec import DEV, TRAIN, TaskSpec
from pipeline.held_out import HeldOutText, asked_under, read_text
from pipeline.materials import Materials
from pipeline.recipe.identity import scoring_of
from training.engine import Inference
from training.loop import Evaluation


@dataclass(frozen=True)
class Boundary:
    """What was measured at a stage boundary.

    Attributes:
        text: what held-out text told.
        tasks: task → its scores.
        more: `task (split)` → scores on further splits, which count in no mean.
    """

    text: HeldOutText
    tasks: Mapping[str, Mapping[str, Any]]
    more: Mapping[str, Mapping[str, Any]]

    def to_json(self) -> dict[str, Any]:
        return {**self.text.to_json(), "tasks": dict(self.tasks), "more": dict(self.more)}


def score_tasks(
    materials: Materials, names: Iterable[str], engine: Inference
) -> dict[str, tuple[TaskScores, list[Prediction]]]:
    """Answer and score the split of each task that selects: the first that the recipe's evaluation means.

    Within a stage, where this is asked for again and again, texts are drafts: written without a beam.
    """
    return {name: score_split(materials, name, materials.scored(name)[0], engine, draft=True) for name in names}


def score_split(
    materials: Materials, name: str, split: str, engine: Inference, leaks: bool = False, draft: bool = False
) -> tuple[TaskScores, list[Prediction]]:
    """Answer and score a split; the ranks share the batches, and every rank gets every answer.

    Args:
        leaks: whether the score is also told without the rows that stand in train.
        draft: whether texts are written greedily, whatever beam the task asks for.
    """
    world, encoded = engine.world, materials.encoded(name, split)
    batches = deal(dev_batches(encoded, ANSWERING_TOKENS), world.rank, world.size)
    mine = answer_batches(engine, encoded, batches, materials.tokenizer, draft)
    predictions = in_order((part for share in world.gather(mine) for part in share), encoded)
    train = materials.encoded(encoded.spec.answered_by, TRAIN)
    assert train.gold is not None, "a task that was trained has labels"
    leaked_N = materials.leaked(name, split) if leaks else None
    scores = score_task(encoded, predictions, train.gold, leaked_N)
    return replace(scores, reduced=scores.reduced or materials.trains_on_part(name)), predictions


def predictions_file(folder: Path, spec: TaskSpec, split: str) -> Path:
    """Where the predictions of a split stand: the first development set's under the task's bare name."""
    first = split in spec.named(DEV)[:1]
    return folder / (f"{spec.name}.jsonl" if first else f"{spec.name}.{split}.jsonl")


def measured_tasks(materials: Materials, heads: Iterable[str]) -> list[str]:
    """The recipe's tasks that these heads answer and whose evaluation has labels."""
    heads = set(heads)
    return [
        name for name in materials.recipe.tasks if materials.task(name).head_name in heads and materials.scored(name)
    ]


def evaluation_of(scores: Sequence[TaskScores]) -> Evaluation:
    """Scores as the loop wants them. Every primary metric is better when higher."""
    return Evaluation(
        scores={task.name: task.metrics for task in scores},
        primary={task.name: task.value for task in scores},
        joint=joint(scores) if scores else None,
    )


def measure_boundary(
    materials: Materials, heads: Iterable[str], questions: Sequence[str], engine: Inference, predictions: Path | None
) -> Boundary:
    """Measure all that the trained heads allow.

    Args:
        questions: what held-out text is asked, as in `held_out`.
        predictions: folder for a predictions file per task, written by the first rank; None writes none.
    """
    heads = set(heads)
    tasks: dict[str, dict[str, Any]] = {}
    more: dict[str, dict[str, Any]] = {}
    for name in measured_tasks(materials, heads):
        for index, split in enumerate(measured_splits(materials, name)):
            scores, answers = score_split(materials, name, split, engine, leaks=split != TRAIN)
            if index == 0:
                tasks[name] = asdict(scores)
            else:
                more[f"{name} ({split})"] = asdict(scores)
            if predictions is not None and engine.world.chief:
                encoded = materials.encoded(name, split)
                write_predictions(predictions_file(predictions, encoded.spec, split), encoded, answers)
    return Boundary(read_text(materials, engine, questions), tasks, more)


def measuring(materials: Materials, heads: Iterable[str], questions: Sequence[str]) -> dict[str, Any]:
    """All that decides what `measure_boundary` finds in the same weights: settings, and the content of what is read."""
    return {
        "ledger": asked_under(materials, questions),
        "split": materials.recipe.evaluation.split,
        "tasks": {name: _scoring(materials, name) for name in measured_tasks(materials, heads)},
    }


def _scoring(materials: Materials, name: str) -> dict[str, Any]:
    return {
        **scoring_of(materials.task(name)),
        "rows": {split: materials.encoded(name, split).fingerprint for split in measured_splits(materials, name)},
    }


def measured_splits(materials: Materials, name: str) -> tuple[str, ...]:
    """The splits of a task that are measured, the selecting one first."""
    return tuple(dict.fromkeys((*materials.scored(name), *materials.recipe.evaluation.more.get(name, ()))))
