"""The recipe: one frozen tree of settings that describes a whole run.

`pipeline.recipe.load` makes it from YAML; nothing else should, since the cross checks are there.
"""

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from model.design import ROW
from pipeline.recipe.section import Name, Positive, Section, decided_elsewhere, has_key, tag_of
from pipeline.recipe.stage import DecaySchedule, Optimizer, Precision, Schedule, Stage
from pipeline.recipe.task import Task
from pipeline.recipe.text import Corpus, Tokenizer

LM_HEAD_STAGE = "lm-head"
"""The name of the stage that a run puts in front where a public checkpoint lacks the LM head."""
_ALL_SEEDS = re.compile(r"all:([1-9][0-9]*)")
Attention = Literal["auto", "padded", "flat"]


class FreshEncoder(Section):
    """A BERT encoder with new weights; its vocabulary is the tokenizer's."""

    layers: Positive = Field(default=4, description="Blocks.")
    hidden: Positive = Field(default=256, description="Width.")
    heads: Positive = Field(default=4, description="Attention heads; a divisor of `hidden`.")
    feed_forward: Positive = Field(default=1024, description="Width of the feed-forward layer.")
    positions: int = Field(default=128, ge=8, description="Learned positions: the longest sequence.")
    norm: Literal["post", "pre"] = Field(
        default="post", description="post: layer norm after each block as BERT; pre: before it."
    )
    dropout: float = Field(default=0.1, ge=0.0, lt=1.0, description="Of activations and attention.")
    initializer_range: float = Field(
        default=0.02, gt=0.0, description="Standard deviation of new matrices; narrow encoders learn sooner with more."
    )
    attention: Attention = Field(default="auto", description="Implementation; all give the same result.")

    @model_validator(mode="after")
    def _divisible(self) -> "FreshEncoder":
        if self.hidden % self.heads:
            raise ValueError(f"hidden ({self.hidden}) must be a multiple of heads ({self.heads})")
        return self


class PublicEncoder(Section):
    """A public BERT checkpoint, which brings its sizes along."""

    from_: str = Field(alias="from", description="Folder with config.json and weights.")
    dropout: float = Field(default=0.1, ge=0.0, lt=1.0, description="Of activations and attention.")
    attention: Attention = Field(default="auto", description="Implementation; all give the same result.")


def _which_encoder(value: Any) -> str:
    public = has_key(value, "from") or isinstance(value, PublicEncoder)
    return tag_of(PublicEncoder if public else FreshEncoder)


Encoder = Annotated[
    Annotated[FreshEncoder, Tag("<FreshEncoder>")] | Annotated[PublicEncoder, Tag("<PublicEncoder>")],
    Discriminator(_which_encoder),
]


class Decoder(Section):
    """The decoder beside the encoder, for `mass` and tasks of kind generation; it is as wide as the encoder."""

    layers: Positive = Field(default=ROW.depth, description="Blocks.")


class LmHeadFit(Section):
    """The short LM stage, encoder frozen, that fits a head where a public checkpoint has none.

    It reads the first text of which something is asked of the LM head, or else that of the first task put to it, which
    may be there to be measured alone.
    """

    steps: Positive = Field(default=200, description="Optimizer steps.")
    rate: float = Field(default=1e-3, gt=0.0, description="Highest learning rate.")
    tokens: Positive = Field(default=4096, description="Tokens a step.")


class Engine(Section):
    """How the steps are carried out; it changes nothing in the result."""

    name: Literal["plain", "zero"] = Field(default="plain", description="plain: torch; zero: DeepSpeed.")
    ds_config: str | None = Field(
        default=None, description="DeepSpeed JSON, for example ds_configs/zero1.json; needed with zero."
    )
    micro_batch_tokens: Positive = Field(
        default=4096, description="Tokens a micro-batch may hold; no item may be larger."
    )
    threads: Positive | None = Field(default=None, description="CPU threads; null: as torch chooses.")

    @model_validator(mode="after")
    def _agrees(self) -> "Engine":
        if self.name == "zero" and self.ds_config is None:
            raise ValueError("engine zero needs 'ds_config', for example ds_configs/zero1.json")
        if self.name == "plain" and self.ds_config is not None:
            raise ValueError("'ds_config' does not go with engine plain; set name: zero or leave it out")
        return self


class Checkpoint(Section):
    """How often the training state is saved."""

    every: Positive = Field(default=200, description="Optimizer steps between checkpoints.")
    keep_last: Positive = Field(default=2, description="How many are kept, beside the best.")


class Logging(Section):
    """What is written while training."""

    every: Positive = Field(default=10, description="Optimizer steps between lines shown.")
    tensorboard: bool = Field(default=True, description="Derive TensorBoard files from the metrics.")


