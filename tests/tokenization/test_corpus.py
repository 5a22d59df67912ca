"""A corpus on disk holds exactly the documents' ids, counts them truly, and notices damage."""

import errno
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tokenization.corpus import Corpus
from tokenization.corpus_build import build_corpus
from tokenization.errors import DataError, RunError
from tokenization.shard_writer import ShardWriter
from tokenization.spec import CorpusSpec
from tokenization.tokenizer_files import SPECIALS, bert_tokenizer
from tokenization.vocabulary import Tokenizer

Spec = Callable[..., CorpusSpec]
DOCUMENTS = [
    ["a b c.", "d e."],
    ["f."],
    ["g h.", "i.", "j k l m."],
    ["n o p q."],
    ["r.", "s t."],
    ["u v w x y z."],
]


def ids_of(documents: list[list[str]], tokenizer: Tokenizer) -> list[list[int]]:
    return [np.concatenate(tokenizer.encode(document)).tolist() for document in documents]


@pytest.mark.parametrize("shard_tokens", [1, 9, 1000])
def test_every_document_reads_back_whatever_the_shards(
    text_spec: Spec, letters: Tokenizer, tmp_path: Path, shard_tokens: int
) -> None:
    corpus = build_corpus(text_spec(DOCUMENTS), letters, tmp_path / "out", shard_tokens=shard_tokens)
    read = [corpus.tokens(*corpus.span(number)).tolist() for number in range(len(DOCUMENTS))]
    assert read == ids_of(DOCUMENTS, letters)
    assert corpus.span(0)[0] == 0
    assert corpus.span(5)[1] == corpus.manifest.counts.tokens
    assert len(corpus.manifest.shards) == {1: 6, 9: 5, 1000: 1}[shard_tokens]


def test_sentence_and_document_bounds_are_relative_to_the_shard(
    text_spec: Spec, letters: Tokenizer, tmp_path: Path
) -> None:
    corpus = build_corpus(text_spec(DOCUMENTS[:3]), letters, tmp_path / "out", shard_tokens=10)
    first, second = corpus.shard(0), corpus.shard(1)
    assert (first.sentences_S1.tolist(), first.documents_D1.tolist()) == ([0, 4, 7, 9], [0, 2, 3])
    assert (second.sentences_S1.tolist(), second.documents_D1.tolist()) == ([0, 3, 5, 10], [0, 3])
    assert (second.first_token, second.first_document) == (9, 2)
    assert first.sentences_S1.dtype == first.documents_D1.dtype == np.uint32


def test_what_is_counted_is_true(text_spec: Spec, letters: Tokenizer, tmp_path: Path) -> None:
    counts = build_corpus(text_spec([*DOCUMENTS, ["\u200b"], ["aa b"]]), letters, tmp_path / "out").manifest.counts
    assert (counts.documents, counts.sentences, counts.single_sentence) == (7, 11, 4)
    assert counts.tokens == sum(map(len, ids_of([*DOCUMENTS, ["aa b"]], letters))) == 38
    assert counts.empty == 1, "a zero-width space leaves no token"
    assert counts.median_sentences == 1
    assert counts.unknown_share == pytest.approx(1 / 38), "'aa' is no word of this vocabulary"


@pytest.mark.parametrize(("size", "dtype"), [(65536, "uint16"), (65537, "uint32")])
def test_ids_take_two_bytes_up_to_65536_entries_and_four_beyond(
    text_spec: Spec, tmp_path: Path, size: int, dtype: str
) -> None:
    tokens = [*SPECIALS, *(f"w{number}" for number in range(5, size))]
    large = Tokenizer(bert_tokenizer({token: number for number, token in enumerate(tokens)}, lowercase=True))
    corpus = build_corpus(text_spec([[f"w{size - 1} w5"]]), large, tmp_path / "out")
    assert corpus.tokens(0, 2).tolist() == [size - 1, 5]
    assert corpus.manifest.dtype == dtype
    assert (tmp_path / "out" / "ids-00000.bin").stat().st_size == 2 * np.dtype(dtype).itemsize


def test_documents_are_trained_on_or_held_out_never_both(text_spec: Spec, letters: Tokenizer, tmp_path: Path) -> None:
    corpus = build_corpus(text_spec([[f"{a} {b}."] for a in "abcdef" for b in "uvwxyz"]), letters, tmp_path / "out")
    training, held_out = corpus.documents(held_out=False), corpus.documents(held_out=True)
    assert len(held_out) == corpus.manifest.counts.held_out_documents == 4
    assert sorted([*training, *held_out]) == list(range(36))
    assert corpus.manifest.counts.held_out_tokens == 4 * 3


def test_appending_documents_leaves_the_held_out_ones_held_out(
    text_spec: Spec, letters: Tokenizer, tmp_path: Path
) -> None:
    documents = [[f"{a} {b} {c}."] for a in "abcdef" for b in "uvwxyz" for c in "klmno"]
    before = build_corpus(text_spec(documents[:120], held_out=0.1), letters, tmp_path / "before")
    after = build_corpus(text_spec(documents, held_out=0.1), letters, tmp_path / "after")
    held_out = after.documents(held_out=True)
    assert before.documents(held_out=True).tolist() == held_out[held_out < 120].tolist()


def test_a_corpus_of_one_document_holds_none_out_and_says_so(
    text_spec: Spec, letters: Tokenizer, tmp_path: Path
) -> None:
    manifest = build_corpus(text_spec([["a b.", "c d."]]), letters, tmp_path / "out").manifest
    assert manifest.counts.held_out_documents == 0
    assert any("No document is held out" in note for note in manifest.notes)


