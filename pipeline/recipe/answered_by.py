"""The recipe's sections on what answers a task: a head of its own, or a language model that is asked in words."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from model.design import Layers, Pool
from pipeline.recipe.section import Positive, Section


class HeadSettings(Section):
    """How the task's head reads the encoder."""

    pool: Pool = Field(
        default="row",
        description="row: one row, as BERT; concat: first row, maximum and mean (ULMFiT); attention: a learned mean; "
        "san: the stochastic answer network (MT-DNN); siamese: both texts alone; lstm: an LSTM over the rows.",
    )
    layers: Layers = Field(
        default="last", description="last; mix: a learned mean of all (ELMo); beside_words: behind the words (CoVe)."
    )
    mix_at: Literal["input", "output", "both"] = Field(
        default="input", description="With layers: mix and pool: lstm, where the mean is read."
    )
    width: Positive = Field(default=128, description="Units of the LSTM in each direction.")
    steps: Positive = Field(default=5, description="Turns of the answer network.")


def _short_head(value: Any) -> Any:
    """`san` stands for `{pool: san}`."""
    return {"pool": value} if isinstance(value, str) else value


Head = Annotated[HeadSettings, BeforeValidator(_short_head, json_schema_input_type=Pool | HeadSettings)]


class ClozeSettings(Section):
    """A pattern with a gap, which the masked language model fills with a class's words (PET)."""

    pattern: str = Field(
        description="A text with the task's fields in braces and {mask} once, as '{sentence} It was {mask}.'; a | is "
        "where segment 1 begins."
    )
    words: dict[str, str] = Field(
        min_length=1,
        description="Label to what fills the gap, of any length, as {negative: terrible, positive: great}.",
    )


class PromptSettings(Section):
    """A text that a left-to-right language model goes on with; the likeliest answer is the class, or an answer is
    written (GPT-2).
    """

    text: str = Field(description="A text with the task's fields in braces, as 'Review: {sentence} Sentiment:'.")
    answers: dict[str, str] = Field(
        default={},
        description="Label to the answer that follows the text, after a space; of classification, which needs it.",
    )
    per_token: bool = Field(
        default=False, description="Score an answer by the mean of its pieces' log probabilities instead of their sum."
    )
