"""The recipe's sections on training: optimizer, schedule, precision, stage."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from pipeline.recipe.section import Name, Positive, Section, Share, decided_elsewhere, tag_of
from pipeline.recipe.stream import Stream
from pipeline.recipe.unfreeze import Unfreezing


class Optimizer(Section):
    """AdamW with decoupled decay on matrices only, and clipping of the step's gradient."""

    name: Literal["adamw"] = Field(default="adamw", description="The method.")
    rate: float = Field(default=5e-4, gt=0.0, description="Highest learning rate.")
    betas: tuple[Annotated[float, Field(ge=0.0, lt=1.0)], Annotated[float, Field(ge=0.0, lt=1.0)]] = Field(
        default=(0.9, 0.98), description="Decay of the first and the second moment."
    )
    epsilon: float = Field(default=1e-6, gt=0.0, description="Added to the root of the second moment.")
    weight_decay: float = Field(default=0.01, ge=0.0, description="Decay of matrices; none on vectors.")
    clip: Annotated[float, Field(gt=0.0)] | None = Field(
        default=1.0, description="Largest global gradient norm; null: no clipping."
    )
    layer_decay: Annotated[float, Field(gt=1.0)] | None = Field(
        default=None,
        description="Each lower layer's rate is that of the one above divided by this, the heads' being the rate "
        "itself (Howard, Ruder 2018, section 3.1: 2.6); null: all at the rate.",
    )


_WARMUP = "Share of the stage's steps over which the rate rises to its height."
_FLOOR = "Where the decay ends, as a share of the rate."


class ConstantSchedule(Section):
    """The rate stays at its height."""

    kind: Literal["constant"] = Field(description="The curve.")
    warmup: Share = Field(default=0.1, description=_WARMUP)


class DecaySchedule(Section):
    """The rate falls to `floor` at the last step."""

    kind: Literal["linear", "cosine"] = Field(default="linear", description="The curve.")
    warmup: Share = Field(default=0.1, description=_WARMUP)
    floor: Share = Field(default=0.0, description=_FLOOR)


class SlantedSchedule(Section):
    """Slanted triangular (Howard, Ruder 2018, section 3.2)."""

    kind: Literal["slanted"] = Field(description="The curve.")
    cut_fraction: float = Field(default=0.1, gt=0.0, lt=1.0, description="Share of steps that rise.")
    ratio: float = Field(default=32.0, ge=1.0, description="How much smaller the lowest rate is.")


def schedule_section(kind: Any) -> type[Section]:
    """The section of a kind of schedule; an unknown kind goes to the decaying ones, which then refuse it."""
    sections: dict[str, type[Section]] = {"constant": ConstantSchedule, "slanted": SlantedSchedule}
    return sections.get(str(kind), DecaySchedule)


def _which_schedule(value: Any) -> str:
    kind = value.get("kind", "linear") if isinstance(value, dict) else getattr(value, "kind", "linear")
    return tag_of(schedule_section(kind))


Schedule = Annotated[
    Annotated[ConstantSchedule, Tag("<ConstantSchedule>")]
    | Annotated[DecaySchedule, Tag("<DecaySchedule>")]
    | Annotated[SlantedSchedule, Tag("<SlantedSchedule>")],
    Discriminator(_which_schedule),
]


def _no_fp16(value: Any) -> Any:
    if value == "fp16":
        raise ValueError(
            "fp16 is not offered: fp32 weights under bf16 autocast need no loss scaling, whose skipped steps "
            "would make the steps depend on the hardware; allowed: 'fp32', 'bf16'"
        )
    return value


Precision = Annotated[Literal["fp32", "bf16"], BeforeValidator(_no_fp16)]


class Evaluate(Section):
    """Evaluation during a stage, on top of the one at its end."""

    every: Positive = Field(description="Optimizer steps between evaluations.")
    patience: Positive | None = Field(
        default=None,
        description="Stop the stage after so many evaluations without a better joint metric; null: never.",
    )


class Stage(Section):
    """One stage: a list of streams trained together from a parent's weights."""

    name: Name = Field(description="Unique in the recipe; the stage's folder.")
    kind: Literal["pretrain", "adapt", "finetune"] = Field(
        description="A label: which of `python -m pretrain|finetune` runs it, and what plan prints."
    )
    steps: Positive = Field(description="Optimizer steps.")
    seed: Annotated[int, Field(ge=0)] | None = Field(default=None, description="Of this stage; null: the recipe's.")
    parent: Name | None = Field(
        default=None,
        json_schema_extra=decided_elsewhere,
        description="The earlier stage whose weights it starts from; left out: the previous stage; null: a "
        "fresh start from `encoder`.",
    )
    carry: Literal["last", "best"] = Field(
        default="last",
        json_schema_extra=decided_elsewhere,
        description="Which of its weights later stages take; left out: best for an evaluated finetune stage "
        "with a labelled stream, else last.",
    )
    sampling: Literal["every", "alternate"] = Field(
        default="every",
        description="every: all streams in each step; alternate: of the labelled streams one per step, in "
        "proportion to their examples (Liu et al. 2019, MT-DNN), beside all unlabelled ones.",
    )
    freeze: tuple[Literal["encoder", "pooler"], ...] = Field(
        default=(), description="Parameter groups that stand still."
    )
    stored: bool = Field(
        default=False,
        description="With a frozen encoder: its rows are computed once, without dropout, kept on the disk and read "
        "from there in every epoch and by every later run.",
    )
    unfreeze: Unfreezing | None = Field(
        default=None, description="Layers that begin to move one after the other; null: all from the first step."
    )
    optimizer: Optimizer = Field(
        default=Optimizer(),
        json_schema_extra=decided_elsewhere,
        description="Single keys that differ from the recipe's optimizer.",
    )
    schedule: Schedule = Field(
        default=DecaySchedule(),
        json_schema_extra=decided_elsewhere,
        description="Single keys that differ from the recipe's schedule.",
    )
    precision: Precision = Field(
        default="fp32", json_schema_extra=decided_elsewhere, description="Left out: the recipe's precision."
    )
    streams: tuple[Stream, ...] = Field(min_length=1, description="What a step is made of.")
    evaluate: Evaluate | None = Field(default=None, description="null: only at the stage's end.")

    @property
    def reads(self) -> tuple[str, ...]:
        """The stages whose weights it reads: its parent's, and its teachers'."""
        teachers = (name for stream in self.streams for name in stream.teachers)
        return tuple(dict.fromkeys([*([self.parent] if self.parent is not None else []), *teachers]))
