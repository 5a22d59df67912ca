"""A corpus on disk holds exactly the documents' ids, counts them truly, and notices damage."""

import errno
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.plain_corpus import continues, numbers, span
from tokenization.building.runners import in_this_process
from tokenization.building.shard_writer import Batch, ShardWriter
from tokenization.building.work import units_done
from tokenization.corpus import Corpus
from tokenization.corpus_build import build_corpus
from tokenization.errors import DataError, RunError
from tokenization.spec import CorpusSpec
from tokenization.tokenizer_files import SPECIALS, bert_tokenizer
from tokenization.vocabulary import Tokenizer
from tokenization.windows import window_index
from tokenization.words.segmenters import find_segmenter

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


@pytest.mark.parametrize("unit_bytes", [1, 24, 1000])
def test_every_document_reads_back_whatever_the_shards(
    text_spec: Spec, letters: Tokenizer, tmp_path: Path, unit_bytes: int
) -> None:
    corpus = build_corpus(
        text_spec(DOCUMENTS), letters, tmp_path / "out", runner=in_this_process, unit_bytes=unit_bytes
    )
    read = [corpus.tokens(*span(corpus, number)).tolist() for number in range(len(DOCUMENTS))]
    assert read == ids_of(DOCUMENTS, letters)
    assert span(corpus, 0)[0] == 0
    assert span(corpus, 5)[1] == corpus.manifest.counts.tokens
    shards = len(corpus.manifest.shards)
    assert {1: shards == 6, 24: 1 < shards < 6, 1000: shards == 1}[unit_bytes]


def test_sentence_and_document_bounds_are_relative_to_the_shard(
    text_spec: Spec, letters: Tokenizer, tmp_path: Path
) -> None:
    corpus = build_corpus(text_spec(DOCUMENTS[:3]), letters, tmp_path / "out", runner=in_this_process, unit_bytes=1)
    first, _, third = map(corpus.shard, range(3))
    assert (first.sentences_S1.tolist(), first.counts_D.tolist()) == ([0, 4, 7], [2])
    assert (third.sentences_S1.tolist(), third.counts_D.tolist()) == ([0, 3, 5, 10], [3])
    assert (third.first_token, third.first_document) == (9, 2)


def test_a_sentence_longer_than_two_bytes_can_count_is_stored_as_several(
    text_spec: Spec, letters: Tokenizer, tmp_path: Path
) -> None:
    longest = 2**16 - 1
    documents = [["a b."], [" ".join("ab"[n % 2] for n in range(2 * longest + 7)), "c."], [" ".join("d" * longest)]]
    corpus = build_corpus(text_spec(documents, format="lines"), letters, tmp_path / "out")
    assert corpus.shard(0).lengths_S.tolist() == [3, longest, longest, 7, 2, longest]
    assert corpus.shard(0).counts_D.tolist() == [1, 4, 1]
    assert [corpus.tokens(*span(corpus, n)).tolist() for n in range(3)] == ids_of(documents, letters)


def test_word_bounds_are_stored_a_bit_a_token(tmp_path: Path) -> None:
    tokens = [*SPECIALS, *"今天气很好我们去公园"]
    characters = Tokenizer(bert_tokenizer({token: number for number, token in enumerate(tokens)}, lowercase=True))
    documents = ["今天天气很好。\n我们去公园。", "我们。", "天气。\n今天。"] * 9
    (tmp_path / "c.txt").write_text("\n\n".join(documents), encoding="utf-8")
    spec = CorpusSpec("c", (tmp_path / "c.txt",), language="zh", segmenter="jieba", held_out=0.1)
    corpus = build_corpus(spec, characters, tmp_path / "out", runner=in_this_process, unit_bytes=200)
    cut = find_segmenter("jieba")
    lines = [line for document in documents for line in document.split("\n")]
    expected = [place > 0 for line in lines for word in cut(line) for place in range(len(word))]
    read = []
    for document in range(len(documents)):
        read += continues(corpus, *span(corpus, document)).tolist()
    assert read == expected
    assert any(read)
    assert len(corpus.manifest.shards) > 1


def test_without_a_segmenter_there_are_no_word_bounds(text_spec: Spec, letters: Tokenizer, tmp_path: Path) -> None:
    corpus = build_corpus(text_spec(DOCUMENTS), letters, tmp_path / "out")
    assert corpus.shard(0).words is None
    assert not list((tmp_path / "out").glob("words-*"))