def test_single_sentence_documents_are_noted(text_spec: Spec, letters: Tokenizer, tmp_path: Path) -> None:
    manifest = build_corpus(text_spec([["a."], ["b."], ["c.", "d."]]), letters, tmp_path / "out").manifest
    assert manifest.counts.median_sentences == 1
    assert any("single sentences" in note for note in manifest.notes)


def test_building_twice_gives_the_same_bytes_and_other_text_another_fingerprint(
    text_spec: Spec, letters: Tokenizer, tmp_path: Path
) -> None:
    first = build_corpus(text_spec(DOCUMENTS), letters, tmp_path / "one")
    second = build_corpus(text_spec(DOCUMENTS), letters, tmp_path / "two")
    for file in sorted((tmp_path / "one").iterdir()):
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()
    assert first.fingerprint == second.fingerprint
    other = build_corpus(text_spec(DOCUMENTS[:-1]), letters, tmp_path / "three")
    assert other.fingerprint != first.fingerprint


def test_a_file_cut_short_is_named_with_both_sizes(text_spec: Spec, letters: Tokenizer, tmp_path: Path) -> None:
    corpus = build_corpus(text_spec(DOCUMENTS), letters, tmp_path / "out")
    for entry in corpus.manifest.files:
        file = tmp_path / "out" / entry.name
        whole = file.read_bytes()
        file.write_bytes(whole[:-2])
        with pytest.raises(DataError, match=f"{entry.name}: cut short: {entry.bytes - 2} bytes.* says {entry.bytes}"):
            Corpus.open(tmp_path / "out")
        file.unlink()
        with pytest.raises(DataError, match=f"{entry.name}: missing"):
            Corpus.open(tmp_path / "out")
        file.write_bytes(whole)
    assert Corpus.open(tmp_path / "out", checksums=True).fingerprint == corpus.fingerprint


def test_a_flipped_bit_is_found_when_checksums_are_asked_for(
    text_spec: Spec, letters: Tokenizer, tmp_path: Path
) -> None:
    build_corpus(text_spec(DOCUMENTS), letters, tmp_path / "out")
    file = tmp_path / "out" / "ids-00000.bin"
    damaged = bytearray(file.read_bytes())
    damaged[4] ^= 1
    file.write_bytes(damaged)
    Corpus.open(tmp_path / "out")
    with pytest.raises(DataError, match=r"ids-00000\.bin: its bytes have changed"):
        Corpus.open(tmp_path / "out", checksums=True)


def test_a_folder_without_a_sound_manifest_is_no_corpus(text_spec: Spec, letters: Tokenizer, tmp_path: Path) -> None:
    build_corpus(text_spec(DOCUMENTS), letters, tmp_path / "out")
    manifest = tmp_path / "out" / "manifest.json"
    value = json.loads(manifest.read_text())
    for content, message in [
        (json.dumps(value | {"version": 99}), "version 99"),
        (json.dumps({key: part for key, part in value.items() if key != "counts"}), "damaged"),
        (manifest.read_text()[:50], "damaged"),
    ]:
        manifest.write_text(content)
        with pytest.raises(DataError, match=message):
            Corpus.open(tmp_path / "out")
    manifest.unlink()
    with pytest.raises(DataError, match="no finished corpus"):
        Corpus.open(tmp_path / "out")


def test_a_corpus_without_text_is_refused_and_leaves_nothing(letters: Tokenizer, tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text('{"text": ""}\n{"text": "\\u200b"}\n')
    with pytest.raises(DataError, match=r"corpora\.c: no text in .*c\.jsonl \(2 empty documents\)"):
        build_corpus(CorpusSpec("c", (tmp_path / "c.jsonl",)), letters, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["c.jsonl"]


def test_a_full_disk_is_an_error_that_loses_nothing(
    text_spec: Spec, letters: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = build_corpus(text_spec(DOCUMENTS), letters, tmp_path / "out").fingerprint

    def full(self: ShardWriter) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(ShardWriter, "close", full)
    with pytest.raises(RunError, match="no space left"):
        build_corpus(text_spec(DOCUMENTS), letters, tmp_path / "out")
    assert Corpus.open(tmp_path / "out", checksums=True).fingerprint == before


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "vocabulary", "language", "documents"),
    [
        ("enwiki.parquet", "bert-base-uncased", "en", 200),
        ("zhwiki.parquet", "bert-base-chinese", "zh", 300),
        ("wikitext-2/valid.txt", "bert-base-uncased", "en", None),
        ("CLUECorpusSmall_sample.txt", "bert-base-chinese", "zh", None),
    ],
)
def test_real_corpora_come_out_whole(
    data: Path, tmp_path: Path, file: str, vocabulary: str, language: str, documents: int | None
) -> None:
    tokenizer = Tokenizer.load(data / "vocab" / f"{vocabulary}.txt", lowercase="uncased" in vocabulary)
    spec = CorpusSpec("real", (data / "text" / file,), language=language, documents=documents)  # type: ignore[arg-type]
    corpus = build_corpus(spec, tokenizer, tmp_path / "out")
    counts = corpus.manifest.counts
    assert documents is None or counts.documents == documents
    # The Chinese vocabulary has few Latin words, and none in capitals.
    assert counts.unknown_share < (0.001 if language == "en" else 0.02)
    assert counts.held_out_documents >= 4
    assert counts.held_out_tokens < 0.1 * counts.tokens
    assert counts.sentences > counts.documents
    assert sum(corpus.span(number)[1] - corpus.span(number)[0] for number in range(counts.documents)) == counts.tokens
