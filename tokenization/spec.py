"""What a corpus is made of, as the user describes it."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from tokenization.cleaning.spec import CleanSpec
from tokenization.errors import RecipeError, did_you_mean

Format = Literal["auto", "text", "lines", "document", "jsonl", "wikiextractor", "parquet", "dataset"]


@dataclass(frozen=True)
class CorpusSpec:
    """A corpus before it is read.

    Attributes:
        name: what the recipe calls it.
        files: absolute paths, or URLs that fsspec opens; globs and folders are allowed. With `format="dataset"` a
            relative path is a name that the `datasets` library knows.
        weights: for each of `files`, how often an epoch sees its text (2: twice; 0.5: half of its documents);
            empty for once each.
        format: `auto` goes by each file's ending. `text`: a blank line between documents; `lines`: each line a
            sentence, a blank line between documents; `document`: one document a file.
        field: the column or JSON key that holds the text.
        config, split: of a dataset; other formats have none.
        streaming: read a dataset as a stream, which is first spooled to numbered blocks on disk.
        language: whose rules split sentences (a two-letter code of ISO 639-1).
        splitter: the sentence splitter, or None for the language's own.
        segmenter: what finds the words of text that is written without spaces, or None: no word bounds are stored.
        lexicon: files of phrases and entities, one a line, that mark units for masking; kept beside the corpus.
        clean: what is done to the documents first.
        documents: only the first so many non-empty documents, or None for all.
        held_out: the share of documents, by content hash, that is never trained on; 0 holds none out.
        skip_bad: count and list malformed input instead of stopping at it. Not part of a corpus's identity: without
            bad input it changes nothing, and with it there is no other result.

    Raises:
        RecipeError: a value outside its range.
    """

    name: str
    files: tuple[Path | str, ...]
    format: Format = "auto"
    field: str = "text"
    split: str = "train"
    language: str = "en"
    documents: int | None = None
    held_out: float = 0.01
    weights: tuple[float, ...] = ()
    config: str | None = None
    streaming: bool = False
    splitter: str | None = None
    segmenter: str | None = None
    lexicon: tuple[Path, ...] = ()
    clean: CleanSpec = dataclasses.field(default_factory=CleanSpec)
    skip_bad: bool = False

    def __post_init__(self) -> None:
        weights_fit = not self.weights or len(self.weights) == len(self.files)
        problems = [
            *([] if self.files else ["files: none given; name at least one file, folder or glob"]),
            *_choice("format", self.format, get_args(Format)),
            *([] if self.documents is None or self.documents >= 1 else [f"documents: {self.documents} is below 1"]),
            *([] if 0 <= self.held_out <= 0.5 else [f"held_out: {self.held_out} is not within 0 … 0.5"]),
            *([] if weights_fit else [f"weights: {len(self.weights)} given for {len(self.files)} files"]),
            *([f"weights: {weight} is not above 0" for weight in self.weights if not weight > 0]),
        ]
        if problems:
            raise RecipeError("\n".join(f"corpora.{self.name}.{problem}" for problem in problems))

    def weight(self, file: int) -> float:
        """How often an epoch sees the text of one of `files`."""
        return self.weights[file] if self.weights else 1.0


def _choice(key: str, given: str, allowed: tuple[str, ...]) -> list[str]:
    if given in allowed:
        return []
    return [f"{key}: {given!r} is not one of {', '.join(allowed)}{did_you_mean(given, allowed)}"]
