"""What a stage's settings mean for the rate of each parameter group."""

from collections.abc import Iterator, Sequence

from model.groups import ParameterGroup
from pipeline.lineage import conditions_of, head_specs, known_heads
from pipeline.materials import Materials
from pipeline.recipe.stage import Stage
from pipeline.recipe.unfreeze import GradualUnfreezing
from training.rates import LayerRates, gradual, scales_of, sequential


def by_layer(stage: Stage) -> bool:
    """Whether the stage asks anything of single layers."""
    return stage.optimizer.layer_decay is not None or stage.unfreeze is not None


def layer_rates_of(materials: Materials, stage: Stage, groups: Sequence[ParameterGroup]) -> LayerRates | None:
    """What each group of a network that is cut by layer moves at; None where the stage asks nothing of layers."""
    if not by_layer(stage):
        return None
    depths = {group.name: group.depth for group in groups}
    scales = scales_of(depths, stage.optimizer.layer_decay)
    if stage.unfreeze is None:
        return LayerRates(scales)
    if isinstance(stage.unfreeze, GradualUnfreezing):
        return LayerRates(scales, gradual(depths, stage.unfreeze.every))
    known = known_heads(materials.recipe, stage, materials.public)
    before = [group.name for group in groups if group.depth == 0 and group.heads and group.heads & known]
    return LayerRates(scales, sequential(depths, stage.unfreeze.head, stage.unfreeze.encoder, before))


def rate_notes(materials: Materials, stage: Stage) -> list[str]:
    """For whoever reads the plan: what moves at what share of the rate, from which step."""
    told: dict[str, list[str]] = {}
    for name, scale, begins in _moving(materials, stage):
        if begins < stage.steps:
            when = f"from step {begins}" if begins else "at once"
            told.setdefault(f"{scale:.3g} of the rate, {when}", []).append(name)
    return [f"{', '.join(names)}: {words}" for words, names in told.items()]


def still_notes(materials: Materials, stage: Stage) -> list[str]:
    """A line on the layers whose turn does not come before the stage ends."""
    still = [name for name, _, begins in _moving(materials, stage) if begins >= stage.steps]
    return [f"{', '.join(still)}: never moves in {stage.steps} steps (unfreeze)"] if still else []


def _moving(materials: Materials, stage: Stage) -> Iterator[tuple[str, float, int]]:
    """Of each parameter group its name, its share of the rate and the step from which it moves, on a network without
    storage; nothing where the stage asks nothing of layers.
    """
    if not by_layer(stage):
        return
    heads, conditions = head_specs(materials, stage.name), conditions_of(materials, stage.name)
    groups = materials.network(heads, "meta", conditions).groups(by_layer=True)
    rates = layer_rates_of(materials, stage, groups)
    assert rates is not None
    for group in groups:
        yield group.name, rates.scales[group.name], rates.begins.get(group.name, 0)
