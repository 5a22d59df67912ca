"""How held-out text is asked of an LM head: the way it was trained, so that a loss says what was learned."""

from collections.abc import Collection, Iterable
from typing import Literal, get_args

from model.heads import LM
from model.public import PublicModel
from pipeline.lineage import ancestry
from pipeline.recipe.given_objective import GivenObjective
from pipeline.recipe.objective_settings import CausalSettings, MlmSettings, Seq2seqSettings
from pipeline.recipe.objectives import Inputs, masked_lm
from pipeline.recipe.recipe import Recipe
from pretrain.attending import Attention
from pretrain.causal import CausalLM
from pretrain.masked_lm import MaskedLM

Way = Literal["masked", "left", "right", "masked-left", "masked-right"]
WAYS: tuple[Way, ...] = get_args(Way)
MASKED: Way = "masked"
_SIGHTS: dict[Way, Attention] = {"masked": "both", "masked-left": "left", "masked-right": "right"}
# Of a single text, which has no source, a prefix leaves what is left of a token.
_MASKED: dict[Attention, Way] = {
    "both": "masked",
    "left": "masked-left",
    "prefix": "masked-left",
    "right": "masked-right",
}


def lm_ways(recipe: Recipe, stage: str, public: PublicModel | None) -> tuple[Way, ...]:
    """All ways in which a stage's LM head was trained on text, the run before included; by the first it is known."""
    objectives = (given for s in ancestry(recipe, stage) for stream in s.streams for given in stream.objectives)
    trained = {way for given in objectives if LM in given.heads for way in _ways(given)}
    return _in_order(trained.union(brought_ways(public)))


def brought_ways(public: PublicModel | None) -> tuple[Way, ...]:
    """Those of the LM head that a checkpoint brings: what its card says, or masked, as BERT's."""
    if public is None or not any(spec.kind == "mlm" for spec in public.heads):
        return ()
    return _in_order(public.lm_ways) or (MASKED,)


def held_out_objective(way: Way, rate: float, inputs: Inputs) -> MaskedLM | CausalLM:
    """Single tokens at the rate, or each token of a direction, whatever the settings of the training."""
    if way == "left" or way == "right":
        return CausalLM(way)
    return masked_lm(MlmSettings(rate=rate), inputs, _SIGHTS[way])


def _in_order(names: Collection[str]) -> tuple[Way, ...]:
    return tuple(way for way in WAYS if way in names)


def _ways(given: GivenObjective) -> Iterable[Way]:
    settings = given.settings
    if isinstance(settings, CausalSettings):
        return ("left", "right") if settings.direction == "both" else (settings.direction,)
    if isinstance(settings, Seq2seqSettings):
        return ("masked-left",)
    return (_MASKED[getattr(settings, "attention", "both")],)
