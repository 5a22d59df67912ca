"""`triptych run`: walk the stages, measure, tell. Run again to go on."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from pipeline.compose import mixture_of
from pipeline.decisions import decide_by_settings, decide_stage, refuse_if_needed
from pipeline.export import export_run
from pipeline.held_out import held_out_text
from pipeline.lent_stages import lenders, refuse_no_runs, take_over
from pipeline.lineage import LM, inserted_note, refuse_unknown_stage, trained_heads, with_lm_head_stage
from pipeline.materials import Materials
from pipeline.needs import refuse_missing, splits_of
from pipeline.recipe.identity import corpora_of
from pipeline.recipe.recipe import LM_HEAD_STAGE, Recipe
from pipeline.recipe.stage import Stage
from pipeline.refusals import refuse_ahead
from pipeline.report import write_report
from pipeline.run_folder import RunFolder, locked_run
from pipeline.scores import collect_scores, measure_start
from pipeline.seeds.runs import further_seeds, link_shared, recipe_of_seed, repeated_stages, seed_folder
from pipeline.seeds.scores import collect_seeds, drop_outdated
from pipeline.seeds.tables import print_seeds
from pipeline.stage_identity import identity_of
from pipeline.stage_run import Context, measure_again, run_stage
from pipeline.store import Say
from pipeline.tables import print_scores
from pipeline.watch import Watch
from tokenization.atomic import write_json
from tokenization.errors import RunError
from training.distributed import join_world, leave_world
from training.manifest import read_record


@dataclass(frozen=True)
class Choice:
    """Which stages to run.

    Attributes:
        first: set this stage and those after it aside and run them again.
        only: this stage alone; its parent must be finished, here or in a run that is shared.
        kinds: only stages of these kinds (the doors `python -m pretrain|finetune`).
        extend: let a finished stage go on to more steps.
        share: run directories whose finished stages are taken over where they are the same.
    """

    first: str | None = None
    only: str | None = None
    kinds: tuple[str, ...] = ()
    extend: bool = False
    share: tuple[Path, ...] = ()


def run(recipe: Recipe, root: Path, choice: Choice) -> None:
    """Run a recipe in its run directory, from wherever it stands.

    Raises:
        TriptychError: a mistake of the user's, told in full.
        Stopped: a signal asked for it; everything is saved.
    """
    if recipe.engine.threads is not None:
        torch.set_num_threads(recipe.engine.threads)
    world = join_world(need_group=recipe.engine.name == "zero")
    folder = RunFolder(root)
    watch = Watch(not world.chief, recipe.logging.every, recipe.logging.tensorboard)
    try:
        with locked_run(folder, world):
            _all_seeds(Context(folder, materials_of(recipe, folder, say=watch.say), world, watch), choice)
    finally:
        watch.close()
        leave_world()


def materials_of(recipe: Recipe, folder: RunFolder, make: bool = True, say: Say = lambda line: None) -> Materials:
    """The recipe's inputs, with the stage that a missing LM head asks for."""
    materials = Materials(recipe, folder.store, say, make)
    # A run that was begun when tasks that are only measured asked for no such stage goes on as it began.
    measured = folder.is_begun(LM_HEAD_STAGE) or not any(folder.is_begun(stage.name) for stage in recipe.stages)
    return materials.with_recipe(with_lm_head_stage(recipe, materials.public, measured))


def _all_seeds(first: Context, choice: Choice) -> None:
    """The run itself, then its repetitions under further seeds.

    What is refused is refused before anything is written or moved; and all is moved at once, so that a kill between
    two seeds leaves none behind that would be taken for finished.
    """
    recipe, others = first.materials.recipe, [RunFolder(root) for root in choice.share]
    refuse_no_runs(others)
    stages, repeated = _chosen(recipe, choice), repeated_stages(recipe)
    again = [stage for stage in stages if stage.name in repeated]
    further = {seed: _of_seed(first, seed) for seed in further_seeds(recipe)} if again else {}
    for context in (first, *further.values()):
        context.folder.refuse_other(recipe)
        _refuse_begun(context, _chosen(context.materials.recipe, choice), choice)
    first.world.wait()
    if first.world.chief:
        for context in (first, *further.values()):
            _set_aside(context, choice)
    first.world.wait()
    finished = _walk(first, stages, choice.extend, others)
    if finished:
        _conclude(first)
    for seed, context in further.items():
        first.watch.say(f"seed {seed}: repeats {', '.join(stage.name for stage in again)}")
        finished = _repeat(first, context, [stage.name for stage in again], choice.extend) and finished
    if finished and further:
        _conclude_seeds(first, further)


