"""Phrases: matched as a plain search would, and kept beside the corpus, whole or not at all."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenization.corpus import Corpus
from tokenization.errors import DataError
from tokenization.spec import CorpusSpec
from tokenization.store import open_or_build_corpus
from tokenization.tokenizer_files import SPECIALS, bert_tokenizer
from tokenization.vocabulary import Tokenizer
from tokenization.words import lexicon as lexicon_module
from tokenization.words.lexicon import Lexicon
from tokenization.words.phrases import open_or_build_phrases


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    tokens = [*SPECIALS, *"abcdef", *(f"##{letter}" for letter in "abcdef"), "new", "york", "city", *"北京大学生"]
    return Tokenizer(bert_tokenizer({token: number for number, token in enumerate(tokens)}, lowercase=True))


@pytest.fixture
def read(tokenizer, tmp_path):
    def made(*entries: str) -> Lexicon:
        (tmp_path / "lexicon.txt").write_text("\n".join(entries), encoding="utf-8")
        return Lexicon.read(tokenizer, [tmp_path / "lexicon.txt"])

    return made


def marked(tokenizer, lexicon, *sentences) -> list[str]:
    """Each sentence's pieces, a + before those that continue a phrase."""
    ids_T, lengths_S = tokenizer.encode_flat(sentences)
    continues_T = lexicon.continues(ids_T, np.concatenate([[0], np.cumsum(lengths_S)]))
    pieces = [("+" if bit else "") + tokenizer.piece(n) for n, bit in zip(ids_T.tolist(), continues_T, strict=True)]
    return [" ".join(part) for part in np.split(np.array(pieces), np.cumsum(lengths_S)[:-1])]


@pytest.mark.parametrize(
    ("entries", "text", "expected"),
    [
        (["New York"], "a new york city", "a new +york city"),
        (["new york", "new york city"], "new york city", "new +york +city"),
        (["new york", "york city a"], "new york city a", "new +york city a"),
        (["a b", "b c d"], "a b c d b c d", "a +b c d b +c +d"),
        (["a a"], "a a a a a", "a +a a +a a"),
        (["a b"], "a bc a b", "a b ##c a +b"),
        (["ab"], "ab abc", "a +##b a ##b ##c"),
        (["北京大学"], "北京大学生", "北 +京 +大 +学 生"),
    ],
)
def test_leftmost_longest_whole_phrases_are_found(tokenizer, read, entries, text, expected):
    assert marked(tokenizer, read(*entries), text) == [expected]


def test_a_phrase_never_goes_over_the_end_of_a_sentence(tokenizer, read):
    assert marked(tokenizer, read("a b"), "c a", "b a b", "a") == ["c a", "b a +b", "a"]


def searched(tokenizer, entries, sentences) -> list[bool]:
    """The same by plain search, sentence by sentence."""
    known = [tuple(ids.tolist()) for ids in tokenizer.encode(entries) if len(ids) > 1]
    found: list[bool] = []
    for ids in tokenizer.encode(sentences):
        row, bits, at = tuple(ids.tolist()), [False] * len(ids), 0
        while at < len(row):
            whole = [
                len(entry)
                for entry in known
                if row[at : at + len(entry)] == entry
                and not tokenizer.piece(([*row, 5])[at + len(entry)]).startswith("##")
            ]
            size = max(whole, default=1)
            bits[at + 1 : at + size] = [True] * (size - 1)
            at += size
        found += bits
    return found


WORDS = st.text(st.sampled_from("abc"), min_size=1, max_size=2)
PHRASES = st.lists(WORDS, min_size=2, max_size=4).map(" ".join)


@settings(max_examples=150)
@given(
    entries=st.lists(PHRASES, min_size=1, max_size=6),
    sentences=st.lists(st.lists(WORDS, min_size=1, max_size=12).map(" ".join), min_size=1, max_size=5),
    at_once=st.integers(1, 20),
)
def test_any_phrases_in_any_text_are_those_of_a_plain_search(tokenizer, tmp_path_factory, entries, sentences, at_once):
    file = tmp_path_factory.mktemp("lexicon") / "l.txt"
    file.write_text("\n".join(entries), encoding="utf-8")
    lexicon = Lexicon.read(tokenizer, [file])
    ids_T, lengths_S = tokenizer.encode_flat(sentences)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lexicon_module, "_TOKENS_AT_ONCE", at_once)
        found_T = lexicon.continues(ids_T, np.concatenate([[0], np.cumsum(lengths_S)]))
    assert found_T.tolist() == searched(tokenizer, entries, sentences)


