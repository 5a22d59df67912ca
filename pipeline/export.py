"""`triptych export`: a run's model, or a public one, into a folder that `transformers` opens."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from model.public import PublicModel, public_model, round_trip, write_public
from model.public_card import CARD
from pipeline.carried import carried_weights
from pipeline.lineage import conditions_of, head_specs, refuse_unknown_stage
from pipeline.lm_ways import MASKED, lm_ways
from pipeline.materials import Materials
from pipeline.run_folder import RunFolder
from tokenization.atomic import aside, write_json
from tokenization.errors import CheckpointError, RunError
from training.checkpoint import load_weights

TASKS = "tasks.json"
_MODEL_FILES = {"config.json", "model.safetensors", "pytorch_model.bin", "heads.safetensors", "triptych.json"}


def export_run(materials: Materials, folder: RunFolder, target: Path, stage: str | None = None) -> PublicModel:
    """Write the weights that a stage hands on, by default the last one's: model, heads, labels, tokenizer, tasks.

    Raises:
        RunError: the stage is not finished, or the target holds something else than an earlier export.
    """
    recipe = materials.recipe
    name = stage or recipe.stages[-1].name
    refuse_unknown_stage(recipe, name)
    stage_folder = folder.stage(name)
    if not stage_folder.manifest.is_file():
        raise RunError(f"stage {name} of {folder.root} is not finished, so it has no model to export yet.")
    heads = head_specs(materials, name)
    known = {spec.name for spec in heads}
    tasks = [task for task in recipe.tasks if materials.task(task).head_name in known]
    labels = {task: found for task in tasks if task in known and (found := materials.task(task).labels)}
    target = free_target(target)
    weights = load_weights(carried_weights(stage_folder))
    raw = {"pad_token_id": materials.tokenizer.pad}
    conditions = conditions_of(materials, name)
    ways = lm_ways(recipe, name, materials.public)
    told = () if ways == (MASKED,) else ways  # what is taken for granted of a card that does not say it
    model = public_model(materials.encoder, heads, weights, raw, labels, conditions, told)
    with aside(target) as temporary:
        temporary.mkdir(parents=True)
        materials.tokenizer.save(temporary)
        described = {
            task: {"spec": asdict(materials.task(task)), "length": recipe.tasks[task].length} for task in tasks
        }
        write_json(temporary / TASKS, {"precision": recipe.stage(name).precision, "tasks": described})
        write_public(model, temporary)
    return model


def export_public(source: Path, target: Path) -> PublicModel:
    """A public checkpoint through our own model and back: every tensor bit for bit, other files copied.

    Raises:
        RunError: the target holds something else than an earlier export.
    """
    target = free_target(target)
    with aside(target) as temporary:
        temporary.mkdir(parents=True)
        for file in sorted(source.iterdir()):
            if file.is_file() and file.name not in _MODEL_FILES:
                shutil.copy2(file, temporary / file.name)
        return round_trip(source, temporary)


def free_target(target: Path) -> Path:
    """The absolute path of a folder that an export may take the place of: none yet, an empty one, or an earlier export.

    Raises:
        RunError: it holds something else, which would be lost, or the working directory lies in it.
    """
    target = target.resolve()
    if target.exists() and not target.is_dir():
        raise RunError(f"{target} is a file; give --to a folder of its own.")
    if Path.cwd().is_relative_to(target):
        raise RunError(
            f"{target} holds the working directory, which an export replaces; give --to a folder of its own."
        )
    earlier = (target / TASKS).is_file() or (target / CARD).is_file()
    if target.is_dir() and any(target.iterdir()) and not earlier:
        raise RunError(
            f"{target} holds files that no export of ours wrote ({TASKS} and {CARD} are missing), and an export "
            "replaces its folder. Give --to a new folder, or empty this one yourself."
        )
    return target


def read_tasks(folder: Path) -> tuple[dict[str, dict[str, Any]], bool]:
    """The tasks that an exported model was trained on, and whether it was measured under bf16 autocast.

    Raises:
        CheckpointError: the file is damaged.
    """
    path = folder / TASKS
    if not path.is_file():
        return {}, False
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return found["tasks"], found["precision"] == "bf16"
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path} is damaged ({type(error).__name__}: {error}); export the model again.") from None
