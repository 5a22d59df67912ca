"""The run's result: scores of the last stage and the forgetting ledger, from what each stage's boundary measured."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from finetune.tasks.leaks import leaks
from pipeline.compose import TRAIN
from pipeline.lineage import LM
from pipeline.materials import Materials
from pipeline.measure import held_out_entropies, held_out_losses, measuring
from pipeline.run_folder import RunFolder
from pipeline.stage_run import Context, reader_of
from tokenization.atomic import write_json
from tokenization.errors import CheckpointError
from tokenization.fingerprint import of_value
from training.manifest import read_record

START = "start"


def measure_start(context: Context) -> None:
    """The ledger's first column: the held-out LM loss of a public checkpoint that brings an LM head."""
    materials, path = context.materials, context.folder.start
    public = materials.public
    if public is None or not any(spec.kind == "mlm" for spec in public.heads):
        return
    measured = {"checkpoint": materials.public_fingerprint, **measuring(materials, {LM})}
    if path.is_file() and _read_start(path).get("measured") == measured:
        return
    losses = held_out_losses(materials, reader_of(context, materials.recipe.stages[0], None))
    if context.world.chief:
        write_json(path, {"measured": measured, "lm": losses})


def collect_scores(materials: Materials, folder: RunFolder, notes: Sequence[str]) -> dict[str, Any]:
    """What `evaluation/scores.json` holds: all from the stages' manifests, so that a rerun gives the same bytes."""
    recipe = materials.recipe
    records = {stage.name: read_record(folder.stage(stage.name)) for stage in recipe.stages}
    boundaries = {name: record["boundary"] for name, record in records.items() if record}
    final = boundaries[recipe.stages[-1].name]["tasks"]
    best = {name: entry for record in records.values() if record for name, entry in record["state"]["best"].items()}
    tasks = {name: _task(scores, best.get(name)) for name, scores in final.items()}
    more = {name: _task(scores, None) for name, scores in boundaries[recipe.stages[-1].name]["more"].items()}
    before = _read_start(folder.start).get("lm", {})
    return {
        "joint": sum(task["metrics"][task["primary"]] for task in tasks.values()) / len(tasks) if tasks else None,
        "tasks": {**tasks, **more},
        "ledger": _ledger(recipe.evaluation.ledger.corpora, list(recipe.tasks), before, boundaries),
        "unigram_entropy": _entropies(materials, boundaries),
        "notes": [*notes, *_data_notes(materials, final)],
        "data": {
            name: {split: materials.encoded(name, split).fingerprint for split in (TRAIN, recipe.evaluation.split)}
            for name in final
        },
        "recipe": of_value(recipe.resolved()["stages"]),
    }


def _read_start(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise CheckpointError(f"{path} is damaged. Remove it and run the same command again.") from None
    return found


def _task(scores: Mapping[str, Any], best: Mapping[str, Any] | None) -> dict[str, Any]:
    found = {key: scores[key] for key in ("kind", "metrics", "primary", "majority", "rows", "reduced", "split")}
    return {**found, "best": best["score"], "best_step": best["step"]} if best else found


def _ledger(
    corpora: Sequence[str], tasks: Sequence[str], before: Mapping[str, float], boundaries: Mapping[str, Any]
) -> dict[str, Any]:
    """One column per stage boundary, one row per corpus and per task that was ever measured."""
    columns = ([START] if before else []) + list(boundaries)
    measured = ([{"lm": before, "tasks": {}}] if before else []) + list(boundaries.values())
    rows: list[dict[str, Any]] = [
        {
            "name": f"{name}: held-out MLM loss",
            "corpus": name,
            "unit": "nats",
            "better": "lower",
            "values": [column["lm"].get(name) for column in measured],
        }
        for name in corpora
    ]
    for name in tasks:
        values = [column["tasks"].get(name) for column in measured]
        known = next((value for value in values if value), None)
        if known is not None:
            shown = [value["metrics"][value["primary"]] if value else None for value in values]
            rows.append({"name": f"{name} {known['primary']}", "unit": "", "better": "higher", "values": shown})
    return {"columns": columns, "rows": [row for row in rows if any(value is not None for value in row["values"])]}


def _entropies(materials: Materials, boundaries: Mapping[str, Any]) -> dict[str, float]:
    measured = any(boundary["lm"] for boundary in boundaries.values())
    return held_out_entropies(materials) if measured else {}


def _data_notes(materials: Materials, tasks: Mapping[str, Any]) -> list[str]:
    """Sequences that were cut to the task's length, and rows that the training set gives away."""
    split = materials.recipe.evaluation.split
    known = {name: leaks(materials.examples(name, TRAIN), materials.examples(name, split)) for name in tasks}
    shared = [
        f"{name}: {count:,} of {len(materials.encoded(name, split)):,} {split} rows also stand in {TRAIN}"
        for name, count in known.items()
        if count
    ]
    return shared + [
        f"{name}: {cut:,} of {len(encoded):,} rows of {split} are cut to {materials.recipe.tasks[name].length} tokens"
        for name in tasks
        if (encoded := materials.encoded(name, split)) and (cut := encoded.truncated)
    ]
