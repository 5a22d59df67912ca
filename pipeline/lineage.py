"""Stages and their parents: which heads a stage's network has, and the stage inserted for a missing LM head."""

from typing import Any, Literal

from finetune.view_consistency import views_head
from model.conditional import Condition
from model.config import HeadKind, HeadSpec
from model.design import ROW, HeadDesign
from model.heads import DECODER, LM, ORDER, PAIRS
from model.public import PublicModel
from pipeline.materials import Materials
from pipeline.recipe.given_objective import given
from pipeline.recipe.recipe import LM_HEAD_STAGE, LmHeadFit, PublicEncoder, Recipe
from pipeline.recipe.stage import Optimizer, Stage
from pipeline.recipe.stream import Amount, Stream, TaskExamples, TextOf
from tokenization.errors import RecipeError, did_you_mean

TEXT_HEADS: dict[str, HeadKind] = {LM: "mlm", PAIRS: "pair", ORDER: "pair", DECODER: "decoder"}
"""The heads that text objectives train, in their fixed order, and their kinds."""
_FROZEN: tuple[Literal["encoder", "pooler"], ...] = ("encoder", "pooler")


def ancestry(recipe: Recipe, name: str) -> list[Stage]:
    """The stages whose training a stage's weights went through, first to last, itself included."""
    chain: list[Stage] = []
    here: str | None = name
    while here is not None:
        chain.insert(0, recipe.stage(here))
        here = chain[0].parent
    return chain


def refuse_unknown_stage(recipe: Recipe, name: str) -> None:
    """Refuse a name given on the command line that no stage has.

    Raises:
        RecipeError: with the names there are.
    """
    names = [stage.name for stage in recipe.stages]
    if name not in names:
        raise RecipeError(f"no stage is called '{name}'; stages: {', '.join(names)}{did_you_mean(name, names)}")


def own_heads(recipe: Recipe, stage: Stage) -> set[str]:
    """The heads that a stage's streams ask something of."""
    return {head for stream in stage.streams for head in _heads(recipe, stream)}


def own_tasks(recipe: Recipe, stage: Stage) -> list[str]:
    """The tasks whose examples a stage trains on, in the recipe's order."""
    drawn = {stream.source.task for stream in stage.streams if isinstance(stream.source, TaskExamples)}
    return [name for name in recipe.tasks if name in drawn]


def trained_heads(recipe: Recipe, name: str, public: PublicModel | None) -> set[str]:
    """The heads that mean something after a stage: trained on the way, or brought by the public checkpoint."""
    found = {head for stage in ancestry(recipe, name) for head in own_heads(recipe, stage)}
    return found | _public_heads(recipe, public)


def known_heads(recipe: Recipe, stage: Stage, public: PublicModel | None) -> set[str]:
    """The heads that the weights a stage begins with already bring."""
    return _public_heads(recipe, public) if stage.parent is None else trained_heads(recipe, stage.parent, public)


def head_specs(materials: Materials, name: str) -> tuple[HeadSpec, ...]:
    """The heads of a stage's network in their fixed order: those of text, then the tasks' as the recipe has them."""
    recipe, size = materials.recipe, materials.vocabulary_size
    wanted = trained_heads(recipe, name, materials.public)
    decoder = _decoder(recipe, materials.public)
    known = [
        HeadSpec(head, kind, 2 if kind == "pair" else size, decoder if kind == "decoder" else ROW)
        for head, kind in TEXT_HEADS.items()
    ]
    known += [
        HeadSpec(task, spec.kind, spec.outputs, spec.design, apart=spec.attention == "apart")
        for task in recipe.tasks
        if task in wanted and (spec := materials.task(task)).kind != "generation"
    ]
    known += [
        HeadSpec(views_head(task), "views", materials.task(task).outputs)
        for task in recipe.tasks
        if views_head(task) in wanted
    ]
    return tuple(spec for spec in known if spec.name in wanted)


def kept_decoder(recipe: Recipe, public: PublicModel | None) -> HeadDesign | None:
    """The public checkpoint's own decoder, unless one of other sizes is asked for."""
    brought = (spec.design for spec in (public.heads if public else ()) if spec.kind == "decoder")
    return next((design for design in brought if design == _decoder(recipe, public)), None)


def conditions_of(materials: Materials, name: str) -> tuple[Condition, ...]:
    """The tasks that have norms of their own in a stage's network: those that were trained on the way."""
    recipe = materials.recipe
    trained = {task for stage in ancestry(recipe, name) for task in own_tasks(recipe, stage)}
    return tuple(
        Condition(task, materials.task(task).head_name, place)
        for task, place in recipe.conditions.items()
        if task in trained
    )