def test_entries_that_mark_nothing_are_told(read):
    lexicon = read("new york", "", "city", "漢字", "new york")
    assert (lexicon.unknown, lexicon.single) == (("漢字",), ("city",))
    assert lexicon.lines() == [
        "1 phrases of 2 tokens and more",
        "1 entries unknown to the vocabulary mark nothing: 漢字",
        "1 entries of a single token mark nothing: city",
    ]


def test_order_and_repetition_of_entries_do_not_change_the_fingerprint(read):
    assert read("new york", "a b").fingerprint == read("a b", "new york", "a b", "city").fingerprint
    assert read("new york", "a b").fingerprint != read("new york").fingerprint


def test_a_lexicon_of_no_use_is_refused(read):
    with pytest.raises(DataError, match=r"of 2 entries none can be matched \(1 unknown to the vocabulary, 1 of a sing"):
        read("漢字", "city")


@pytest.fixture
def corpus(tokenizer, tmp_path) -> Corpus:
    text = "\n\n".join(f"new york city a b c\nnew york {'a b ' * n}\nc d" for n in range(1, 20))
    (tmp_path / "c.txt").write_text(text, encoding="utf-8")
    return open_or_build_corpus(CorpusSpec("c", (tmp_path / "c.txt",)), tokenizer, tmp_path / "store")


@pytest.fixture
def files(tmp_path):
    (tmp_path / "l.txt").write_text("new york\na b a\nb c", encoding="utf-8")
    return [tmp_path / "l.txt"]


def test_the_bits_of_a_corpus_are_those_of_its_sentences(corpus, tokenizer, files):
    phrases = open_or_build_phrases(corpus, tokenizer, files)
    shard = corpus.shard(0)
    bits = np.unpackbits(phrases.packed(0), bitorder="little")[: len(shard.ids)].astype(bool)
    sentences = [tokenizer.decode(part) for part in np.split(np.array(shard.ids), shard.sentences_S1[1:-1])]
    assert bits.tolist() == searched(tokenizer, ["new york", "a b a", "b c"], sentences)


def test_a_second_opening_reads_what_the_first_has_written(corpus, tokenizer, files):
    told: list[str] = []
    first = open_or_build_phrases(corpus, tokenizer, files, told.append)
    assert told == ["corpus c: marking phrases: 3 phrases of 2 tokens and more"]
    (folder,) = corpus.folder.glob("phrases-*")
    stamps = {file: file.stat().st_mtime_ns for file in folder.iterdir()}
    again = open_or_build_phrases(corpus, tokenizer, files, told.append)
    assert again.fingerprint == first.fingerprint
    assert stamps == {file: file.stat().st_mtime_ns for file in folder.iterdir()}
    assert len(told) == 1


def test_an_interrupted_build_goes_on_at_the_next_shard_and_ends_the_same(corpus, tokenizer, files):
    whole = open_or_build_phrases(corpus, tokenizer, files).packed(0).tobytes()
    (folder,) = corpus.folder.glob("phrases-*")
    (folder / "phrases.json").unlink()
    finished = (folder / "phrases-00000.bin").stat().st_mtime_ns
    assert open_or_build_phrases(corpus, tokenizer, files).packed(0).tobytes() == whole
    assert (folder / "phrases-00000.bin").stat().st_mtime_ns == finished
    assert json.loads((folder / "phrases.json").read_text())["lexicon"]


def test_a_corpus_open_for_reading_gets_the_same_bits_and_no_file(corpus, tokenizer, files):
    before = sorted(corpus.folder.iterdir())
    reading = Corpus.open(corpus.folder, read_only=True)
    bits = open_or_build_phrases(reading, tokenizer, files).packed(0).tobytes()
    assert sorted(corpus.folder.iterdir()) == before
    assert bits == open_or_build_phrases(corpus, tokenizer, files).packed(0).tobytes()


def test_a_stored_file_that_is_cut_short_is_refused_with_both_sizes(corpus, tokenizer, files):
    size = open_or_build_phrases(corpus, tokenizer, files).packed(0).size
    (folder,) = corpus.folder.glob("phrases-*")
    (folder / "phrases-00000.bin").write_bytes(b"1")
    with pytest.raises(DataError, match=rf"phrases-00000\.bin: 1 bytes, {size} expected"):
        open_or_build_phrases(corpus, tokenizer, files).packed(0)
