import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from finetune.tasks.spec import TaskSpec
from tokenization.vocabulary import Tokenizer

LETTERS = "abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    """A vocabulary of letters, so that a word of n letters has n pieces."""
    path = tmp_path_factory.mktemp("vocabulary") / "vocab.txt"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS, *(f"##{letter}" for letter in LETTERS)]
    path.write_text("\n".join(words) + "\n", encoding="utf-8")
    return Tokenizer.load(path, lowercase=True)


@pytest.fixture
def data() -> Path:
    if "TRIPTYCH_DATA" not in os.environ:
        pytest.skip("TRIPTYCH_DATA is not set: the real data folder is needed")
    return Path(os.environ["TRIPTYCH_DATA"])


@pytest.fixture
def single() -> TaskSpec:
    return TaskSpec(
        name="mood",
        kind="classification",
        fields=("text",),
        label="label",
        files={"train": "train.tsv", "dev": "dev.tsv", "test": "test.tsv"},
        labels=("sad", "glad"),
        hidden=("test",),
    )


@pytest.fixture
def pair() -> TaskSpec:
    return TaskSpec(
        name="alike",
        kind="regression",
        fields=("one", "two"),
        label="score",
        files={"train": "train.jsonl", "dev": "dev.jsonl"},
        range=(0.0, 5.0),
        metrics=("pearson", "rmse"),
        primary="pearson",
    )


@pytest.fixture
def tagging() -> TaskSpec:
    return TaskSpec(
        name="names",
        kind="tagging",
        fields=("words",),
        label="tags",
        files={"train": "train.jsonl", "dev": "dev.jsonl"},
        labels=("O", "B-PER", "I-PER", "B-LOC", "I-LOC"),
        metrics=("entity_f1", "accuracy"),
        primary="entity_f1",
    )


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a file of the data folder, from text, bytes or rows for JSON lines; gives the folder."""

    def write_file(name: str, content: str | bytes | list[dict[str, object]]) -> Path:
        if isinstance(content, list):
            content = "".join(json.dumps(row) + "\n" for row in content)
        raw = content if isinstance(content, bytes) else content.encode()
        (tmp_path / name).write_bytes(raw)
        return tmp_path

    return write_file


@pytest.fixture
def multilabel() -> TaskSpec:
    return TaskSpec(
        name="topics",
        kind="multilabel",
        fields=("text",),
        label="topics",
        files={"train": "train.jsonl", "dev": "dev.jsonl"},
        labels=("art", "law", "sport"),
        metrics=("micro_f1", "exact_match"),
        primary="micro_f1",
    )


@pytest.fixture
def ranking() -> TaskSpec:
    return TaskSpec(
        name="where",
        kind="ranking",
        fields=("question", "sentences"),
        label="right",
        files={"train": "train.jsonl", "dev": "dev.jsonl"},
        metrics=("accuracy", "mrr"),
        primary="accuracy",
    )


@pytest.fixture
def choice() -> TaskSpec:
    return TaskSpec(
        name="which",
        kind="choice",
        fields=("text", "options"),
        label="right",
        files={"train": "train.jsonl", "dev": "dev.jsonl"},
    )


@pytest.fixture
def span() -> TaskSpec:
    return TaskSpec(
        name="reading",
        kind="span",
        fields=("question", "context"),
        label="answers",
        files={"train": "train.json", "dev": "dev.json"},
        overlap=3,
        metrics=("exact_match", "span_f1"),
        primary="exact_match",
    )


@pytest.fixture
def generation() -> TaskSpec:
    return TaskSpec(
        name="writes",
        kind="generation",
        fields=("text",),
        label="turned",
        files={"train": "train.jsonl", "dev": "dev.jsonl"},
        metrics=("bleu", "chrf", "exact_match"),
        primary="exact_match",
    )
