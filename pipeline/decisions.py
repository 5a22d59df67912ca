"""Whether a stage is skipped, resumed, started or refused: what is on the disk against what is asked now."""

from dataclasses import replace

from pipeline.changed import told_changes
from pipeline.materials import Materials
from pipeline.recipe.identity import identity
from pipeline.recipe.stage import Stage
from pipeline.run_folder import RunFolder
from pipeline.stage_identity import CONTENT, brought, identity_of
from tokenization.errors import RunError
from training.manifest import Decision, decide, read_record


def decide_stage(materials: Materials, folder: RunFolder, stage: Stage, extend: bool) -> Decision:
    """Skip, resume, start or refuse; a stage that reads one which is not finished waits for it."""
    if waits := _waits(folder, stage):
        return waits
    now = identity_of(materials, folder, stage)
    decision = decide(folder.stage(stage.name), now, stage.steps, extend)
    record = read_record(folder.stage(stage.name))
    if decision.action != "refuse" or record is None:
        return decision
    return replace(decision, why="\n".join([decision.why, *told_changes(materials, stage, record["identity"], now)]))


def decide_by_settings(materials: Materials, folder: RunFolder, stage: Stage, extend: bool) -> Decision:
    """The decision if all content is what it was."""
    if waits := _waits(folder, stage):
        return waits
    record = read_record(folder.stage(stage.name))
    then = record["identity"] if record else {}
    content = {key: then[key] for key in CONTENT if key in then}
    now = {**content, **identity(materials.recipe, stage.name), **brought(materials)}
    return decide(folder.stage(stage.name), now, stage.steps, extend)


def refuse_if_needed(stage: Stage, decision: Decision, folder: RunFolder) -> None:
    """Turn a refusal into the error that the user reads.

    Raises:
        RunError: the decision is to refuse.
    """
    if decision.action != "refuse":
        return
    raise RunError(
        f"{folder.stage(stage.name).root}: {decision.why}\n"
        "Go back to the data and settings it was made with, choose another --run-dir, or rerun with "
        f"--from {stage.name} (which moves this stage and those after it aside)."
    )


def _waits(folder: RunFolder, stage: Stage) -> Decision | None:
    unread = next((name for name in stage.reads if not folder.stage(name).manifest.is_file()), None)
    return None if unread is None else Decision("start", f"after {unread}")