def test_lines_of_a_format_that_cuts_sentences_are_not_cut_again(letters: Tokenizer, tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("The dog ran. The cat sat.\nIt rained.\n\nWe left. They stayed.\n")
    counts = {
        format: build_corpus(CorpusSpec("c", (tmp_path / "c.txt",), format=format), letters, tmp_path / format)
        .shard(0)
        .counts_D.tolist()
        for format in ("lines", "text")
    }
    assert counts == {"lines": [2, 1], "text": [3, 2]}


def test_a_unit_without_documents_is_an_empty_shard(letters: Tokenizer, tmp_path: Path) -> None:
    for name, text in (("a", "a b.\n\nc."), ("b", "\u200b"), ("c", "d e f.")):
        (tmp_path / f"{name}.txt").write_text(text)
    files = tuple(tmp_path / f"{name}.txt" for name in "abc")
    corpus = build_corpus(CorpusSpec("c", files), letters, tmp_path / "out", runner=in_this_process, unit_bytes=1)
    assert [shard.tokens for shard in corpus.manifest.shards] == [3, 2, 0, 4]
    assert corpus.tokens(5, 9).tolist() == letters.encode(["d e f."])[0].tolist()
    assert span(corpus, 2) == (5, 9)
    assert len(window_index(corpus, 4, held_out=False)) == 2


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
    training, held_out = numbers(corpus, held_out=False), numbers(corpus, held_out=True)
    assert len(held_out) == corpus.manifest.counts.held_out_documents == 4
    assert sorted([*training, *held_out]) == list(range(36))
    assert corpus.manifest.counts.held_out_tokens == 4 * 3


def test_appending_documents_leaves_the_held_out_ones_held_out(
    text_spec: Spec, letters: Tokenizer, tmp_path: Path
) -> None:
    documents = [[f"{a} {b} {c}."] for a in "abcdef" for b in "uvwxyz" for c in "klmno"]
    before = build_corpus(text_spec(documents[:120], held_out=0.1), letters, tmp_path / "before")
    after = build_corpus(text_spec(documents, held_out=0.1), letters, tmp_path / "after")
    held_out = numbers(after, held_out=True)
    assert numbers(before, held_out=True).tolist() == held_out[held_out < 120].tolist()


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


def test_what_a_segmenter_found_has_a_fingerprint_of_its_own(
    text_spec: Spec, letters: Tokenizer, tmp_path: Path
) -> None:
    plain, words = (
        build_corpus(text_spec(DOCUMENTS, segmenter=name), letters, tmp_path / str(name)) for name in (None, "jieba")
    )
    assert plain.fingerprint == words.fingerprint
    assert plain.manifest.words_fingerprint is None
    assert words.manifest.words_fingerprint is not None


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
        (json.dumps(value | {"version": 1}), r"version 1; this program reads 2\. Remove .* built anew"),
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
    with pytest.raises(
        DataError,
        match=r"corpora\.c: no text in .*c\.jsonl \(2 empty documents, 0 dropped by cleaning, 0 places of malformed "
        r"input skipped\)\. Name files that hold text\.$",
    ):
        build_corpus(CorpusSpec("c", (tmp_path / "c.jsonl",)), letters, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["c.jsonl"]


def test_a_corpus_of_malformed_places_alone_is_refused_with_the_places(letters: Tokenizer, tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text("{broken\n" * 3)
    with pytest.raises(DataError, match=r"0 dropped by cleaning, 3 places of malformed input skipped\)") as raised:
        build_corpus(CorpusSpec("c", (tmp_path / "c.jsonl",), skip_bad=True), letters, tmp_path / "out")
    assert all(f"c.jsonl:{line}: malformed JSON" in str(raised.value) for line in (1, 2, 3))
    assert "clean less" not in str(raised.value)


def test_a_full_disk_is_an_error_that_loses_nothing(
    text_spec: Spec, letters: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = build_corpus(text_spec(DOCUMENTS), letters, tmp_path / "whole", runner=in_this_process, unit_bytes=1)
    add, left = ShardWriter.add, iter([True, True, False])

    def full(self: ShardWriter, batch: Batch) -> None:
        if not next(left):
            raise OSError(errno.ENOSPC, "No space left on device")
        add(self, batch)

    with monkeypatch.context() as patched:
        patched.setattr(ShardWriter, "add", full)
        with pytest.raises(RunError, match="no space left"):
            build_corpus(text_spec(DOCUMENTS), letters, tmp_path / "out", runner=in_this_process, unit_bytes=1)
    assert units_done(tmp_path / "out") == (2, 6)
    assert (
        build_corpus(text_spec(DOCUMENTS), letters, tmp_path / "out", runner=in_this_process, unit_bytes=1).fingerprint
        == whole.fingerprint
    )


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
    assert sum(int(corpus.shard(n).lengths_S.sum()) for n in range(len(corpus.manifest.shards))) == counts.tokens


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "vocabulary", "language"),
    [("enwiki.parquet", "bert-base-uncased", "en"), ("zhwiki.parquet", "bert-base-chinese", "zh")],
)
def test_a_token_takes_at_most_two_and_a_quarter_bytes_with_its_bounds_and_word_bits(
    data: Path, tmp_path: Path, file: str, vocabulary: str, language: str
) -> None:
    tokenizer = Tokenizer.load(data / "vocab" / f"{vocabulary}.txt", lowercase="uncased" in vocabulary)
    spec = CorpusSpec(
        "real", (data / "text" / file,), language=language, documents=1000, segmenter="rjieba", weights=(1.5,)
    )
    corpus = build_corpus(spec, tokenizer, tmp_path / "out")
    size = sum(path.stat().st_size for path in corpus.folder.iterdir() if path.suffix in (".bin", ".npy"))
    assert size / corpus.manifest.counts.tokens <= 2.25
