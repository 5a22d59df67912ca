"""What a stage cannot do with its encoder, teachers and heads: refused before any text is read or tokenised."""

from collections.abc import Iterator

from pipeline.lineage import LM, TEXT_HEADS, is_inserted, own_tasks, trained_heads
from pipeline.materials import Materials
from pipeline.measure import measured_tasks
from pipeline.recipe.checks_views import gives_pairs
from pipeline.recipe.recipe import LM_HEAD_STAGE, FreshEncoder, Recipe
from pipeline.recipe.stage import Stage
from pipeline.recipe.stream import BlocksOf, PairsOf, Stream, TaskExamples, TextOf
from pipeline.stored_vectors import refuse_shifted
from pipeline.teaching import lessons, refuse_untaught
from pretrain.mass import MaskedSpan
from tokenization.errors import RecipeError


def refuse_ahead(materials: Materials, stage: Stage) -> None:
    """Refuse all that the recipe and the checkpoint alone tell. Makes nothing.

    Raises:
        RecipeError: with each problem.
    """
    refuse_untaught(materials, stage)
    refuse_shifted(materials, stage)
    problems = [
        *_taken_names(materials.recipe),
        *_reserved_name(materials.recipe, stage),
        *_cut_in_two(materials.recipe, stage),
        *_too_long(materials, stage),
        *_unwritable(materials, stage),
    ]
    if problems:
        raise RecipeError("\n".join(dict.fromkeys(problems)))


def lengths_of(recipe: Recipe, stage: Stage, stream: Stream) -> dict[str, int]:
    """The lengths in tokens that a stream's sequences may reach, by the setting that says so."""
    source = stream.source
    if isinstance(source, PairsOf | BlocksOf):
        return {f"stages[{stage.name}].streams[{stream.name}].source.length": source.length}
    names = (source.task,) if isinstance(source, TaskExamples) else source.text_of
    if isinstance(source, TaskExamples) and recipe.tasks[source.task].spec(source.task).is_glued:
        longest = 2 * recipe.tasks[source.task].length - 1  # the target has no [CLS] of its own
        return {f"tasks.{source.task}.length, of source and target in one sequence": longest}
    return {f"tasks.{name}.length": recipe.tasks[name].length for name in names}


def _taken_names(recipe: Recipe) -> Iterator[str]:
    for name in recipe.tasks:
        if name in TEXT_HEADS:
            yield f"tasks.{name}: this name is taken by the head of that objective; choose another"


def _reserved_name(recipe: Recipe, stage: Stage) -> Iterator[str]:
    """That of the stage which a run puts in front, on a stage that is none."""
    if stage.name == LM_HEAD_STAGE and not is_inserted(recipe, stage):
        yield (
            f"stages[{stage.name}].name: '{stage.name}' is the stage that `run` itself puts in front where "
            "encoder.from brings no LM head (see lm_head_fit); choose another name"
        )


def _cut_in_two(recipe: Recipe, stage: Stage) -> Iterator[str]:
    """Texts of tasks of which MASS is asked, whose sequences hold two."""
    for stream in stage.streams:
        source, asked = stream.source, any(objective.name == MaskedSpan.name for objective in stream.objectives)
        for name in source.text_of if asked and isinstance(source, TextOf) else ():
            if gives_pairs(recipe.tasks[name].spec(name)):
                yield (
                    f"stages[{stage.name}].streams[{stream.name}].source.text_of: a sequence of {name} holds two "
                    f"texts, and '{MaskedSpan.name}' cuts a span out of one stretch; give tasks of one text"
                )


def _too_long(materials: Materials, stage: Stage) -> Iterator[str]:
    """Lengths of what the stage reads, of what is measured at its end, and of what its teachers are asked."""
    recipe, positions = materials.recipe, _positions(materials)
    read = {where: length for stream in stage.streams for where, length in lengths_of(recipe, stage, stream).items()}
    taught = [
        teacher.task or lesson.settings.task
        for lesson in lessons(stage)
        for teacher in lesson.settings.teacher
        if teacher.stage is not None  # an exported model has an encoder and lengths of its own
    ]
    measured = measured_tasks(materials, trained_heads(recipe, stage.name, materials.public))
    asked = {f"tasks.{name}.length": recipe.tasks[name].length for name in (*measured, *taught)}
    for where, length in {**read, **asked}.items():
        if length > positions:
            more = f"{length} tokens are more than the encoder's {positions} positions"
            yield f"{where}: {more}; set a length it can hold"


def _unwritable(materials: Materials, stage: Stage) -> Iterator[str]:
    """Texts that the LM head is to write, untrained, behind sources that leave too few positions."""
    recipe, positions = materials.recipe, _positions(materials)
    measured = LM in trained_heads(recipe, stage.name, materials.public)
    for name, task in recipe.tasks.items() if measured else ():
        spec, length = task.spec(name), task.length
        longest = min(spec.longest, length - 2)
        if spec.is_glued and name not in own_tasks(recipe, stage) and length + longest + 1 > positions:
            yield (
                f"tasks.{name}: a source of {length} tokens (length), {longest} tokens behind it (longest) and their "
                f"end are more than the encoder's {positions} positions; lower one of the two"
            )


def _positions(materials: Materials) -> int:
    """The encoder's, without its vocabulary, which may still have to be made."""
    given = materials.recipe.encoder
    if isinstance(given, FreshEncoder):
        return given.positions
    assert materials.public is not None
    return materials.public.config.positions