def with_lm_head_stage(recipe: Recipe, public: PublicModel | None, measured: bool = True) -> Recipe:
    """The recipe, with a short LM stage in front where something is asked of an LM head that a public checkpoint lacks.

    The encoder is frozen in it; it reads the first text of which something is asked of the LM head, or else that of the
    first task that is put to it, be it only to be measured. Whichever door runs the first stage runs it too.

    Args:
        measured: whether tasks that are only measured ask for it too; not where the stages were begun without it.
    """
    known = {stage.name for stage in recipe.stages}
    if public is None or LM in _public_heads(recipe, public) or LM_HEAD_STAGE in known:
        return recipe
    needing = [stream for stage in recipe.stages for stream in stage.streams if LM in _heads(recipe, stream)]
    needing += _measured(recipe) if measured else []
    if not needing:
        return recipe
    inserted = _lm_head_stage(recipe, next((stream for stream in needing if stream.objectives), needing[0]))
    stages = [
        stage if stage.parent is not None else stage.model_copy(update={"parent": LM_HEAD_STAGE})
        for stage in recipe.stages
    ]
    return recipe.model_copy(update={"stages": (inserted, *stages)})


def is_inserted(recipe: Recipe, stage: Stage) -> bool:
    """Whether a stage is the one that a run has put in front, as the recipe in its folder has it."""
    in_front = stage == recipe.stages[0] and isinstance(recipe.encoder, PublicEncoder)
    return in_front and stage.name == LM_HEAD_STAGE and stage.freeze == _FROZEN


def inserted_note(recipe: Recipe) -> str | None:
    """What the report says of an inserted stage."""
    if recipe.stages[0].name != LM_HEAD_STAGE or not isinstance(recipe.encoder, PublicEncoder):
        return None
    return (
        f"{recipe.encoder.from_} has no LM head: stage {LM_HEAD_STAGE} fitted one first, "
        f"{recipe.stages[0].steps} steps with the encoder frozen."
    )


def _lm_head_stage(recipe: Recipe, like: Stream) -> Stage:
    fit = recipe.lm_head_fit or LmHeadFit()
    changed: dict[str, Any] = {"amount": Amount(tokens=fit.tokens), "weight": None}
    if isinstance(like.source, TaskExamples):
        task = like.source.task
        asked = given("causal" if recipe.tasks[task].spec(task).attention == "left" else "mlm")
        changed |= {"source": TextOf(text_of=(task,)), "objectives": (asked,)}
    else:
        changed["objectives"] = tuple(one for one in like.objectives if LM in one.heads)[:1]
    stream = like.model_copy(update=changed)
    return Stage(
        name=LM_HEAD_STAGE,
        kind=recipe.stages[0].kind,
        steps=fit.steps,
        freeze=_FROZEN,
        optimizer=Optimizer(rate=fit.rate),
        precision=recipe.precision,
        streams=(stream,),
    )


def _measured(recipe: Recipe) -> list[Stream]:
    """The tasks that are put to the LM head, trained or not, as streams of their own."""
    names = [name for name, task in recipe.tasks.items() if task.spec(name).head_name == LM]
    return [Stream(name=name, source=TaskExamples(task=name), amount=Amount(examples=1)) for name in names]


def _public_heads(recipe: Recipe, public: PublicModel | None) -> set[str]:
    heads = public.heads if public else ()
    pairs = {ORDER if spec.name == ORDER else PAIRS for spec in heads if spec.kind == "pair"}
    decoders = {DECODER} if kept_decoder(recipe, public) else set()
    return pairs | decoders | {LM for spec in heads if spec.kind == "mlm"}


def _decoder(recipe: Recipe, public: PublicModel | None) -> HeadDesign:
    """The decoder's sizes: those asked for, or those of the public checkpoint's own, or the usual ones."""
    if recipe.decoder is not None:
        return HeadDesign(depth=recipe.decoder.layers)
    return next((spec.design for spec in (public.heads if public else ()) if spec.kind == "decoder"), ROW)


def _heads(recipe: Recipe, stream: Stream) -> set[str]:
    if isinstance(stream.source, TaskExamples):
        return {recipe.tasks[stream.source.task].spec(stream.source.task).head_name}
    return {head for objective in stream.objectives for head in objective.heads}
