"""The scores of a run over several seeds: what `evaluation/seeds.json` holds, from each seed's own scores."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from finetune.tasks.namesake import is_namesake, other_rows
from finetune.tasks.spec import TaskSpec
from pipeline.materials import Materials
from pipeline.run_folder import RunFolder
from pipeline.seeds.runs import repeated_stages
from pipeline.seeds.statistics import spread
from pipeline.tables import last_loss

_OF_A_TASK = ("kind", "primary", "majority", "rows", "reduced", "split")


def collect_seeds(materials: Materials, folders: Mapping[int, RunFolder]) -> dict[str, Any]:
    """The spread of every score over the seeds.

    Args:
        folders: the finished run of each seed, the first one's first.
    """
    recipe, repeated = materials.recipe, repeated_stages(materials.recipe)
    scores = {seed: json.loads(folder.scores.read_text(encoding="utf-8")) for seed, folder in folders.items()}
    specs = {name: materials.task(name) for name in recipe.tasks}
    shared = [stage.name for stage in recipe.stages if stage.name not in repeated]
    return {"repeated": list(repeated), "shared": shared, **over_seeds(scores, specs)}


def over_seeds(scores: Mapping[int, Mapping[str, Any]], specs: Mapping[str, TaskSpec]) -> dict[str, Any]:
    """Scores of runs that differ in their seed alone, put together.

    Args:
        scores: seed → what its `evaluation/scores.json` holds.
        specs: tasks by name, for the numbers that others published.
    """
    first = next(iter(scores.values()))
    return {
        "seeds": list(scores),
        "tasks": {
            name: {
                **{key: task[key] for key in _OF_A_TASK},
                "content": first.get("content", {}).get(name),
                "metrics": {
                    metric: _entry({seed: found["tasks"][name]["metrics"][metric] for seed, found in scores.items()})
                    for metric in task["metrics"]
                },
                "published": _published(name, task, specs),
            }
            for name, task in first["tasks"].items()
        },
        "joint": _entry({seed: found["joint"] for seed, found in scores.items()}),
        "losses": {
            corpus: {"measure": measure, **_spread_of({seed: _loss(found, corpus) for seed, found in scores.items()})}
            for corpus, measure in _measures(first).items()
        },
    }


def drop_outdated(folder: RunFolder, scores: Mapping[str, Any]) -> bool:
    """Take away scores over seeds that hold another score of the first seed than it has now; whether there were any."""
    now = {name: task["metrics"] for name, task in scores["tasks"].items()}
    if not folder.seeds.is_file() or _of_first_seed(folder.seeds) == now:
        return False
    folder.seeds.unlink()
    return True


def _of_first_seed(path: Path) -> dict[str, dict[str, float]] | None:
    """Task → metric → what the first seed had when the scores were put together; None of a damaged file."""
    try:
        then = json.loads(path.read_text(encoding="utf-8"))
        return {
            name: {metric: entry["values"][str(then["seeds"][0])] for metric, entry in task["metrics"].items()}
            for name, task in then["tasks"].items()
        }
    except (ValueError, KeyError, TypeError):
        return None


def _measures(scores: Mapping[str, Any]) -> dict[str, str]:
    """Corpus → which held-out loss it has after the last stage that has an LM head."""
    corpora = dict.fromkeys(row["corpus"] for row in scores["ledger"]["rows"] if "corpus" in row)
    return {corpus: last_loss(scores, corpus)[0]["name"].removeprefix(f"{corpus}: ") for corpus in corpora}


def _loss(scores: Mapping[str, Any], corpus: str) -> float:
    return last_loss(scores, corpus)[1]


def _entry(values: Mapping[int, float | None]) -> dict[str, Any] | None:
    """A measure's values by seed and their spread; None where it has none."""
    known = {seed: value for seed, value in values.items() if value is not None}
    return _spread_of(known) if known else None


def _spread_of(values: Mapping[int, float]) -> dict[str, Any]:
    return {"values": {str(seed): value for seed, value in values.items()}, **asdict(spread(list(values.values())))}


def _published(name: str, task: Mapping[str, Any], specs: Mapping[str, TaskSpec]) -> list[dict[str, Any]]:
    """What others reached in the task's metrics, those on the same split first; nothing beside a user's own rows."""
    spec = specs.get(name.partition(" (")[0])  # `mnli (dev_mismatched)`: a further split of a task
    if spec is None or is_namesake(spec) or other_rows(spec, task["split"], _rows_of_files(spec, task)):
        return []
    found = [asdict(entry) for entry in spec.published if entry.metric in task["metrics"]]
    return sorted(found, key=lambda entry: bool(entry["split"] != task["split"]))


def _rows_of_files(spec: TaskSpec, task: Mapping[str, Any]) -> int:
    """The rows of the scored split; those without a label are in no count, and without more missing none is reduced."""
    scored: int = task["rows"]
    return max(scored, spec.rows.get(task["split"], 0)) if spec.dropped and not task["reduced"] else scored
