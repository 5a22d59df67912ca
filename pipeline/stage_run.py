"""Running one stage: network, weights, engine, loop, measurement, manifest."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from model.attention import attention_words
from model.groups import ParameterGroup
from model.network import Network
from model.public_load import load_into as load_public
from pipeline.carried import carried_weights
from pipeline.compose import adamw_of, mixture_of, plan_of
from pipeline.ds_config import load_ds_config
from pipeline.held_out import questions_of
from pipeline.idle import refuse_silent
from pipeline.layer_rates import by_layer, layer_rates_of
from pipeline.layer_shares import layer_shares
from pipeline.lineage import conditions_of, head_specs, own_heads, own_tasks, trained_heads
from pipeline.materials import Materials
from pipeline.measure import Boundary, evaluation_of, measure_boundary, measuring, score_tasks
from pipeline.recipe.recipe import Recipe
from pipeline.recipe.stage import Stage
from pipeline.run_folder import RunFolder, commit, environment
from pipeline.stage_notes import stage_notes
from pipeline.stored_vectors import store_rows
from pipeline.teaching import soft_labels
from pipeline.watch import Watch
from tokenization import fingerprint
from tokenization.atomic import write_json
from training.batching import empty_batch
from training.checkpoint import StageFolder, load_into, load_moments, load_state, load_weights, tidy
from training.distributed import World
from training.engine import Engine, PlainEngine, Reader
from training.interrupt import stop_on_signals
from training.loop import Evaluation, fit
from training.manifest import Decision, differences, read_record
from training.metrics_log import cut_back
from training.mixture import Mixture
from training.state import State
from training.zero import ZeroEngine


@dataclass(frozen=True)
class Context:
    """What the stages of a run share."""

    folder: RunFolder
    materials: Materials
    world: World
    watch: Watch


def run_stage(context: Context, stage: Stage, identity: Mapping[str, Any], decision: Decision) -> dict[str, Any]:
    """Start a stage or go on with it, to its end.

    Returns:
        its manifest, which is on the disk by then.
    """
    folder, materials, world = context.folder.stage(stage.name), context.materials, context.world
    begun = time.time()
    if world.chief:
        write_json(folder.started, {"identity": identity, "steps": stage.steps})
        if folder.manifest.is_file():  # an extension will drop the checkpoint that this manifest refers to
            folder.manifest.replace(folder.before)
    world.wait()
    taught = soft_labels(materials, context.folder, world, stage, partial(_finished, context))
    mixture = mixture_of(materials, stage, taught)
    for note in stage_notes(materials, stage, mixture):
        context.watch.say(f"{stage.name}: {note}")
    tell_attention(context, stage)
    state = State()
    if decision.action == "resume":
        state = load_state(folder, decision.step)  # first of all, since it checks the checkpoint's files
        state.stopped = state.stopped and not _is_extended(folder, decision)
    if world.chief:
        tidy(folder, materials.recipe.checkpoint.keep_last)  # a kill may have come between saving and this
    network = build_network(context, stage, decision)
    if stage.stored:
        context.watch.say(f"{stage.name}: {store_rows(materials, world, stage, network)}")
    groups = network.groups(by_layer(stage))
    engine = _engine(context, stage, network, groups, mixture)
    if decision.action == "resume":
        engine.load_moments(load_moments(folder, decision.step), decision.step)
    if world.chief:
        cut_back(folder.metrics, state.step)  # before the curves are derived from them
    context.watch.start(folder.root, stage.name, state.step, stage.steps)
    plan = replace(plan_of(materials.recipe, stage), layers=layer_rates_of(materials, stage, groups))
    with stop_on_signals() as stop:  # only here: everything else may be cut off at any moment
        state = fit(
            plan, mixture, engine, state, folder, context.watch, stop,
            _evaluator(context, stage, network, engine),
        )  # fmt: skip
    context.watch.close()
    refuse_silent(stage.name, mixture, state)
    del engine
    manifest = _manifest(context, stage, identity, state)
    manifest["clock"] = {"started": begun, "seconds": time.time() - begun}
    if world.chief:
        write_json(folder.manifest, manifest)
        folder.before.unlink(missing_ok=True)
    world.wait()
    return manifest


def tell_attention(context: Context, stage: Stage) -> None:
    """Say which attention a stage trains with, on a GPU: elsewhere there is no choice that matters.

    Raises:
        RecipeError: the recipe asks for one that cannot run here; before the first step.
    """
    words = _attention(context, stage)
    if context.world.device.type == "cuda":
        context.watch.say(f"{stage.name}: attention: {words}")


def _attention(context: Context, stage: Stage) -> str:
    """The implementation of attention that a stage trains with, and why."""
    encoder, given = context.materials.encoder, context.materials.recipe.encoder.attention
    dtype = torch.bfloat16 if stage.precision == "bf16" else torch.float32
    return attention_words(given, context.world.device, dtype, encoder.dropout, encoder.head_width)


def _is_extended(folder: StageFolder, decision: Decision) -> bool:
    """Whether a finished stage goes on from where it ended: then an early stop is taken back."""
    if not folder.before.is_file():
        return False
    return bool(json.loads(folder.before.read_text(encoding="utf-8"))["state"]["step"] == decision.step)


def build_network(context: Context, stage: Stage, decision: Decision) -> Network:
    """The stage's network with the weights it begins or goes on with, frozen where nothing of this stage reaches."""
    materials = context.materials
    recipe = materials.recipe
    # A resume loads every weight: drawing random ones first would cost seconds.
    seed = None if decision.action == "resume" else recipe.seed_of(stage)
    heads, conditions = head_specs(materials, stage.name), conditions_of(materials, stage.name)
    network = Network(materials.encoder, heads, recipe.encoder.attention, seed, conditions)
    folder = context.folder.stage(stage.name)
    if decision.action == "resume":
        path = folder.checkpoint(decision.step) / "weights.safetensors"
        load_into(network, load_weights(path), path)
    elif stage.parent is not None:
        path = carried_weights(context.folder.stage(stage.parent))
        new = load_into(network, load_weights(path), path, new=lambda name: name.startswith(("heads.", "conditional.")))
        context.watch.say(f"{stage.name}: weights of {stage.parent}; new: {_heads_of(new) or 'none'}")
    elif materials.public is not None:
        report = load_public(network, materials.public)
        context.watch.say(f"{stage.name}: public checkpoint\n{report}")
    _freeze(network, recipe, stage)
    return network