def _of_seed(first: Context, seed: int) -> Context:
    materials = first.materials.with_recipe(recipe_of_seed(first.materials.recipe, seed))
    return replace(first, folder=seed_folder(first.folder, seed), materials=materials)


def _repeat(first: Context, context: Context, names: Sequence[str], extend: bool) -> bool:
    """Walk the repeated stages of a further seed; its result is its scores alone."""
    with locked_run(context.folder, context.world):  # by itself, it is a run directory like any other
        if context.world.chief:
            link_shared(first.folder, context.folder, first.materials.recipe)
        context.world.wait()
        finished = _walk(context, [context.materials.recipe.stage(name) for name in names], extend)
        if finished and context.world.chief:
            write_json(context.folder.scores, _scores(context))
    return finished


def _walk(context: Context, stages: Sequence[Stage], extend: bool, others: Sequence[RunFolder] = ()) -> bool:
    """Run stages from wherever they stand; whether every stage of the recipe is finished then."""
    recipe, folder = context.materials.recipe, context.folder
    is_first = not any(read_record(folder.stage(stage.name)) for stage in recipe.stages)
    read = _read_before(recipe, stages) if others else []
    _need_parents(stages, _finished(recipe, (folder, *others)))
    context.world.wait()
    if context.world.chief and not read:
        folder.claim(recipe)  # before text is tokenised, so that `status` knows the run
    if is_first:
        _check_ahead(context.materials, stages)
    if read:
        _share_read(context, stages, read, others)
    context.world.wait()
    measure_start(context)
    for stage in stages:
        _take_over(context, lenders(context.materials, folder, [stage], others))
        _run_one(context, stage, extend)
    finished = all(decide_stage(context.materials, folder, stage, False).action == "skip" for stage in recipe.stages)
    for stage in recipe.stages if finished else ():
        measure_again(context, stage)
    return finished


def _refuse_begun(context: Context, stages: Sequence[Stage], choice: Choice) -> None:
    """Refuse before anything is written or moved: the recipe in the folder goes on describing what stands there.

    Stages that are not to be run are held to their settings alone; those that are moved aside, to nothing.
    """
    materials, folder = context.materials, context.folder
    names = [stage.name for stage in materials.recipe.stages]
    moved = names[names.index(choice.first) :] if choice.first else []
    for stage in materials.recipe.stages:
        if stage.name in moved or read_record(folder.stage(stage.name)) is None:
            continue
        if stage in stages:
            decision = decide_stage(materials, folder, stage, choice.extend)
        else:
            decision = decide_by_settings(materials, folder, stage, extend=False)
        refuse_if_needed(stage, decision, folder)


def _check_ahead(materials: Materials, stages: Sequence[Stage]) -> None:
    """Open every input before the first step, so that a bad label of the last stage is not found after days.

    Only before a run's very first step: going on must cost the same whatever the later stages read.
    """
    evaluation = materials.recipe.evaluation
    for stage in stages:
        refuse_ahead(materials, stage)
    splits = splits_of(materials, stages)
    refuse_missing(materials, {name: None for stage in stages for name in corpora_of(materials.recipe, stage)}, splits)
    for stage in stages:
        mixture_of(materials, stage)
    for task, split in splits:
        materials.encoded(task, split)
    if any(LM in trained_heads(materials.recipe, stage.name, materials.public) for stage in stages):
        for corpus in evaluation.ledger.corpora:
            held_out_text(materials, corpus)


def _read_before(recipe: Recipe, stages: Sequence[Stage]) -> list[Stage]:
    """What the stages read, directly or not, where it is not among them, as under `--only`."""
    chosen = {stage.name for stage in stages}
    read = set(chosen)
    for stage in reversed(recipe.stages):
        read.update(stage.reads if stage.name in read else ())
    return [stage for stage in recipe.stages if stage.name in read - chosen]


