"""The recipe's sections on streams: sources, objectives, amounts, weights."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from pipeline.recipe.given_objective import Objective
from pipeline.recipe.section import Name, Positive, Section, decided_elsewhere, has_key, tag_of


class PairsOf(Section):
    """Sentence pairs of a corpus."""

    pairs_of: Name = Field(description="The corpus; its second sentences follow the first, unless nsp or sop asks.")
    length: int = Field(default=128, ge=8, description="Longest sequence in tokens, special tokens included.")


class BlocksOf(Section):
    """Running text of a corpus."""

    blocks_of: Name = Field(description="The corpus.")
    length: int = Field(default=128, ge=8, description="Longest sequence in tokens, special tokens included.")


class TaskExamples(Section):
    """A task's labelled examples."""

    task: Name = Field(description="The task; its kind decides the objective.")


class TextOf(Section):
    """The text of tasks without its labels, for the auxiliary LM."""

    text_of: tuple[Name, ...] = Field(min_length=1, description="The tasks.")
    split: Name = Field(default="train", description="Which of their splits: train, or one of unlabelled rows.")


_SOURCES: dict[str, type[Section]] = {
    "pairs_of": PairsOf,
    "blocks_of": BlocksOf,
    "task": TaskExamples,
    "text_of": TextOf,
}


def _which_source(value: Any) -> str | None:
    given = [key for key in _SOURCES if has_key(value, key)]
    return tag_of(_SOURCES[given[0]]) if len(given) == 1 else None


Source = Annotated[
    Annotated[PairsOf, Tag("<PairsOf>")]
    | Annotated[BlocksOf, Tag("<BlocksOf>")]
    | Annotated[TaskExamples, Tag("<TaskExamples>")]
    | Annotated[TextOf, Tag("<TextOf>")],
    Discriminator(
        _which_source,
        custom_error_type="source",
        custom_error_message="needs exactly one of 'pairs_of', 'blocks_of', 'task', 'text_of'",
    ),
]


class Amount(Section):
    """How much of a stream goes into one optimizer step: exactly one of `tokens` and `examples`."""

    tokens: Positive | None = Field(default=None, description="About so many tokens, as whole items.")
    examples: Positive | None = Field(default=None, description="So many items.")

    @model_validator(mode="after")
    def _one_unit(self) -> "Amount":
        if (self.tokens is None) == (self.examples is None):
            raise ValueError("give exactly one of 'tokens' and 'examples'")
        return self


class WeightSchedule(Section):
    """A weight that moves over the stage from `start` to `end`."""

    kind: Literal["linear", "exponential"] = Field(description="The curve between the two.")
    start: float = Field(ge=0.0, description="Weight at the first step.")
    end: float = Field(ge=0.0, description="Weight at the last step.")

    @model_validator(mode="after")
    def _positive(self) -> "WeightSchedule":
        if self.kind == "exponential" and min(self.start, self.end) == 0.0:
            raise ValueError("an exponential weight never reaches 0: 'start' and 'end' must be above it")
        return self


def _which_weight(value: Any) -> str:
    return tag_of(WeightSchedule) if isinstance(value, dict | WeightSchedule) else "<number>"


Weight = Annotated[
    Annotated[Annotated[float, Field(ge=0.0)], Tag("<number>")] | Annotated[WeightSchedule, Tag("<WeightSchedule>")],
    Discriminator(_which_weight),
]


class Stream(Section):
    """Where sequences come from, what is asked of them, and how much of them a step takes."""

    name: Name = Field(
        default="",
        json_schema_extra=decided_elsewhere,
        description="Unique in the stage; default: from the source, such as `wiki-pairs` or `rte`.",
    )
    source: Source = Field(description="Exactly one of pairs_of, blocks_of, task, text_of.")
    objectives: tuple[Objective, ...] = Field(
        default=(), description="What is asked of the text; left out for a task, whose kind decides."
    )
    amount: Amount = Field(description="What one optimizer step takes: {tokens: N} or {examples: N}.")
    weight: Weight | None = Field(
        default=None,
        description="Weight in the loss: a number, or {kind, start, end}; null: a labelled stream's share of "
        "the step's labelled examples, 1 for unlabelled ones.",
    )

    @property
    def teachers(self) -> tuple[str, ...]:
        """The stages from whose answers it learns."""
        told = (getattr(given.settings, "teacher", ()) for given in self.objectives)
        return tuple(teacher.stage for teachers in told for teacher in teachers if teacher.stage is not None)

    @property
    def labelled(self) -> bool:
        return isinstance(self.source, TaskExamples)
