"""What must agree between a stage's steps, what stands still in it, and when and how much its layers move."""

from collections.abc import Iterator

from pipeline.recipe.fill import Raw, mapping, texts
from pipeline.recipe.problems import Problem
from pipeline.recipe.walk import all_stages


def check_unfreezing(raw: Raw) -> Iterator[Problem]:
    """Layers that are both frozen and unfrozen, or that would begin to move after the stage's end."""
    for place, stage in all_stages(raw):
        unfreeze, here = mapping(stage.get("unfreeze")), (*place, "unfreeze")
        if unfreeze and "encoder" in texts(stage.get("freeze")):
            yield Problem(here, " does not go with freeze: [encoder], which lets no layer move at any step")
        steps = stage.get("steps")
        for key in ("every", "head", "encoder"):
            begins = unfreeze.get(key)
            if isinstance(begins, int) and isinstance(steps, int) and begins >= steps:
                what = "the embeddings" if key == "encoder" else "no layer of the encoder"
                never = "would never move" if key == "encoder" else "would ever move"
                yield Problem((*here, key), f": given {begins}, and the stage has {steps} steps: {what} {never}")


def check_layer_decay(raw: Raw) -> Iterator[Problem]:
    """Rates of layers that all stand still. The recipe's own decay, which its other stages may use, passes."""
    of_all = mapping(raw.get("optimizer")).get("layer_decay")
    for place, stage in all_stages(raw):
        decay = mapping(stage.get("optimizer")).get("layer_decay")
        if decay not in (None, of_all) and "encoder" in texts(stage.get("freeze")):
            why = " does not go with freeze: [encoder], which lets no layer move; leave one of the two out"
            yield Problem((*place, "optimizer", "layer_decay"), why)