def _finished(context: Context, name: str) -> Reader:
    """The network of a finished stage, read-only."""
    return reader_of(context, context.materials.recipe.stage(name), carried_weights(context.folder.stage(name)))


def reader_of(context: Context, stage: Stage, weights: Path | None) -> Reader:
    """A stage's network, read-only, with the weights it carried; None means those it starts with."""
    materials = context.materials
    network = materials.network(head_specs(materials, stage.name), conditions=conditions_of(materials, stage.name))
    if weights is not None:
        load_into(network, load_weights(weights), weights)
    elif context.materials.public is not None:
        load_public(network, context.materials.public)
    return Reader(network, context.world, bf16=stage.precision == "bf16")


def _freeze(network: Network, recipe: Recipe, stage: Stage) -> None:
    """Only what this stage trains is in the graph: heads of other stages, and what `freeze` names, stand still."""
    own = own_heads(recipe, stage)
    network.active = tuple(spec.name for spec in network.specs if spec.name in own)
    for group in network.groups():
        used = group.heads is None or group.heads & set(network.active)
        for _, parameter in group.parameters:
            parameter.requires_grad_(bool(used) and group.name not in stage.freeze)


def _engine(
    context: Context, stage: Stage, network: Network, groups: Sequence[ParameterGroup], mixture: Mixture
) -> Engine:
    recipe, world = context.materials.recipe, context.world
    objectives = [question.objective for question in mixture.questions]
    settings, bf16 = adamw_of(stage), stage.precision == "bf16"
    if recipe.engine.name == "plain":
        return PlainEngine(network, groups, objectives, settings, world, bf16)
    config = load_ds_config(Path(str(recipe.engine.ds_config)))
    specs, conditions = head_specs(context.materials, stage.name), conditions_of(context.materials, stage.name)
    return ZeroEngine(
        network, groups, objectives, settings, world, bf16, empty_batch(mixture), config,
        twin=lambda: context.materials.network(specs, conditions=conditions),
    )  # fmt: skip


