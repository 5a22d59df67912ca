"""What contradicts itself in how a task's head reads the encoder, and in which tokens see which."""

from collections.abc import Iterator
from typing import get_args

from finetune.tasks.spec import ATTENTIONS, TaskSpec
from model.design import ROW
from model.kinds import KindName
from tokenization.errors import did_you_mean

_OF_A_TEXT = ("classification", "multilabel", "regression", "ranking", "choice")
_KINDS_OF_POOL: dict[str, tuple[str, ...]] = {
    "concat": _OF_A_TEXT,
    "attention": _OF_A_TEXT,
    "san": _OF_A_TEXT,
    "siamese": ("classification", "regression"),
    "lstm": (*_OF_A_TEXT, "tagging"),
}
_GIVES = {"siamese": "one answer for two texts", "lstm": "an answer for a text or for each of its words"}


def of_head(spec: TaskSpec) -> list[str]:
    """What a head cannot read, a line each."""
    if spec.head:
        return list(_of_another_head(spec))
    return [*_of_pool(spec), *_of_attention(spec)]


def _of_another_head(spec: TaskSpec) -> Iterator[str]:
    if spec.design != ROW:
        yield f"head: the task is answered by the head of {spec.head}; say there how it reads"


def _of_pool(spec: TaskSpec) -> Iterator[str]:
    pool, design = spec.design.pool, spec.design
    kinds = _KINDS_OF_POOL.get(pool)
    if kinds is not None and spec.kind not in kinds:
        why = _GIVES.get(pool, "one answer for a whole text")
        yield f"head.pool: {pool!r} gives {why}, which {spec.kind} does not ask for; it goes with {', '.join(kinds)}"
    elif pool in ("san", "siamese") and len(spec.fields) < 2:
        reads = "reads a text in the light of another" if pool == "san" else "compares two texts"
        yield f"head.pool: {pool!r} {reads}, and `fields` names one; use concat or attention, or leave it out"
    if pool == "siamese" and design.layers != ROW.layers:
        yield f"head.layers: {design.layers!r} given; siamese reads the last layer, whose means are what is stored"
    if pool != "san" and design.steps != ROW.steps:
        yield f"head.steps: useless for {pool!r}; only san takes turns"
    if pool != "lstm" and design.width != ROW.width:
        yield f"head.width: useless for {pool!r}; only lstm has units of its own"
    if design.mix_at != ROW.mix_at and (pool, design.layers) != ("lstm", "mix"):
        yield f"head.mix_at: {design.mix_at!r} given; only with pool: lstm and layers: mix is there more than one place"


def _of_attention(spec: TaskSpec) -> Iterator[str]:
    given = spec.attention
    if given not in ATTENTIONS:
        near = did_you_mean(given, ATTENTIONS)
        needs = " (prefix and window need a length, which a task has none of)" if given in get_args(KindName) else ""
        yield f"attention: {given!r} given; allowed: {', '.join(ATTENTIONS)}{near}{needs}"
    elif spec.goes_on and given == "both":
        yield "attention: 'both' given; by: left goes on with a text that is read from left to right; leave it out"
    elif given != "both":
        if spec.kind == "span":
            yield f"attention: {given!r} given; tokens of a span are compared, so each must have seen the whole text"
        if spec.kind == "generation" and not (spec.goes_on and given == "left"):
            yield f"attention: {given!r} given; what writes a text sees what it needs; leave it out"
        if given == "apart" and spec.design.pool != "lstm":
            yield (
                "attention: 'apart' given; each token then has two rows, one of each direction, and only "
                f"head: {{pool: lstm}} reads them side by side; give that, or {', '.join(ATTENTIONS[:-1])} here"
            )
        elif spec.design.pool == "siamese":
            yield f"attention: {given!r} given; siamese takes the mean of all tokens, and few would have seen the text"
