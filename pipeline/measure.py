"""Measuring a model, inside a stage and at its boundary: tasks it has a head for, and the held-out LM loss."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from finetune.dev_batches import ANSWERING_TOKENS, deal, dev_batches
from finetune.evaluate import TaskScores, joint, score_task
from finetune.predictions import Answer, in_order, predict, write_predictions
from pipeline.compose import TRAIN
from pipeline.lineage import LM
from pipeline.masking import masked_lm
from pipeline.materials import Materials
from pipeline.recipe_stream import MlmSettings
from pretrain.blocks import BlockSource
from pretrain.held_out import held_out_entropy, held_out_loss
from tokenization.errors import DataError
from training.engine import Inference
from training.loop import Evaluation


@dataclass(frozen=True)
class Boundary:
    """What was measured at a stage boundary.

    Attributes:
        lm: corpus → held-out LM loss in nats; empty without an LM head.
        tasks: task → its scores.
        more: `task (split)` → scores on further splits, which count in no mean.
    """

    lm: Mapping[str, float]
    tasks: Mapping[str, Mapping[str, Any]]
    more: Mapping[str, Mapping[str, Any]]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def score_tasks(
    materials: Materials, names: Iterable[str], split: str, engine: Inference
) -> dict[str, tuple[TaskScores, list[Answer]]]:
    """Answer and score tasks; the ranks share the batches, and every rank gets every answer."""
    world = engine.world
    found: dict[str, tuple[TaskScores, list[Answer]]] = {}
    for name in names:
        encoded = materials.encoded(name, split)
        mine = predict(engine.infer, encoded, deal(dev_batches(encoded, ANSWERING_TOKENS), world.rank, world.size))
        answers = in_order((p for share in world.gather(mine) for p in share), len(encoded))
        gold = materials.encoded(name, TRAIN).gold
        assert gold is not None, "a task that was trained has labels"
        found[name] = score_task(encoded, answers, gold), answers
    return found


def evaluation_of(scores: Sequence[TaskScores]) -> Evaluation:
    """Scores as the loop wants them. Every primary metric is better when higher."""
    return Evaluation(
        scores={task.name: task.metrics for task in scores},
        primary={task.name: task.value for task in scores},
        joint=joint(scores) if scores else None,
    )


def held_out_losses(materials: Materials, engine: Inference) -> dict[str, float]:
    """The ledger's corpora and their held-out LM loss: single tokens at the ledger's own rate, whatever was trained."""
    ledger = materials.recipe.evaluation.ledger
    objective = masked_lm(materials, MlmSettings(rate=ledger.rate))
    return {
        name: held_out_loss(held_out_text(materials, name), objective, engine, ledger.tokens, ANSWERING_TOKENS)
        for name in ledger.corpora
    }


def held_out_entropies(materials: Materials) -> dict[str, float]:
    """The unigram entropy of the same texts."""
    ledger = materials.recipe.evaluation.ledger
    objective = masked_lm(materials, MlmSettings(rate=ledger.rate))
    return {name: held_out_entropy(held_out_text(materials, name), objective, ledger.tokens) for name in ledger.corpora}


def measure_boundary(
    materials: Materials, heads: Iterable[str], engine: Inference, predictions: Path | None = None
) -> Boundary:
    """Measure all that the trained heads allow.

    Args:
        predictions: folder for a predictions file per task, written by the first rank; None writes none.
    """
    heads = set(heads)
    evaluation = materials.recipe.evaluation
    names = [name for name in materials.recipe.tasks if name in heads]
    scored = score_tasks(materials, names, evaluation.split, engine)
    if predictions is not None and engine.world.chief:
        for name, (_, answers) in scored.items():
            write_predictions(predictions / f"{name}.jsonl", materials.encoded(name, evaluation.split), answers)
    return Boundary(
        lm=held_out_losses(materials, engine) if LM in heads else {},
        tasks={name: asdict(scores) for name, (scores, _) in scored.items()},
        more={
            f"{name} ({split})": asdict(score_tasks(materials, [name], split, engine)[name][0])
            for name in names
            for split in evaluation.more.get(name, ())
        },
    )


def measuring(materials: Materials, heads: Iterable[str]) -> dict[str, Any]:
    """All that decides what `measure_boundary` finds in the same weights: settings, and the content of what is read."""
    heads, recipe = set(heads), materials.recipe
    ledger = recipe.evaluation.ledger
    names = [name for name in recipe.tasks if name in heads]
    corpora = {name: materials.corpus(name).fingerprint for name in ledger.corpora} if LM in heads else {}
    return {
        "ledger": {"tokens": ledger.tokens, "rate": ledger.rate, "corpora": corpora} if LM in heads else {},
        "split": recipe.evaluation.split,
        "tasks": {name: _scoring(materials, name) for name in names},
    }


def _scoring(materials: Materials, name: str) -> dict[str, Any]:
    spec, evaluation = materials.task(name), materials.recipe.evaluation
    splits = (evaluation.split, *evaluation.more.get(name, ()))
    return {
        "metrics": list(spec.metrics),
        "primary": spec.primary,
        "rows": {split: materials.encoded(name, split).fingerprint for split in splits},
    }


def held_out_text(materials: Materials, name: str) -> BlockSource:
    """A corpus of the ledger: its held-out documents.

    Raises:
        DataError: it has none, or its files are not there.
    """
    if not materials.corpus(name).is_held_out_D.any():
        raise DataError(
            f"corpus {name}: no document is held out, so the forgetting ledger has no text to measure on. Give it more "
            f"documents, or list other corpora in evaluation.ledger.corpora ([] measures none)."
        )
    length = min(128, materials.encoder.positions)
    return BlockSource(materials.corpus(name), materials.tokenizer, length, held_out=True)
