"""A stage of the recipe as the floors below know it: streams into a mixture, settings into a plan."""

import math
from collections.abc import Mapping, Sequence

from finetune.distill import F32, TaughtSource
from finetune.objectives import objective_of
from finetune.source import TaskSource, TextOfTasks
from finetune.tasks.spec import TRAIN
from pipeline.idle import refuse_empty, refuse_unreached
from pipeline.masking import mask_unit, units_of, word_bounds_of
from pipeline.materials import Materials
from pipeline.recipe.recipe import Recipe
from pipeline.recipe.stage import Stage
from pipeline.recipe.stream import BlocksOf, PairsOf, Stream, TaskExamples, WeightSchedule
from pipeline.refusals import lengths_of, refuse_ahead
from pretrain.blocks import BlockSource
from pretrain.pairs import PairSource
from tokenization.errors import RecipeError
from training import mixture
from training.address import key_of
from training.loop import StagePlan
from training.objective import Objective
from training.optimizer import AdamW
from training.schedules import RateSchedule, constant_weight
from training.schedules import WeightSchedule as Weight
from training.sequences import Source


def mixture_of(materials: Materials, stage: Stage, taught: Mapping[str, F32] | None = None) -> mixture.Mixture:
    """The stage's streams, with their sources opened.

    Args:
        taught: stream → what teachers answer to its rows; None before they were asked, when nothing can be trained.

    Raises:
        RecipeError: what the recipe alone tells to be impossible, before a source is opened; an objective that does not
            go with its source, or an item larger than a micro-batch.
    """
    refuse_ahead(materials, stage)
    streams = [_stream(materials, stage, stream, taught or {}) for stream in stage.streams]
    _refuse_misfits(materials.recipe, stage, streams)
    refuse_empty(stage, streams)
    key = key_of(materials.recipe.seed_of(stage), stage.name, "sampling")
    mixed = mixture.Mixture(streams, stage.sampling, key)
    refuse_unreached(stage, mixed)
    return mixed


def text_notes(materials: Materials, stage: Stage, opened: mixture.Mixture) -> list[str]:
    """What whoever reads a stage's text should know of it: what its corpora skipped, what makes no pair."""
    found: list[str] = []
    for given, stream in zip(stage.streams, opened.streams, strict=True):
        source = given.source
        if isinstance(source, PairsOf | BlocksOf):
            name = source.pairs_of if isinstance(source, PairsOf) else source.blocks_of
            found += [f"{name}: {note}" for note in materials.corpus(name).manifest.notes]
        if isinstance(stream.source, PairSource) and (left_out := stream.source.left_out):
            windows = stream.source.size + left_out
            found.append(f"{stream.name}: {left_out:,} of {windows:,} windows hold one sentence and make no pair")
    return list(dict.fromkeys(found))


def plan_of(recipe: Recipe, stage: Stage) -> StagePlan:
    """The stage's numbers."""
    evaluate = stage.evaluate
    return StagePlan(
        stage=stage.name,
        seed=recipe.seed_of(stage),
        steps=stage.steps,
        rate=stage.optimizer.rate,
        schedule=RateSchedule(**stage.schedule.model_dump()),
        budget=recipe.engine.micro_batch_tokens,
        evaluate_every=evaluate.every if evaluate else None,
        patience=evaluate.patience if evaluate else None,
        save_every=recipe.checkpoint.every,
        keep=recipe.checkpoint.keep_last,
        log_every=recipe.logging.every,
    )


def adamw_of(stage: Stage) -> AdamW:
    """The stage's optimizer."""
    return AdamW(**stage.optimizer.model_dump(exclude={"name", "layer_decay"}))


def _stream(materials: Materials, stage: Stage, stream: Stream, taught: Mapping[str, F32]) -> mixture.Stream:
    source = _source(materials, stream, taught.get(stream.name))
    amount = stream.amount
    items = amount.examples or round((amount.tokens or 0) / source.mean_length)
    return mixture.Stream(
        name=stream.name,
        source=source,
        objectives=_objectives(materials, stream),
        items=items,
        weight=_weight(stream.weight),
        labelled=stream.labelled,
        key=key_of(materials.recipe.seed_of(stage), stage.name, stream.name),
    )


def _source(materials: Materials, stream: Stream, taught: F32 | None) -> Source:
    given, unit, tokenizer = stream.source, mask_unit(stream), materials.tokenizer
    if isinstance(given, PairsOf):
        units = units_of(materials, given.pairs_of, unit)
        wanted = (asked for objective in stream.objectives if (asked := objective.entry.second))
        return PairSource(materials.corpus(given.pairs_of), tokenizer, given.length, units, next(wanted, "next"))
    if isinstance(given, BlocksOf):
        units = units_of(materials, given.blocks_of, unit)
        return BlockSource(materials.corpus(given.blocks_of), tokenizer, given.length, units=units)
    if isinstance(given, TaskExamples):
        return TaskSource(materials.encoded(given.task, TRAIN))
    split = given.split
    if any(objective.name == "distill" for objective in stream.objectives):
        return TaughtSource(materials.encoded(given.text_of[0], split), taught)
    tasks = [materials.text(name, split) for name in given.text_of]
    return TextOfTasks(
        tasks, None if unit == "token" else [word_bounds_of(materials, name, split) for name in given.text_of]
    )


def _objectives(materials: Materials, stream: Stream) -> tuple[Objective, ...]:
    if isinstance(stream.source, TaskExamples):
        name = stream.source.task
        wordings = materials.encoded(name, TRAIN).wordings if materials.task(name).worded else None
        return (objective_of(materials.task(name), wordings, materials.tokenizer),)
    return tuple(given.entry.build(given.settings, materials) for given in stream.objectives)


def _weight(given: float | WeightSchedule | None) -> Weight | None:
    if given is None:
        return None
    return Weight(**given.model_dump()) if isinstance(given, WeightSchedule) else constant_weight(given)


def _refuse_misfits(recipe: Recipe, stage: Stage, streams: Sequence[mixture.Stream]) -> None:
    budget = recipe.engine.micro_batch_tokens
    problems = [
        f"stages[{stage.name}].streams[{stream.name}]: {objective.name} goes with {', '.join(objective.shapes)}, "
        f"and this source gives a {stream.source.shape}"
        for stream in streams
        for objective in stream.objectives
        if stream.source.shape not in objective.shapes
    ]
    problems += [
        f"stages[{stage.name}].streams[{stream.name}]: its largest item has {_room(stream)} tokens, more than "
        f"engine.micro_batch_tokens ({budget}); items are never cut apart: raise that, or lower "
        f"{_listed(lengths_of(recipe, stage, given))}"
        for given, stream in zip(stage.streams, streams, strict=True)
        if _room(stream) > budget
    ]
    if problems:
        raise RecipeError("\n".join(dict.fromkeys(problems)))


def _room(stream: mixture.Stream) -> int:
    """Tokens that a micro-batch needs for the stream's largest item."""
    return math.ceil(stream.source.longest * stream.growth)


def _listed(lengths: Mapping[str, int]) -> str:
    return " or ".join(f"{where} ({length})" for where, length in lengths.items())
