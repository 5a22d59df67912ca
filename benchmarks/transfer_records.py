"""What a finished run under several seeds left: the manifests of its stages, seed by seed."""

from collections.abc import Callable, Mapping
from typing import Any

from pipeline.recipe.recipe import Recipe
from pipeline.run_folder import RunFolder
from pipeline.seeds.runs import further_seeds, seed_folder
from training.manifest import read_record

Stages = Mapping[str, Mapping[str, Any]]
"""Stage → its manifest."""
BySeed = Mapping[int, Stages]


def read_seeds(folder: RunFolder, recipe: Recipe) -> BySeed | None:
    """The manifests of every stage under every seed; None where one is not there yet."""
    folders = {recipe.seed: folder} | {seed: seed_folder(folder, seed) for seed in further_seeds(recipe)}
    found: dict[int, dict[str, Mapping[str, Any]]] = {}
    for seed, one in folders.items():
        found[seed] = {}
        for stage in recipe.stages:
            record = read_record(one.stage(stage.name)) if one.stage(stage.name).manifest.is_file() else None
            if record is None:
                return None
            found[seed][stage.name] = record
    return found


def score(stages: Stages, stage: str, task: str) -> float:
    """A task's primary metric at a stage's boundary."""
    found = stages[stage]["boundary"]["tasks"][task]
    return float(found["metrics"][found["primary"]])


def forgotten(stages: Stages, before: str, after: str, corpus: str) -> float:
    """By how many nats the held-out LM loss rose from one stage's boundary to another's."""
    first, last = (float(stages[stage]["boundary"]["lm"][corpus]) for stage in (before, after))
    return last - first


def each(runs: BySeed, measure: Callable[[Stages], float]) -> dict[int, float]:
    """Seed → a measure."""
    return {seed: measure(stages) for seed, stages in runs.items()}
