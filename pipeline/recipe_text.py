"""The recipe's sections on text and labels: tokenizer, corpora, tasks."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from pipeline.recipe_section import Name, Positive, Section, has_key, tag_of


def _as_tuple(value: Any) -> Any:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


Files = Annotated[tuple[str, ...], BeforeValidator(_as_tuple, json_schema_input_type=str | tuple[str, ...])]


class TokenizerTraining(Section):
    """A WordPiece vocabulary made from the run's own text."""

    corpora: tuple[Name, ...] = Field(min_length=1, description="Corpora whose text it is trained on.")
    size: int = Field(default=8192, ge=64, description="Entries of the vocabulary, special tokens included.")
    lowercase: bool = Field(default=True, description="Lowercase and strip accents, as uncased BERT does.")
    documents: Positive | None = Field(
        default=None, description="Use the first so many documents of each corpus; null: all."
    )


class Tokenizer(Section):
    """The run's one tokenizer: trained here, or an existing one. Exactly one of `train` and `from`."""

    train: TokenizerTraining | None = Field(default=None, description="Train a WordPiece vocabulary.")
    from_: str | None = Field(
        default=None, alias="from", description="A tokenizer.json, a vocab.txt, or a folder that holds one."
    )
    lowercase: bool | None = Field(
        default=None,
        description="Only with a bare vocabulary (.txt), which does not say itself; "
        "null: as tokenizer_config.json beside it says.",
    )

    @model_validator(mode="after")
    def _one_way(self) -> "Tokenizer":
        if (self.train is None) == (self.from_ is None):
            raise ValueError("give exactly one of 'train' and 'from'")
        if self.lowercase is not None and not (self.from_ or "").endswith(".txt"):
            where = "train.lowercase" if self.train else "the tokenizer's own files"
            raise ValueError(f"'lowercase' goes only with a bare vocabulary (.txt) in 'from'; here {where} decides it")
        return self


class Corpus(Section):
    """Unlabelled text."""

    files: Files = Field(
        min_length=1,
        description="One path or a list, relative to the data folder; folders and patterns (*) are allowed.",
    )
    format: Literal["auto", "text", "jsonl", "parquet", "dataset"] = Field(
        default="auto", description="How to read the files; auto: by their endings."
    )
    field: str = Field(default="text", description="The column that holds the text (not for plain text).")
    split: str = Field(default="train", description="The split to read, with format dataset.")
    language: Literal["en", "zh"] = Field(default="en", description="Whose rules cut it into sentences.")
    documents: Positive | None = Field(default=None, description="Use only the first so many documents; null: all.")
    held_out: float = Field(
        default=0.01, gt=0.0, le=0.5, description="Share of documents never trained on, in any stage."
    )


class BuiltInTask(Section):
    """A task of the built-in table, named by its key."""

    limit: dict[str, Positive] = Field(default={}, description="Rows kept of a split, for example {train: 5000}.")
    length: int = Field(default=128, ge=8, description="Longest sequence in tokens, special tokens included.")


class OwnTask(BuiltInTask):
    """A task of your own, read from your files. What must agree is checked by `finetune.tasks.own`."""

    kind: Literal["classification", "regression", "tagging"] = Field(description="What is predicted.")
    fields: Files = Field(description="Columns with the text: one, or two for a pair; of words for tagging.")
    label: str = Field(default="label", description="The column with the label.")
    labels: tuple[str, ...] = Field(default=(), description="The label set in id order; none for regression.")
    label_values: dict[str, str] = Field(
        default={}, description="What the files write, to the label it means, where they differ."
    )
    range: tuple[float, float] | None = Field(default=None, description="Lowest and highest score; regression only.")
    files: dict[str, str] = Field(description="Split to path, relative to the data folder; train and dev at least.")
    hidden: tuple[str, ...] = Field(default=(), description="Splits whose labels are not given.")
    format: Literal["auto", "tsv", "jsonl", "parquet", "conll"] = Field(
        default="auto", description="How to read the files; auto: by their endings."
    )
    columns: tuple[str, ...] = Field(default=(), description="Column names of files without a header row.")
    scheme: Literal["bio", "iob1"] = Field(default="bio", description="How the files write tags.")
    metrics: tuple[str, ...] | None = Field(
        default=None, description="What is measured; null: what is usual for the kind."
    )
    primary: str | None = Field(
        default=None, description="The metric that counts in the joint score; null: the kind's."
    )

    def spec_fields(self) -> dict[str, Any]:
        """The settings under the names that `finetune.tasks.own.spec_from_fields` takes."""
        return self.model_dump(exclude={"length"}, exclude_defaults=True) | {"label": self.label}


_OWN = frozenset(OwnTask.model_fields) - frozenset(BuiltInTask.model_fields)


def _which_task(value: Any) -> str:
    own = any(has_key(value, key) for key in _OWN) if not isinstance(value, str) else False
    return tag_of(OwnTask if own else BuiltInTask)


Task = Annotated[
    Annotated[BuiltInTask, Tag(tag_of(BuiltInTask))] | Annotated[OwnTask, Tag(tag_of(OwnTask))],
    Discriminator(_which_task),
]
