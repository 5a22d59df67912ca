"""A tokenizer of letters and small corpora, so that ids can be checked by head."""

import os
import string
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tokenization.spec import CorpusSpec
from tokenization.tokenizer_files import SPECIALS, bert_tokenizer
from tokenization.vocabulary import Tokenizer


@pytest.fixture(scope="session")
def letters() -> Tokenizer:
    """Specials 0 … 4, then a-z as 5 … 30, the full stop as 31; every letter is a word of its own."""
    tokens = [*SPECIALS, *string.ascii_lowercase, "."]
    return Tokenizer(bert_tokenizer({token: number for number, token in enumerate(tokens)}, lowercase=True))


@pytest.fixture
def text_spec(tmp_path: Path) -> Callable[..., CorpusSpec]:
    """Write documents (each a list of sentences) as plain text and describe the file as a corpus."""

    def write(documents: Sequence[Sequence[str]], **settings: object) -> CorpusSpec:
        file = tmp_path / "corpus.txt"
        file.write_text("\n\n".join("\n".join(document) for document in documents), encoding="utf-8")
        return CorpusSpec("tiny", (file,), **settings)  # type: ignore[arg-type]

    return write


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data."""
    folder = os.environ.get("TRIPTYCH_DATA")
    if not folder:
        pytest.skip("TRIPTYCH_DATA names no data folder")
    return Path(folder)
