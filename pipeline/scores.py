"""The run's result: scores of the last stage and the forgetting ledger, from what each stage's boundary measured."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from finetune.reading.content import content_of
from finetune.tasks.spec import TRAIN
from pipeline.held_out import brought_questions, entropies, objective_of, read_text
from pipeline.ledger import ledger_of, told_of, way_of
from pipeline.lineage import LM, known_heads
from pipeline.materials import Materials
from pipeline.measure import measuring, score_tasks
from pipeline.run_folder import RunFolder
from pipeline.stage_run import Context, reader_of
from pipeline.task_notes import task_notes, training_notes
from tokenization.atomic import write_json
from tokenization.errors import CheckpointError
from tokenization.fingerprint import of_value
from training.manifest import read_record

_SHOWN = ("kind", "metrics", "primary", "majority", "rows", "reduced", "split", "leaked", "without_leaks")


def measure_start(context: Context) -> None:
    """The ledger's first column: what the text heads that a public checkpoint brings are worth untrained.

    What held-out text tells of them, and, of its LM head, the scores of the tasks that are put to it in words.
    """
    materials, path = context.materials, context.folder.start
    questions = brought_questions(materials.recipe, materials.public)
    if not questions:
        return
    heads = {LM} & known_heads(materials.recipe, materials.recipe.stages[0], materials.public)
    measured = {"checkpoint": materials.public_fingerprint, **measuring(materials, heads, questions)}
    if path.is_file() and _read_start(path).get("measured") == measured:
        return
    reader = reader_of(context, materials.recipe.stages[0], None)
    found = read_text(materials, reader, questions).to_json()
    scored = score_tasks(materials, [name for name in measured["tasks"] if not materials.task(name).is_plain], reader)
    tasks = {name: asdict(scores) for name, (scores, _) in scored.items()}
    if context.world.chief:
        write_json(path, {"measured": measured, **found, "tasks": tasks})


def collect_scores(materials: Materials, folder: RunFolder, notes: Sequence[str]) -> dict[str, Any]:
    """What `evaluation/scores.json` holds: all from the stages' manifests, so that a rerun gives the same bytes."""
    recipe = materials.recipe
    records = {stage.name: read_record(folder.stage(stage.name)) for stage in recipe.stages}
    boundaries = {name: record["boundary"] for name, record in records.items() if record}
    last = boundaries[recipe.stages[-1].name]
    final = last["tasks"]
    best = {name: entry for record in records.values() if record for name, entry in record["state"]["best"].items()}
    tasks = {name: _task(scores, best.get(name)) for name, scores in final.items()}
    more = {name: _task(scores, None) for name, scores in last["more"].items()}
    start, corpora = _read_start(folder.start), recipe.evaluation.ledger.corpora
    asked = {name for record in (start, *boundaries.values()) for name in told_of(record)}
    by_token = {name for name in asked if objective_of(name, materials).autoregressive}
    return {
        "joint": sum(task["metrics"][task["primary"]] for task in tasks.values()) / len(tasks) if tasks else None,
        "tasks": {**tasks, **more},
        "ledger": ledger_of(corpora, list(recipe.tasks), start, boundaries, by_token),
        "unigram_entropy": _entropies(materials, boundaries),
        "notes": [
            *notes,
            *_notes(materials, [*final.values(), *last["more"].values()]),
            *_elsewhere(boundaries, recipe.stages[-1].name),
            *last.get("unasked", ()),
        ],
        "data": {name: _content(materials, name) for name in final},
        "content": {
            shown: content_of(materials.examples(scores["name"], scores["split"]))
            for shown, scores in {**final, **last["more"]}.items()
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
    found = {key: scores[key] for key in _SHOWN}
    return {**found, "best": best["score"], "best_step": best["step"]} if best else found


def _entropies(materials: Materials, boundaries: Mapping[str, Any]) -> dict[str, float]:
    """Those that the last held-out losses are held against."""
    ways = [way_of(boundary) for boundary in boundaries.values() if boundary["lm"]]
    return entropies(materials, ways[-1]) if ways else {}


def _content(materials: Materials, name: str) -> dict[str, str]:
    """The content of what a task was trained and scored on, as the tokenizer cut it."""
    splits = (*((TRAIN,) if TRAIN in materials.task(name).splits else ()), *materials.scored(name))
    return {split: materials.encoded(name, split).fingerprint for split in splits}


def _elsewhere(boundaries: Mapping[str, Mapping[str, Any]], last: str) -> Iterator[str]:
    """A line for the tasks of each stage that the last one does not go on from, whose scores the table lacks."""
    ends = {name: stage for stage, found in boundaries.items() for name in found["tasks"]}
    for stage in dict.fromkeys(ends.values()):
        if stage != last:
            names = ", ".join(name for name, end in ends.items() if end == stage)
            yield (
                f"{names}: not among the scores, which are those of stage {last}: last measured at the end of stage "
                f"{stage}, from which {last} does not go on; the forgetting ledger has what was measured there"
            )


def _notes(materials: Materials, scored: Iterable[Mapping[str, Any]]) -> list[str]:
    scored = list(scored)
    names = dict.fromkeys(materials.task(scores["name"]).answered_by for scores in scored)
    return [note for name in names for note in training_notes(materials.encoded(name, TRAIN))] + [
        note
        for scores in scored
        for note in task_notes(
            materials.encoded(scores["name"], scores["split"]), scores, materials.recipe.tasks[scores["name"]].length
        )
    ]
