"""What a corpus is made of, as the user describes it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from tokenization.errors import RecipeError, did_you_mean

Format = Literal["auto", "text", "jsonl", "parquet", "dataset"]
Language = Literal["en", "zh"]


@dataclass(frozen=True)
class CorpusSpec:
    """A corpus before it is read.

    Attributes:
        name: what the recipe calls it.
        files: absolute paths; globs and folders are allowed. With `format="dataset"` a relative path is a name
            that the `datasets` library knows.
        format: `auto` goes by each file's ending.
        field: the column or JSON key that holds the text.
        split: which split of a dataset is read; other formats have none.
        language: whose rules split sentences.
        documents: only the first so many non-empty documents, or None for all.
        held_out: the share of documents, by content hash, that is never trained on; 0 holds none out.

    Raises:
        RecipeError: a value outside its range.
    """

    name: str
    files: tuple[Path, ...]
    format: Format = "auto"
    field: str = "text"
    split: str = "train"
    language: Language = "en"
    documents: int | None = None
    held_out: float = 0.01

    def __post_init__(self) -> None:
        problems = [
            *([] if self.files else ["files: none given; name at least one file, folder or glob"]),
            *_choice("format", self.format, get_args(Format)),
            *_choice("language", self.language, get_args(Language)),
            *([] if self.documents is None or self.documents >= 1 else [f"documents: {self.documents} is below 1"]),
            *([] if 0 <= self.held_out <= 0.5 else [f"held_out: {self.held_out} is not within 0 … 0.5"]),
        ]
        if problems:
            raise RecipeError("\n".join(f"corpora.{self.name}.{problem}" for problem in problems))


def _choice(key: str, given: str, allowed: tuple[str, ...]) -> list[str]:
    if given in allowed:
        return []
    return [f"{key}: {given!r} is not one of {', '.join(allowed)}{did_you_mean(given, allowed)}"]
