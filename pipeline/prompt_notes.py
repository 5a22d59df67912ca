"""What whoever plans or starts a stage should know of tasks that are asked of a language model trained otherwise."""

from collections.abc import Collection

from finetune.tasks.spec import TaskSpec
from model.heads import LM
from pipeline.lineage import ancestry, own_tasks, trained_heads
from pipeline.lm_ways import MASKED, Way, brought_ways, lm_ways
from pipeline.materials import Materials
from pipeline.recipe.objective_settings import CausalSettings, MlmSettings
from pipeline.recipe.stage import Stage

_TO_THE_RIGHT: frozenset[Way] = frozenset({"left", "masked-left"})


def prompt_notes(materials: Materials, stage: Stage) -> list[str]:
    """A line for each task that a stage trains or measures on a language model that nobody trained as it is asked."""
    recipe = materials.recipe
    if LM not in trained_heads(recipe, stage.name, materials.public):
        return []
    goes_on, ways = _goes_left_to_right(materials, stage), lm_ways(recipe, stage.name, materials.public)
    asked = {name: what for name in recipe.tasks if (what := _asked(materials.task(name), goes_on, ways))}
    own = own_tasks(recipe, stage)
    return [f"{name}: {what}: {_worth(name in own)}" for name, what in asked.items()]


def _asked(spec: TaskSpec, goes_on: bool, ways: Collection[Way]) -> str:
    """What is asked for that nothing has taught, if anything is.

    Args:
        goes_on: whether the model was trained from left to right.
        ways: how its head was trained.
    """
    untrained = "and no stage up to here trains the language model"
    if (spec.prompt or spec.goes_on) and not goes_on:
        what = "a prompt" if spec.prompt else "a source that is gone on with (by: left)"
        return f"{what}, {untrained} from left to right (objective causal)"
    if spec.cloze and MASKED not in ways:
        return f"a cloze, {untrained} to fill gaps from both sides (objective mlm)"
    return ""


def _worth(trained: bool) -> str:
    return "only its own examples teach it" if trained else "its scores mean little"


def _goes_left_to_right(materials: Materials, stage: Stage) -> bool:
    """Whether a stage on the way trained more than a head so, which under a frozen encoder is all that learns."""
    if not _TO_THE_RIGHT.isdisjoint(brought_ways(materials.public)):
        return True
    settings = [
        given.settings
        for s in ancestry(materials.recipe, stage.name)
        if "encoder" not in s.freeze
        for stream in s.streams
        for given in stream.objectives
    ]
    return any(
        (isinstance(one, CausalSettings) and one.direction != "right")
        or (isinstance(one, MlmSettings) and one.attention == "left")
        for one in settings
    )
