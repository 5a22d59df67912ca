"""What `run` would do: each stage's decision, with its reason. Works on what is there and changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from finetune.tasks.spec import TRAIN
from pipeline.compose import mixture_of, plan_of
from pipeline.decisions import decide_by_settings, decide_stage
from pipeline.layer_rates import rate_notes
from pipeline.lineage import conditions_of, head_specs
from pipeline.materials import Materials
from pipeline.recipe.recipe import PublicEncoder, Recipe
from pipeline.recipe.stage import Stage
from pipeline.recipe.stream import Stream, TaskExamples
from pipeline.run_folder import RunFolder
from pipeline.seeds.runs import further_seeds, recipe_of_seed, repeated_stages, seed_folder
from pipeline.stage_notes import recipe_notes, stage_notes
from pipeline.store import NotMade
from pipeline.stored_vectors import stored_note
from training.batching import draw_step
from training.manifest import Decision


@dataclass(frozen=True)
class StageOutlook:
    """A stage before it is run.

    Attributes:
        parameters: of the network, a tied one counted once; at most so many where the vocabulary is not made yet.
        tokens: real tokens that the stage's steps draw, about; None where only the tokenised text can tell.
        streams: a line on each.
        beginning: what its weights start from.
    """

    stage: Stage
    decision: Decision
    parameters: int
    tokens: int | None
    streams: tuple[str, ...]
    beginning: str


def outlook(materials: Materials, folder: RunFolder, extend: bool) -> list[StageOutlook]:
    """Every stage of the recipe, in order."""
    return [_outlook(materials, folder, stage, extend) for stage in materials.recipe.stages]


def outlook_text(stages: Sequence[StageOutlook]) -> str:
    """The outlook as `triptych plan` prints it."""
    lines = []
    for found in stages:
        stage, decision = found.stage, found.decision
        lines.append(f"{stage.name} ({stage.kind}): {decision.action.upper()}, {decision.why}")
        tokens = "tokens not known yet" if found.tokens is None else f"about {found.tokens:,} tokens"
        lines.append(f"    {stage.steps:,} steps, {found.parameters:,} parameters, {tokens}, from {found.beginning}")
        lines += [f"    {line}" for line in found.streams]
    return "\n".join(lines) + "\n"


def seeds_text(materials: Materials, first: RunFolder, extend: bool) -> str:
    """What `run` would do with the stages that each further seed repeats."""
    names, lines = repeated_stages(materials.recipe), []
    for seed in further_seeds(materials.recipe):
        own, folder = materials.with_recipe(recipe_of_seed(materials.recipe, seed)), seed_folder(first, seed)
        for stage in (stage for stage in own.recipe.stages if stage.name in names):
            decision = _decision(own, folder, stage, extend)
            lines.append(f"seed {seed}, {stage.name}: {decision.action.upper()}, {decision.why}\n")
    return "".join(lines)


def _outlook(materials: Materials, folder: RunFolder, stage: Stage, extend: bool) -> StageOutlook:
    try:
        return _exact(materials, folder, stage, extend)
    except NotMade as missing:
        return _estimate(materials, folder, stage, extend, missing)


def _exact(materials: Materials, folder: RunFolder, stage: Stage, extend: bool) -> StageOutlook:
    mixture, plan = mixture_of(materials, stage), plan_of(materials.recipe, stage)
    rounds = range(min(plan.steps, 20))
    drawn = [draw_step(mixture, step, plan.budget).tokens_S for step in rounds]
    a_step = sum(int(tokens_S.sum()) for tokens_S in drawn) / len(rounds)
    streams = tuple(
        f"{stream.name}: {stream.items} of {stream.source.size:,} items a step, mean {stream.source.mean_length:.0f} "
        f"tokens, {', '.join(objective.name for objective in stream.objectives)}"
        for stream in mixture.streams
    )
    streams += (*stage_notes(materials, stage, mixture), *_of_settings(materials, stage))
    decision = decide_stage(materials, folder, stage, extend)
    return StageOutlook(
        stage,
        decision,
        _parameters(materials, stage),
        round(a_step * plan.steps),
        streams,
        _beginning(materials.recipe, stage),
    )


def _estimate(materials: Materials, folder: RunFolder, stage: Stage, extend: bool, missing: NotMade) -> StageOutlook:
    """What the recipe alone tells of a stage whose text is not tokenised yet."""
    a_step = [stream.amount.tokens for stream in stage.streams]
    tokens = stage.steps * sum(n for n in a_step if n is not None) if None not in a_step else None
    decision = decide_by_settings(materials, folder, stage, extend)
    return StageOutlook(
        stage,
        replace(decision, why=f"{decision.why}; not tokenised yet: {missing}"),
        _parameters(materials, stage),
        tokens,
        (
            *(_stream_line(materials, stream) for stream in stage.streams),
            *recipe_notes(materials, stage),
            *_of_settings(materials, stage),
        ),
        _beginning(materials.recipe, stage),
    )


def _of_settings(materials: Materials, stage: Stage) -> list[str]:
    """What moves at what rate, and what stored rows take on the disk."""
    if not stage.stored:
        return rate_notes(materials, stage)
    try:
        size = stored_note(materials, stage)
    except NotMade:
        size = "stored vectors: their size is known once the vocabulary is made"
    return [*rate_notes(materials, stage), size]


def _decision(materials: Materials, folder: RunFolder, stage: Stage, extend: bool) -> Decision:
    """The decision, by the settings alone where the text is not tokenised yet."""
    try:
        return decide_stage(materials, folder, stage, extend)
    except NotMade:
        return decide_by_settings(materials, folder, stage, extend)


def _beginning(recipe: Recipe, stage: Stage) -> str:
    public = recipe.encoder.from_ if isinstance(recipe.encoder, PublicEncoder) else None
    return stage.parent or public or "fresh weights"


def _stream_line(materials: Materials, stream: Stream) -> str:
    if isinstance(stream.source, TaskExamples):
        rows = len(materials.examples(stream.source.task, TRAIN))
        return f"{stream.name}: {rows:,} rows, {stream.amount.examples or stream.amount.tokens} a step"
    unit = "tokens" if stream.amount.tokens else "items"
    return f"{stream.name}: about {stream.amount.tokens or stream.amount.examples:,} {unit} a step"


def _parameters(materials: Materials, stage: Stage) -> int:
    """Counted on a network without storage."""
    heads, conditions = head_specs(materials, stage.name), conditions_of(materials, stage.name)
    return sum(p.numel() for p in materials.network(heads, "meta", conditions).parameters())