def _share_read(context: Context, stages: Sequence[Stage], read: Sequence[Stage], others: Sequence[RunFolder]) -> None:
    """Take over what the stages read; nothing is written where some of it is found nowhere."""
    recipe, folder = context.materials.recipe, context.folder
    lent = lenders(context.materials, folder, read, others)
    _need_parents(stages, _finished(recipe, (folder,)) | lent.keys())
    context.world.wait()
    if context.world.chief:
        folder.claim(recipe)
    _take_over(context, lent)


def _take_over(context: Context, lent: Mapping[str, RunFolder]) -> None:
    """Link in stages of other runs. Every rank has looked for them by itself: what the looking makes may take long."""
    context.world.wait()  # until all have looked
    for name, other in lent.items() if context.world.chief else ():
        take_over(context.folder, name, other)
        context.watch.say(f"{name}: taken over from {other.root}")
    context.world.wait()


def _run_one(context: Context, stage: Stage, extend: bool) -> None:
    decision = decide_stage(context.materials, context.folder, stage, extend)
    refuse_if_needed(stage, decision, context.folder)
    context.watch.say(f"{stage.name}: {decision.action}, {decision.why}")
    if decision.action != "skip":
        run_stage(context, stage, identity_of(context.materials, context.folder, stage), decision)


def _conclude(context: Context) -> None:
    """Scores, exported model, report; then the table, last."""
    if not context.world.chief:
        return
    folder, scores = context.folder, _scores(context)
    write_json(folder.scores, scores)
    if drop_outdated(folder, scores):
        context.watch.say("scores over several seeds: taken away, since the first seed's have changed")
    model = f"model: {folder.export}"
    if context.materials.encoder.norm == "pre":
        model = "no exported model: the public BERT format has no place for encoder.norm: pre"
    else:
        export_run(context.materials, folder, folder.export)
    report = write_report(folder.root)
    print_scores(scores)
    context.watch.say(f"{model}\nreport: {report}")


def _conclude_seeds(first: Context, further: Mapping[int, Context]) -> None:
    """The scores over all seeds, in the report too; then their table, last."""
    if not first.world.chief:
        return
    folders = {seed: context.folder for seed, context in ({first.materials.recipe.seed: first} | dict(further)).items()}
    over_seeds = collect_seeds(first.materials, folders)
    write_json(first.folder.seeds, over_seeds)
    report = write_report(first.folder.root)
    print_seeds(over_seeds)
    first.watch.say(f"report: {report}")


def _scores(context: Context) -> dict[str, Any]:
    note = inserted_note(context.materials.recipe)
    return collect_scores(context.materials, context.folder, [note] if note else [])


def _chosen(recipe: Recipe, choice: Choice) -> Sequence[Stage]:
    for name in (choice.first, choice.only):
        if name is not None:
            refuse_unknown_stage(recipe, name)
    if choice.only is not None:
        return [recipe.stage(choice.only)]
    return [stage for stage in recipe.stages if not choice.kinds or stage.kind in choice.kinds]


def _set_aside(context: Context, choice: Choice) -> None:
    names = [stage.name for stage in context.materials.recipe.stages]
    if choice.first is None:
        return
    target = context.folder.set_aside(names[names.index(choice.first) :], start=choice.first == names[0])
    if target is not None:
        context.watch.say(f"moved {choice.first} and what follows to {target}")


def _finished(recipe: Recipe, folders: Sequence[RunFolder]) -> set[str]:
    """The stages that are finished in some folder."""
    stages = (stage.name for stage in recipe.stages)
    return {name for name in stages if any(folder.stage(name).manifest.is_file() for folder in folders)}


def _need_parents(stages: Sequence[Stage], finished: Collection[str]) -> None:
    """Refuse to begin with a stage that reads one which is neither finished nor among those to be run before it."""
    ready = set(finished)
    for stage in stages:
        for name in stage.reads:
            if name not in ready:
                how = "starts from" if name == stage.parent else "learns from"
                raise RunError(f"stage {stage.name} {how} {name}, which is not finished; run that one first.")
        ready.add(stage.name)
