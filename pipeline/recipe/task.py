"""The recipe's section on labelled tasks: built-in ones, with what is changed of them, and the user's own."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from finetune.tasks.hub_splits import on_hub
from finetune.tasks.own import changed_spec, spec_from_fields
from finetune.tasks.spec import Format, Kind, Language, Layout, Scheme, TaskAttention, TaskSpec, Writer
from finetune.tasks.table import TASKS, find_task
from model.design import HeadDesign
from pipeline.recipe.answered_by import ClozeSettings, Head, HeadSettings, PromptSettings
from pipeline.recipe.section import Name, Positive, Section, has_key, tag_of
from pipeline.recipe.text import Files
from tokenization.errors import RecipeError, did_you_mean

_FIELDS = (
    "Columns of the text: one, or two for a pair; for tagging that of the words; for ranking and choice that of the "
    "candidates last, for choice also [context, question, options]; for span the question's and the text's."
)
_NOT_OF_THE_SPEC = {"length", "from_", "like"}


class HubSource(Section):
    """Where a task stands on the hub, for `datasets.load_dataset`."""

    path: str = Field(description="The data set's name, or a folder below the data folder.")
    config: str | None = Field(default=None, description="Its configuration.")
    splits: dict[str, str] = Field(
        default={}, description="Split to its name there; a task of your own lists all, as {train: train}."
    )
    columns: dict[str, str] = Field(default={}, description="Column to its name there, where they differ.")
    labels: dict[str, str] = Field(default={}, description="Name of a class there, to yours, where they differ.")


class BuiltInTask(Section):
    """A task of the built-in table, named by its key; a setting that is given takes the place of the table's."""

    limit: dict[str, Positive] = Field(default={}, description="Rows kept of a split, for example {train: 5000}.")
    length: int = Field(
        default=128,
        ge=8,
        description="Longest sequence in tokens, special tokens included; of generation, source and target each.",
    )
    from_: Literal["files", "hub"] = Field(
        default="files", alias="from", description="Read from the data folder, or from the hub through `datasets`."
    )
    fields: Files | None = Field(
        default=None,
        description=_FIELDS,
    )
    label: str | None = Field(
        default=None,
        description="The column of the label; several labels are a list, parted by | in TSV and CSV; for ranking and "
        "choice the right candidate or its index from 0; for span the answers; for generation the text to write. "
        "null: label.",
    )
    labels: tuple[str, ...] | None = Field(
        default=None,
        description="The label set in id order; none for regression, ranking, choice, span and generation.",
    )
    label_values: dict[str, str] | None = Field(
        default=None,
        description="What the files write, to the label it means, where they differ; for generation all that they "
        "write, to the text that is to be written for it.",
    )
    dropped: tuple[str, ...] | None = Field(
        default=None, description="What the label column holds in rows without a label; they are left out and counted."
    )
    range: tuple[float, float] | None = Field(default=None, description="Lowest and highest score; regression only.")
    files: dict[str, Files] | None = Field(
        default=None,
        description="Split to path or paths, relative to the data folder; without a dev one, dev is carved from train.",
    )
    hidden: tuple[str, ...] | None = Field(default=None, description="Splits whose labels are not given.")
    id: str | None = Field(default=None, description="The column of a row's id; null: its place in the file.")
    format: Format | None = Field(default=None, description="How to read the files; auto: by their endings.")
    layout: Layout | None = Field(
        default=None, description="How rows become examples; rows: by their columns; others are the suites' nestings."
    )
    columns: tuple[str, ...] | None = Field(default=None, description="Column names of files without a header row.")
    scheme: Scheme | None = Field(default=None, description="How the files write tags.")
    overlap: int | None = Field(default=None, ge=0, description="Tokens that windows of a long text share; span only.")
    longest_answer: Positive | None = Field(default=None, description="Tokens of the longest answer; span only.")
    unanswerable: bool | None = Field(
        default=None, description="Whether a text may hold no answer to its question; span only."
    )
    written_by: Writer | None = Field(
        default=None,
        alias="by",
        description="What writes the text: decoder: one beside the encoder; prefix: the encoder, behind the source, as "
        "a cloze (UniLM); left: the left-to-right language model, which goes on with the source (GPT-2); generation "
        "only.",
    )
    language: Language | None = Field(
        default=None, description="zh: BLEU counts Chinese characters; generation only; null: words, as WMT does."
    )
    beam: Positive | None = Field(
        default=None, description="Hypotheses kept in writing; generation only; null: 1, the likeliest token each time."
    )
    length_penalty: float | None = Field(
        default=None, ge=0.0, description="alpha of Wu et al. (2016); larger ones write longer; with beam only."
    )
    longest: Positive | None = Field(
        default=None, description="Tokens written at most, below length in any case; generation only; null: 64."
    )
    carve: float | None = Field(
        default=None, gt=0.0, lt=1.0, description="Share of train that stands in for dev where no file gives one."
    )
    metrics: tuple[str, ...] | None = Field(
        default=None, description="What is measured; null: what is usual for the kind."
    )
    primary: str | None = Field(
        default=None, description="The metric that counts in the joint score; null: the kind's."
    )
    hub: HubSource | None = Field(default=None, description="Where the task stands on the hub.")
    head: Head = Field(default=HeadSettings(), description="How its head reads the encoder; san is {pool: san}.")
    attention: TaskAttention | None = Field(
        default=None,
        description="Which tokens a token sees; left: itself and those before it, and the answer is read at the last "
        "one, as GPT; right: the reverse; apart: left and right in two sequences, read side by side, as ELMo, by head: "
        "{pool: lstm}; null: both.",
    )
    condition: bool = Field(
        default=False,
        description="Whether it shifts every LayerNorm of the encoder in its own way, from zero on (conditional "
        "LayerNorm).",
    )
    cloze: ClozeSettings | None = Field(
        default=None, description="Ask the masked language model's head instead of one of its own; classification only."
    )
    prompt: PromptSettings | None = Field(
        default=None,
        description="Ask the left-to-right language model's head instead; classification, or generation by: left.",
    )
    like: Name | None = Field(
        default=None, description="The built-in task that it is, where it is called otherwise here; null: as its key."
    )

    @model_validator(mode="after")
    def _files_are_read(self) -> "BuiltInTask":
        if self.from_ == "hub" and self.files is not None:
            raise ValueError("'files' is useless with 'from: hub'; which splits stand there is said in 'hub'")
        return self

    def spec(self, name: str) -> TaskSpec:
        """The task that is meant.

        Raises:
            RecipeError: no built-in task is called so, or its settings contradict each other; with every problem.
        """
        spec = changed_spec(_like(self.like, name) if self.like else find_task(name), **self._given())
        return _conditioned(on_hub(spec) if self.from_ == "hub" else spec)

    def _given(self) -> dict[str, Any]:
        plain = self.model_dump(exclude=_NOT_OF_THE_SPEC, exclude_defaults=True)
        design = {"design": HeadDesign(**self.head.model_dump())} if plain.pop("head", None) else {}
        condition = {"condition": 1} if plain.pop("condition", False) else {}  # numbered where all tasks are known
        return {**plain, **design, **condition}


