"""The recipe's sections on streams: sources, objectives, amounts, weights."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from pipeline.recipe.section import Name, Positive, Section, Share, decided_elsewhere, has_key, tag_of


class PairsOf(Section):
    """Sentence pairs of a corpus."""

    pairs_of: Name = Field(description="The corpus.")
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


def _as_number(value: Any) -> Any:
    """A key of a mapping is text in a recipe."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


class Spans(Section):
    """Lengths of masked n-gram spans, in words: geometric as SpanBERT's, or given shares."""

    geometric: float = Field(
        default=0.2, gt=0.0, lt=1.0, description="p of the geometric law of lengths (Joshi et al. 2020)."
    )
    longest: int = Field(default=10, ge=1, description="Longer ones are drawn again: the law is cut off there.")
    shares: dict[Annotated[Positive, BeforeValidator(_as_number)], Annotated[float, Field(gt=0.0)]] = Field(
        default={}, description="Length to its share, for example {1: 0.4, 2: 0.3, 3: 0.3}, instead of the law."
    )


class MlmSettings(Section):
    """Masked language modelling (Devlin et al. 2019, section 3.1)."""

    rate: float = Field(default=0.15, gt=0.0, le=1.0, description="Share of ordinary tokens predicted.")
    unit: Literal["token", "word", "span", "phrase"] = Field(
        default="token",
        description="What is chosen whole: a token, a word, an n-gram of words, or a phrase of the corpus's lexicon.",
    )
    span: Spans = Field(default=Spans(), description="Lengths, with unit: span.")
    mask: Share = Field(default=0.8, description="Of these, the share replaced by [MASK].")
    random: Share = Field(default=0.1, description="Of these, the share replaced by another token.")

    @model_validator(mode="after")
    def _shares(self) -> "MlmSettings":
        if self.mask + self.random > 1.0 + 1e-9:
            raise ValueError(f"mask ({self.mask}) and random ({self.random}) add up to more than 1")
        return self


class NspSettings(Section):
    """Next-sentence prediction; it has no settings."""


class Mlm(Section):
    """Masked language modelling."""

    mlm: MlmSettings = Field(description="Its settings; {} for the usual ones.")


class Nsp(Section):
    """Next-sentence prediction."""

    nsp: NspSettings = Field(description="Always {}.")


def _full_form(value: Any) -> Any:
    """`mlm` stands for `{mlm: {}}`."""
    if isinstance(value, str):
        return {value: {}}
    if isinstance(value, dict):
        return {key: {} if settings is None else settings for key, settings in value.items()}
    return value


def _which_objective(value: Any) -> str | None:
    if isinstance(value, dict) and len(value) != 1:
        return None
    given = [section for key, section in (("mlm", Mlm), ("nsp", Nsp)) if has_key(value, key)]
    return tag_of(given[0]) if len(given) == 1 else None


Objective = Annotated[
    Annotated[
        Annotated[Mlm, Tag("<Mlm>")] | Annotated[Nsp, Tag("<Nsp>")],
        Discriminator(
            _which_objective,
            custom_error_type="objective",
            custom_error_message="is no objective: allowed are mlm, nsp, or {mlm: {rate: 0.15, ...}}",
        ),
    ],
    BeforeValidator(_full_form, json_schema_input_type=Literal["mlm", "nsp"] | Mlm | Nsp),
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
    def labelled(self) -> bool:
        return isinstance(self.source, TaskExamples)
