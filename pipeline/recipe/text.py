"""The recipe's sections on text: tokenizer, corpora."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from pipeline.recipe.section import Name, Positive, Section, Share, decided_elsewhere


def _as_tuple(value: Any) -> Any:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


Files = Annotated[tuple[str, ...], BeforeValidator(_as_tuple, json_schema_input_type=str | tuple[str, ...])]


class TokenizerTraining(Section):
    """A vocabulary made from the run's own text."""

    corpora: tuple[Name, ...] = Field(min_length=1, description="Corpora whose text it is trained on.")
    kind: Literal["wordpiece", "bpe", "unigram"] = Field(
        default="wordpiece", description="wordpiece as BERT's; bpe over bytes; unigram."
    )
    size: int = Field(default=8192, ge=64, description="Entries of the vocabulary, special tokens included.")
    lowercase: bool = Field(default=True, description="Lowercase and strip accents, as uncased BERT does.")
    documents: Positive | None = Field(
        default=None, description="Use the first so many documents of each corpus; null: all."
    )
    characters: Positive = Field(
        default=1_000_000_000,
        description="At most about so many characters are counted; of a larger corpus a fixed random part.",
    )


class Extension(Section):
    """Domain words that a vocabulary is extended with, before the first stage."""

    files: Files = Field(min_length=1, description="Word lists, one word a line, relative to the data folder.")


class Tokenizer(Section):
    """The run's one tokenizer: trained here, or an existing one. Exactly one of `train` and `from`."""

    train: TokenizerTraining | None = Field(default=None, description="Train a vocabulary.")
    from_: str | None = Field(
        default=None, alias="from", description="A tokenizer.json, a vocab.txt, or a folder that holds one."
    )
    lowercase: bool | None = Field(
        default=None,
        description="Only with a bare vocabulary (.txt), which does not say itself; "
        "null: as tokenizer_config.json beside it says.",
    )
    extend: Extension | None = Field(
        default=None, description="Add domain words; a public encoder's new rows start as the mean of their pieces."
    )

    @model_validator(mode="after")
    def _one_way(self) -> "Tokenizer":
        if (self.train is None) == (self.from_ is None):
            raise ValueError("give exactly one of 'train' and 'from'")
        if self.lowercase is not None and not (self.from_ or "").endswith(".txt"):
            where = "train.lowercase" if self.train else "the tokenizer's own files"
            raise ValueError(f"'lowercase' goes only with a bare vocabulary (.txt) in 'from'; here {where} decides it")
        return self


class NearDuplicates(Section):
    """Near duplicates: MinHash finds candidates, the Jaccard similarity of their n-grams decides."""

    threshold: float = Field(default=0.8, ge=0.5, le=1.0, description="Least similarity of duplicates.")
    ngram: int = Field(default=5, ge=1, le=50, description="Words, or characters of scripts without spaces.")
    permutations: int = Field(default=128, ge=32, le=1024, description="Length of a signature.")


class Decontamination(Section):
    """Documents that hold an example of a dev or test set are dropped."""

    suites: Files = Field(
        min_length=1,
        description="What is kept out: suites (glue, clue), built-in tasks or the recipe's own, by name.",
    )
    words: int = Field(default=13, ge=3, description="Length of an n-gram, in words.")
    characters: int = Field(default=26, ge=3, description="The same where the script has no spaces, in characters.")
    short_words: int = Field(default=6, ge=2, description="Shorter examples match whole, from so many words on.")
    short_characters: int = Field(default=10, ge=2, description="The same in characters.")


class Clean(Section):
    """What is done to the documents before they are tokenised; nothing, unless asked for."""

    control: bool = Field(default=False, description="Take out control and invisible format characters.")
    unicode: Literal["keep", "NFC", "NFKC"] = Field(default="keep", description="The normal form text is put in.")
    min_characters: int = Field(default=0, ge=0, description="Drop shorter documents.")
    script_share: Share = Field(
        default=0.0, description="Drop documents with a smaller share of letters in the language's script."
    )
    exact: bool = Field(default=False, description="Of equal documents keep the first.")
    near: NearDuplicates | None = Field(default=None, description="Of nearly equal documents keep the first.")
    decontaminate: Decontamination | None = Field(
        default=None, description="Drop documents that hold dev or test examples."
    )


class WeightedFile(Section):
    """A source with a weight."""

    path: str = Field(description="Path, pattern, folder or URL.")
    weight: float = Field(
        default=1.0, gt=0.0, le=100.0, description="How often an epoch sees its text: 2 twice, 0.5 half of it."
    )


def _as_sources(value: Any) -> Any:
    """A path alone stands for a source of weight 1, and one source for a list of one."""
    listed = value if isinstance(value, list | tuple) else [value]
    return tuple({"path": item} if isinstance(item, str) else item for item in listed)


Sources = Annotated[
    tuple[WeightedFile, ...],
    BeforeValidator(_as_sources, json_schema_input_type=str | WeightedFile | tuple[str | WeightedFile, ...]),
]


class Corpus(Section):
    """Unlabelled text."""

    files: Sources = Field(
        min_length=1,
        description="A path or a list, relative to the data folder, or URLs (s3://, gs://, https://); folders and "
        "patterns (*) are allowed; {path, weight} gives a source a weight.",
    )
    format: Literal["auto", "text", "lines", "document", "jsonl", "wikiextractor", "parquet", "dataset"] = Field(
        default="auto",
        description="How to read the files; auto: by their endings. text: blank lines between documents; lines: each "
        "line a sentence; document: one document a file.",
    )
    field: str = Field(default="text", description="The column that holds the text (not for plain text).")
    config: str | None = Field(default=None, description="The configuration to read, with format dataset.")
    split: str = Field(default="train", description="The split to read, with format dataset.")
    streaming: bool = Field(
        default=False, description="Read a dataset as a stream, spooled to numbered blocks on disk first."
    )
    language: str = Field(
        default="en", description="Whose rules cut it into sentences: a two-letter code of ISO 639-1."
    )
    splitter: str | None = Field(default=None, description="The sentence splitter; null: the language's own.")
    segmenter: str | None = Field(
        default=None,
        json_schema_extra=decided_elsewhere,
        description="Finds the words of text without spaces (jieba, rjieba); left out: jieba for a Chinese corpus "
        "whose words a stream masks, else none.",
    )
    lexicon: Files = Field(
        default=(),
        description="Phrases and entities for masking with unit: phrase: files, one a line, or as wiki.parquet#title.",
    )
    clean: Clean = Field(default=Clean(), description="Cleaning, deduplication, decontamination.")
    documents: Positive | None = Field(default=None, description="Use only the first so many documents; null: all.")
    held_out: float = Field(
        default=0.01, gt=0.0, le=0.5, description="Share of documents never trained on, in any stage."
    )
    skip_bad: bool = Field(default=False, description="Count and list malformed input instead of stopping at it.")
