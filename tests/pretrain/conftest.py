"""Corpora in which every word occurs once, so that a token's id says where it stands."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import torch

from tokenization.corpus import Corpus
from tokenization.corpus_build import build_corpus
from tokenization.spec import CorpusSpec
from tokenization.tokenizer_files import SPECIALS, bert_tokenizer
from tokenization.vocabulary import Tokenizer

WORDS = 3000


@pytest.fixture(scope="session")
def words() -> Tokenizer:
    """Specials 0 … 4, then w0, w1, … as 5, 6, …"""
    tokens = [*SPECIALS, *(f"w{number}" for number in range(WORDS))]
    return Tokenizer(bert_tokenizer({token: number for number, token in enumerate(tokens)}, lowercase=True))


@pytest.fixture
def corpus_of_text(words: Tokenizer, tmp_path: Path) -> Callable[..., Corpus]:
    """Build a corpus from text, with blank lines between documents and line breaks between sentences."""

    def build(text: str, held_out: float = 0.0) -> Corpus:
        (tmp_path / "c.txt").write_text(text, encoding="utf-8")
        return build_corpus(CorpusSpec("c", (tmp_path / "c.txt",), held_out=held_out), words, tmp_path / "c")

    return build


@pytest.fixture
def corpus_of(corpus_of_text: Callable[..., Corpus]) -> Callable[..., Corpus]:
    """Build documents from the lengths of their sentences; token t of the corpus has the id t + 5."""

    def build(lengths: Sequence[Sequence[int]], held_out: float = 0.0) -> Corpus:
        numbers = iter(range(WORDS))
        documents = [
            "\n".join(" ".join(f"w{next(numbers)}" for _ in range(length)) for length in document)
            for document in lengths
        ]
        return corpus_of_text("\n\n".join(documents), held_out)

    return build


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
