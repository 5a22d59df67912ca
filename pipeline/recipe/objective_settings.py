"""The settings of the objectives that a recipe can name."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from model.views_head import VIEWS, View
from pipeline.recipe.section import Name, Positive, Section, Share
from pretrain.attending import Attention
from pretrain.causal import Direction
from pretrain.masked_lm import SpanOf, Unit
from pretrain.seq2seq import Where


def _as_number(value: Any) -> Any:
    """A key of a mapping is text in a recipe."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _replaced(section: Any) -> Any:
    """Refuse shares of [MASK] and of random tokens that are more than all of the chosen ones."""
    if section.mask + section.random > 1.0 + 1e-9:
        raise ValueError(f"mask ({section.mask}) and random ({section.random}) add up to more than 1")
    return section


class Spans(Section):
    """Lengths of masked n-gram spans, in words or tokens: geometric as SpanBERT's, or given shares."""

    of: SpanOf = Field(
        default="word", description="What a span is made of: whole words, or tokens as UniLM's (Dong et al. 2019)."
    )
    geometric: float = Field(
        default=0.2, gt=0.0, lt=1.0, description="p of the geometric law of lengths (Joshi et al. 2020)."
    )
    longest: int = Field(default=10, ge=1, description="Longer ones are drawn again: the law is cut off there.")
    shares: dict[Annotated[Positive, BeforeValidator(_as_number)], Annotated[float, Field(gt=0.0)]] = Field(
        default={}, description="Length to its share, for example {1: 0.4, 2: 0.3, 3: 0.3}, instead of the law."
    )


class Masks(Section):
    """Which tokens are predicted, and what stands in their place."""

    rate: float = Field(default=0.15, gt=0.0, le=1.0, description="Share of ordinary tokens predicted.")
    unit: Unit = Field(
        default="token",
        description="What is chosen whole: a token, a word, an n-gram of words, or a phrase of the corpus's lexicon.",
    )
    span: Spans = Field(default=Spans(), description="Lengths, with unit: span.")
    mask: Share = Field(default=0.8, description="Of these, the share replaced by [MASK].")
    random: Share = Field(default=0.1, description="Of these, the share replaced by another token.")

    @property
    def told_unit(self) -> Unit:
        """The unit that the source must tell: none, which is the token, where spans are made of tokens."""
        return "token" if self.unit == "span" and self.span.of == "token" else self.unit

    _shares = model_validator(mode="after")(_replaced)


class MlmSettings(Masks):
    """Masked language modelling (Devlin et al. 2019, section 3.1)."""

    attention: Attention = Field(
        default="both",
        description="What a token sees: the text on both sides, what is left or right of it, or, of pairs, the first "
        "sentence and what is left of it (prefix; Dong et al. 2019, section 2.3).",
    )


class NspSettings(Section):
    """Next-sentence prediction; it has no settings."""


class SopSettings(Section):
    """Sentence-order prediction (Lan et al. 2020, section 3.1); it has no settings."""


class CausalSettings(Section):
    """Language modelling in one direction (Radford et al. 2018, section 3.1; Peters et al. 2018, section 3.1)."""

    direction: Direction = Field(
        default="left",
        description="The side that is seen: left (the next token is predicted), right (the previous one), or one of "
        "both by a coin for each sequence.",
    )


class ViewConsistencySettings(Section):
    """Cross-view training (Clark et al. 2018, section 2): restricted views follow the task's answer to the full one."""

    task: Name = Field(description="The task, which the same stage trains on its labels.")
    views: tuple[View, ...] = Field(
        strict=False,
        default=VIEWS,
        min_length=1,
        description="What they see: what is left or right of a row, or near it.",
    )
    window: Positive = Field(default=3, description="Tokens on each side that the view `near` sees in one block.")

    @model_validator(mode="after")
    def _each_once(self) -> "ViewConsistencySettings":
        if len(set(self.views)) < len(self.views):
            raise ValueError(f"views: one is listed twice: {', '.join(self.views)}")
        if "near" not in self.views and self.window != type(self).model_fields["window"].default:
            given = ", ".join(self.views)
            raise ValueError(f"window: {self.window} given, which the view 'near' alone has, and views are {given}")
        return self


class Teacher(Section):
    """Whose answers are learnt."""

    stage: Name | None = Field(default=None, description="An earlier stage of this recipe, by the weights it hands on.")
    model: str | None = Field(default=None, description="Or the folder of an exported model, or of a finished run.")
    task: Name | None = Field(
        default=None,
        description="The task of the teacher's that answers, with the same labels; null: the student's own.",
    )

    @model_validator(mode="after")
    def _one_place(self) -> "Teacher":
        if (self.stage is None) == (self.model is None):
            raise ValueError("give exactly one of 'stage' and 'model'")
        return self


def _listed(value: Any) -> Any:
    """A path stands for the model there, and one teacher for a list of one."""
    given = value if isinstance(value, list | tuple) else [value]
    return tuple({"model": one} if isinstance(one, str) else one for one in given)


class DistillSettings(Section):
    """Learning a task from the softened answers of teachers on its text (Hinton et al. 2015, section 2)."""

    task: Name = Field(description="The task whose head learns, on its own text: source: {text_of: [it]}.")
    teacher: Annotated[
        tuple[Teacher, ...],
        Field(min_length=1),
        BeforeValidator(_listed, json_schema_input_type=str | Teacher | tuple[str | Teacher, ...]),
    ] = Field(
        description="{stage: NAME, task: NAME}, an earlier stage that answers a task with the same labels; {model: "
        "FOLDER} or FOLDER, an exported model or a finished run; of several, their mean is learnt."
    )
    temperature: float = Field(default=2.0, gt=0.0, description="T of both softmaxes; 1 for the plain shares.")


class MassSettings(Section):
    """Masked sequence to sequence: a decoder writes a span that the encoder is not shown (Song et al. 2019)."""

    share: float = Field(default=0.5, gt=0.0, le=1.0, description="Share of ordinary tokens that make the span.")
    mask: Share = Field(default=0.8, description="Of these, the share replaced by [MASK] in the encoder.")
    random: Share = Field(default=0.1, description="Of these, the share replaced by another token.")

    _shares = model_validator(mode="after")(_replaced)


class Seq2seqSettings(Masks):
    """Sequence to sequence as a cloze, the first sentence being the source (Dong et al. 2019, section 2.3)."""

    where: Where = Field(
        default="both",
        description="Where masks may stand: in both sentences, or in the second and the [SEP] at its end (target; "
        "usually with rate 0.7).",
    )
