"""What whoever plans or starts a stage should know of it and would not see in its numbers."""

from collections.abc import Iterator

from pipeline.compose import text_notes
from pipeline.layer_rates import still_notes
from pipeline.lineage import ancestry
from pipeline.materials import Materials
from pipeline.prompt_notes import prompt_notes
from pipeline.recipe.stage import Stage
from training.mixture import Mixture


def stage_notes(materials: Materials, stage: Stage, opened: Mixture) -> list[str]:
    """A line each: of its text, of what a step repeats, and what the recipe alone tells."""
    return [*text_notes(materials, stage, opened), *_repeats(opened), *recipe_notes(materials, stage)]


def recipe_notes(materials: Materials, stage: Stage) -> list[str]:
    """What the recipe alone tells: of turns that none takes, an encoder frozen untrained, layers that never move, and a
    language model that is asked otherwise than it was trained.
    """
    known = [*_alone(stage), *frozen_notes(materials, stage), *still_notes(materials, stage)]
    return [*known, *prompt_notes(materials, stage)]


def frozen_notes(materials: Materials, stage: Stage) -> list[str]:
    """A line where a stage freezes an encoder that nothing has trained; the recipe alone tells."""
    trained = materials.public or any("encoder" not in one.freeze for one in ancestry(materials.recipe, stage.name))
    if trained:
        return []
    return [
        "freeze: [encoder]: nothing has trained this encoder, so that its weights are as random as they began; train "
        "it in an earlier stage, or give encoder.from"
    ]


def _alone(stage: Stage) -> Iterator[str]:
    labelled = [stream.name for stream in stage.streams if stream.labelled]
    if stage.sampling == "alternate" and len(labelled) == 1:
        yield f"sampling: alternate: {labelled[0]} alone has a task, so that each step draws it, as with every"


def _repeats(opened: Mixture) -> Iterator[str]:
    for stream in opened.streams:
        if stream.items > stream.source.size:
            yield (
                f"{stream.name}: a step takes {stream.items:,} items, and there are {stream.source.size:,}: each step "
                "reads some of them more than once; a smaller amount would do"
            )