def _evaluator(context: Context, stage: Stage, network: Network, engine: Engine) -> Any:
    """The stage's own tasks, scored with the live weights; None where it has none."""
    tasks = own_tasks(context.materials.recipe, stage)
    if not tasks:
        return None

    def evaluate() -> Evaluation:
        scored = score_tasks(context.materials, tasks, engine)
        return evaluation_of([scores for scores, _ in scored.values()])

    return evaluate


def measure_again(context: Context, stage: Stage) -> None:
    """Measure a finished stage's weights anew where what its boundary was measured under is no longer what is asked."""
    folder = context.folder.stage(stage.name)
    record, now = read_record(folder), _measuring(context, stage)
    assert record is not None, f"stage {stage.name} is finished"
    changed = differences(record.get("measured", {}), now)
    if not changed:
        return
    context.watch.say("\n".join([f"{stage.name}: measured again, since its evaluation changed:", *changed]))
    boundary = _measure(context, stage, carried_weights(folder))
    if context.world.chief:
        write_json(folder.manifest, {**record, "measured": now, "boundary": boundary.to_json()})
    context.world.wait()


def _measuring(context: Context, stage: Stage) -> dict[str, Any]:
    materials = context.materials
    heads = trained_heads(materials.recipe, stage.name, materials.public)
    return measuring(materials, heads, questions_of(materials.recipe, stage.name, materials.public))


def _measure(context: Context, stage: Stage, weights: Path) -> Boundary:
    materials, folder = context.materials, context.folder.stage(stage.name)
    heads = trained_heads(materials.recipe, stage.name, materials.public)
    predictions = folder.root / "predictions" if materials.recipe.evaluation.predictions else None
    questions = questions_of(materials.recipe, stage.name, materials.public)
    return measure_boundary(materials, heads, questions, reader_of(context, stage, weights), predictions)


def _manifest(context: Context, stage: Stage, identity: Mapping[str, Any], state: State) -> dict[str, Any]:
    folder, recipe = context.folder.stage(stage.name), context.materials.recipe
    best = state.best.get("joint") if stage.carry == "best" else None
    file = folder.snapshot(best.step) if best else folder.checkpoint(state.step) / "weights.safetensors"
    shares = layer_shares(file)
    return {
        "stage": stage.name,
        "kind": stage.kind,
        "parent": stage.parent,
        "identity": identity,
        "steps": stage.steps,
        "state": state.to_json(),
        "carry": {"which": stage.carry, "file": str(file.relative_to(folder.root)), "hash": fingerprint.of_file(file)},
        "measured": _measuring(context, stage),
        "boundary": _measure(context, stage, file).to_json(),
        **({"layer_shares": shares} if shares else {}),
        "execution": {
            "engine": recipe.engine.model_dump(mode="json"),
            "ranks": context.world.size,
            "device": str(context.world.device),
            "attention": _attention(context, stage),
            "threads": torch.get_num_threads(),
            "commit": commit(),
            "versions": environment()["versions"],
        },
    }


def _heads_of(names: list[str]) -> str:
    """The heads of parameters, or what else they belong to."""
    parts = [name.split(".") for name in names]
    return ", ".join(dict.fromkeys(part[1] if part[0] == "heads" else part[0] for part in parts))
