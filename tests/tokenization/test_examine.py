"""What is estimated from a sample, against the corpus that is built of the same text."""

import json
import random
from pathlib import Path

import pytest

from tokenization.corpus_build import build_corpus
from tokenization.examine import Findings, examine
from tokenization.sample import sample
from tokenization.spec import CorpusSpec
from tokenization.vocabulary import Tokenizer


@pytest.fixture
def spec(tmp_path: Path) -> CorpusSpec:
    """3000 documents of two to eight sentences; every 20th is empty, every 10th sentence ends in a digit."""
    luck = random.Random(5)
    lines = []
    for number in range(3000):
        sentences = [" ".join(luck.choices("abcdefgh", k=luck.randint(3, 20))) for _ in range(luck.randint(2, 8))]
        text = "\n".join(f"{sentence} {'7' if luck.random() < 0.1 else 'z'}." for sentence in sentences)
        lines.append(json.dumps({"id": "x" * 40, "text": text if number % 20 else ""}) + "\n")
    (tmp_path / "c.jsonl").write_text("".join(lines))
    return CorpusSpec("c", (tmp_path / "c.jsonl",))


def looked_at(spec: CorpusSpec, store: Path, tokenizer: Tokenizer, characters: int) -> Findings:
    return examine(spec, sample(spec, store, characters), tokenizer)


@pytest.mark.parametrize(("characters", "near"), [(10_000_000, 1e-9), (60_000, 0.05)])
def test_documents_tokens_and_unknown_are_those_of_the_build(
    spec: CorpusSpec, tmp_path: Path, letters: Tokenizer, characters: int, near: float
) -> None:
    counts = build_corpus(spec, letters, tmp_path / "built").manifest.counts
    found = looked_at(spec, tmp_path, letters, characters)
    assert found.documents == pytest.approx(counts.documents, rel=near)
    assert found.tokens == pytest.approx(counts.tokens, rel=near)
    assert found.unknown == pytest.approx(counts.unknown_share, rel=near * 4)
    assert found.empty == pytest.approx(0.05, abs=0.002)
    assert found.seconds is not None
    assert found.seconds > 0


@pytest.mark.parametrize("segmenter", [None, "rjieba"])
def test_the_bytes_of_the_shards_are_estimated(
    spec: CorpusSpec, tmp_path: Path, letters: Tokenizer, segmenter: str | None
) -> None:
    spec = CorpusSpec("c", spec.files, segmenter=segmenter)
    built = build_corpus(spec, letters, tmp_path / "built")
    found = looked_at(spec, tmp_path, letters, 10_000_000)
    assert found.shard_bytes == pytest.approx(sum(file.bytes for file in built.manifest.files), rel=0.1)


def test_lines_of_one_sentence_each_are_parted_at_line_ends_alone(tmp_path: Path, letters: Tokenizer) -> None:
    (tmp_path / "c.txt").write_text("a b\x1cc d\ne\x0bf\n\ng h\n", newline="")
    spec = CorpusSpec("c", (tmp_path / "c.txt",), format="lines")
    counts = build_corpus(spec, letters, tmp_path / "built").manifest.counts
    assert looked_at(spec, tmp_path, letters, 1000).median_sentences == counts.median_sentences == 1.5
