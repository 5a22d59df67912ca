"""What a recipe describes and no stage has a use for: told by `plan`, since otherwise it is ignored without a word."""

from collections.abc import Iterator

from finetune.tasks.suites import SUITES
from pipeline.lineage import trained_heads
from pipeline.lm_ways import brought_ways
from pipeline.materials import Materials
from pipeline.measure import measured_tasks
from pipeline.recipe.recipe import LM_HEAD_STAGE, LmHeadFit
from pipeline.recipe.stream import TaskExamples, TextOf
from pipeline.recipe.text import Corpus
from pipeline.teaching import lessons


def unused_notes(materials: Materials) -> list[str]:
    """A line on each task, each further split to score, and the fitting of an LM head that nothing takes up."""
    return [*_tasks(materials), *_splits(materials), *_fit(materials)]


def _tasks(materials: Materials) -> Iterator[str]:
    used = _read(materials)
    for name in materials.recipe.tasks:
        if name not in used and materials.task(name).head_name not in _heads(materials):
            yield f"tasks.{name}: not used: no stage draws it, and {_unanswered(materials, name)}"


def _splits(materials: Materials) -> Iterator[str]:
    recipe, heads = materials.recipe, _heads(materials)
    measured = measured_tasks(materials, heads)
    for name, splits in recipe.evaluation.more.items():
        if name not in measured:
            why = f"{name} has no split '{recipe.evaluation.split}' with labels to score first"
            why = why if materials.task(name).head_name in heads else _unanswered(materials, name)
            yield f"evaluation.more.{name}: {', '.join(splits)} not scored: {why}"


def _fit(materials: Materials) -> Iterator[str]:
    recipe = materials.recipe
    given = recipe.lm_head_fit not in (None, LmHeadFit())
    if given and LM_HEAD_STAGE not in {stage.name for stage in recipe.stages}:
        brings = brought_ways(materials.public)
        why = "encoder.from brings an LM head" if brings else "nothing is asked of an LM head"
        yield f"lm_head_fit: not used: {why}"


def _unanswered(materials: Materials, name: str) -> str:
    return f"no stage trains the head that answers it ({materials.task(name).head_name})"


def _heads(materials: Materials) -> set[str]:
    """All that are trained in some stage, or brought by the checkpoint."""
    recipe = materials.recipe
    return {head for stage in recipe.stages for head in trained_heads(recipe, stage.name, materials.public)}


def _read(materials: Materials) -> set[str]:
    """The tasks that a stage draws, whose text one reads or by which a teacher is asked, and those kept out of text."""
    recipe = materials.recipe
    found = {name for corpus in recipe.corpora.values() for name in _kept_out(corpus)}
    for stage in recipe.stages:
        sources = [stream.source for stream in stage.streams]
        found |= {source.task for source in sources if isinstance(source, TaskExamples)}
        found |= {name for source in sources if isinstance(source, TextOf) for name in source.text_of}
        asked = (one for lesson in lessons(stage) for one in lesson.settings.teacher)
        found |= {one.task for one in asked if one.stage and one.task}
    return found


def _kept_out(corpus: Corpus) -> Iterator[str]:
    settings = corpus.clean.decontaminate
    for name in settings.suites if settings else ():
        yield from (task.name for task in SUITES[name].tasks) if name in SUITES else (name,)