class OwnTask(BuiltInTask):
    """A task of your own, from your files or the hub. What must agree is checked by `finetune.tasks.sound`."""

    kind: Kind = Field(description="What is predicted.")
    fields: Files = Field(description=_FIELDS)

    @model_validator(mode="after")
    def _one_source(self) -> "OwnTask":
        if self.like is not None:
            raise ValueError("'like' names a built-in task, and 'kind' makes a task of your own: leave one of them out")
        if (self.files is None) == (self.hub is None):
            raise ValueError("give exactly one of 'files' and 'hub'")
        if self.hub is not None and not self.hub.splits:
            raise ValueError("'hub' needs 'splits', as {train: train, dev: validation}")
        return self

    def spec(self, name: str) -> TaskSpec:
        return _conditioned(spec_from_fields(name, **{"label": "label", **self._given()}))


def _conditioned(spec: TaskSpec) -> TaskSpec:
    """The same task, which may have norms of its own if it asks for them.

    Raises:
        RecipeError: it may not, and why.
    """
    where = f"tasks.{spec.name}.condition"
    if spec.condition and spec.head:
        raise RecipeError(f"{where}: useless, since the task is answered by {spec.head}, in whose norms; say it there")
    if spec.condition and spec.kind == "generation":
        raise RecipeError(f"{where}: a text is written token by token under the plain norms; leave it out")
    return spec


def _like(known: str, name: str) -> TaskSpec:
    """A built-in task under another name."""
    if known not in TASKS:
        raise RecipeError(
            f"tasks.{name}.like: no built-in task is called {known!r}; built-in: {', '.join(TASKS)}"
            f"{did_you_mean(known, TASKS)}"
        )
    return replace(TASKS[known], name=name, like=known)


def _which_task(value: Any) -> str:
    return tag_of(OwnTask if not isinstance(value, str) and has_key(value, "kind") else BuiltInTask)


Task = Annotated[
    Annotated[BuiltInTask, Tag(tag_of(BuiltInTask))] | Annotated[OwnTask, Tag(tag_of(OwnTask))],
    Discriminator(_which_task),
]


def sound_specs(tasks: Mapping[str, Task]) -> dict[str, TaskSpec]:
    """The tasks that are not wrong in themselves, which is told where they are described."""
    found: dict[str, TaskSpec] = {}
    for name, task in tasks.items():
        with suppress(RecipeError):
            found[name] = task.spec(name)
    return found