class Ledger(Section):
    """The forgetting ledger: what held-out text tells of each text head, and every earlier task, at each boundary."""

    corpora: tuple[Name, ...] = Field(
        default=(),
        json_schema_extra=decided_elsewhere,
        description="Whose held-out documents; left out: the corpora of the first stage that has any.",
    )
    tokens: Positive = Field(default=50_000, description="Held-out tokens per corpus, at most.")
    rate: float = Field(default=0.15, gt=0.0, le=1.0, description="Share of tokens masked, always the same.")


class Evaluation(Section):
    """What is measured at each stage boundary."""

    ledger: Ledger = Field(default=Ledger(), description="The forgetting ledger.")
    more: dict[Name, tuple[Name, ...]] = Field(
        default={}, description="Task to further splits of it that are scored too; they select nothing."
    )
    predictions: bool = Field(default=True, description="Write a predictions file per task.")
    split: Name = Field(default="dev", description="The split that is scored.")


class Seeds(Section):
    """How often the run is repeated under further seeds: the recipe's own, and those that follow it."""

    count: Positive = Field(default=1, description="Seeds in all; 1: no repetition.")
    all: bool = Field(
        default=False,
        description="true: every stage is repeated; false: those with a labelled stream and what descends from them, "
        "the others being shared.",
    )


def _short_seeds(value: Any) -> Any:
    """`5` and `all:5` written out, as the command line has them too."""
    if isinstance(value, int) and not isinstance(value, bool):
        return {"count": value}
    if not isinstance(value, str):
        return value
    if found := _ALL_SEEDS.fullmatch(value):
        return {"count": int(found[1]), "all": True}
    raise ValueError(
        f"given '{value}'; must be a number of seeds, which repeats the labelled stages and what follows from them, "
        "or, to repeat every stage, {count: 5, all: true}, in short all:5"
    )


class Recipe(Section):
    """A whole run: tokenizer, encoder, stages as lists of streams, optimizer, engine, evaluation."""

    name: Name = Field(description="Names the default run directory, runs/<name>.")
    seed: int = Field(default=1, ge=0, description="Every random choice follows from it.")
    seeds: Annotated[Seeds, BeforeValidator(_short_seeds, json_schema_input_type=int | str | Seeds)] = Field(
        default=Seeds(), description="A number alone is the count; all:5 is {count: 5, all: true}."
    )
    data: str | None = Field(
        default=None, description="Data folder; default: the environment variable TRIPTYCH_DATA, if set."
    )
    tokenizer: Tokenizer = Field(description="Trained here, or an existing one.")
    corpora: dict[Name, Corpus] = Field(default={}, description="Unlabelled text by name.")
    tasks: dict[Name, Task] = Field(default={}, description="Labelled tasks by name.")
    encoder: Encoder = Field(default=FreshEncoder(), description="Sizes of a new one, or `from` a public checkpoint.")
    decoder: Decoder | None = Field(
        default=None,
        description="Sizes of the decoder, where a stream writes with one; null: those of the encoder's checkpoint, "
        "where it has one, or else the usual ones.",
    )
    lm_head_fit: LmHeadFit | None = Field(
        default=None,
        json_schema_extra=decided_elsewhere,
        description="Only with `encoder.from`: fits an LM head where the checkpoint has none.",
    )
    optimizer: Optimizer = Field(default=Optimizer(), description="Defaults for every stage.")
    schedule: Schedule = Field(default=DecaySchedule(), description="Default for every stage.")
    precision: Precision = Field(
        default="fp32", description="fp32, or bf16 autocast over fp32 weights; default for every stage."
    )
    engine: Engine = Field(default=Engine(), description="plain or zero; the result is the same.")
    checkpoint: Checkpoint = Field(default=Checkpoint(), description="Saving of the training state.")
    logging: Logging = Field(default=Logging(), description="Lines shown and TensorBoard.")
    stages: tuple[Stage, ...] = Field(min_length=1, description="The stages, in order.")
    evaluation: Evaluation = Field(default=Evaluation(), description="Measured at stage boundaries.")

    def stage(self, name: str) -> Stage:
        """The stage of that name, which must exist."""
        return next(stage for stage in self.stages if stage.name == name)

    @property
    def conditions(self) -> dict[str, int]:
        """The tasks that have norms of their own, each with the number by which batches name them."""
        named = [name for name, task in self.tasks.items() if task.condition]
        return {name: place for place, name in enumerate(named, start=1)}

    def seed_of(self, stage: Stage) -> int:
        """From which every random choice of a stage follows."""
        return self.seed if stage.seed is None else stage.seed

    @property
    def data_folder(self) -> Path:
        """Where relative paths of corpora and tasks start: the data folder, else the working directory."""
        return Path(self.data) if self.data is not None else Path(os.curdir)

    def resolved(self) -> dict[str, Any]:
        """Every setting, defaults included, as JSON-able values under the names of the YAML."""
        return self.model_dump(mode="json", by_alias=True)
