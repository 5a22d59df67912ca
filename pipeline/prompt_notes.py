"""What whoever reads the plan should know of tasks that a left-to-right language model goes on with."""

from finetune.tasks.spec import TaskSpec
from model.heads import LM
from pipeline.lineage import ancestry, own_tasks, trained_heads
from pipeline.lm_ways import Way, brought_ways
from pipeline.materials import Materials
from pipeline.recipe.objective_settings import CausalSettings, MlmSettings
from pipeline.recipe.stage import Stage

_TO_THE_RIGHT: frozenset[Way] = frozenset({"left", "masked-left"})


def prompt_notes(materials: Materials, stage: Stage) -> list[str]:
    """A line for each task that a stage trains or measures on a language model that nobody trained left to right."""
    recipe = materials.recipe
    if _goes_left_to_right(materials, stage) or LM not in trained_heads(recipe, stage.name, materials.public):
        return []
    asked = {name: what for name in recipe.tasks if (what := _asked(materials.task(name)))}
    own = own_tasks(recipe, stage)
    why = "no stage up to here trains the language model from left to right (objective causal)"
    return [f"{name}: {what}, and {why}: {_worth(name in own)}" for name, what in asked.items()]


def _asked(spec: TaskSpec) -> str:
    """What is gone on with, if anything is."""
    return "a prompt" if spec.prompt else "a source that is gone on with (by: left)" if spec.goes_on else ""


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
