"""Spans of a corpus as sequences: laid out as written, and with units where they are asked for.

Oracles: sequences put together span by span from `Corpus.tokens`, and word bits written out by hand.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretrain.blocks import BlockSource
from pretrain.pairs import PairSource
from pretrain.spans import SpanReader, Units
from tests.plain_corpus import continues
from tokenization.building.runners import in_this_process
from tokenization.corpus import Corpus
from tokenization.corpus_build import build_corpus
from tokenization.spec import CorpusSpec
from tokenization.store import open_or_build_corpus
from tokenization.tokenizer_files import SPECIALS, bert_tokenizer
from tokenization.vocabulary import Tokenizer
from tokenization.words.continuation import continues_vocabulary
from tokenization.words.phrases import open_or_build_phrases
from training.address import key_of

KEY = key_of(1, "stage", "units")
HAN = "我来到北京清华大学。中国"


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    tokens = [*SPECIALS, *HAN, *"abc", "##a", "##b", "##c"]
    return Tokenizer(bert_tokenizer({token: number for number, token in enumerate(tokens)}, lowercase=True))


@pytest.fixture(scope="module")
def build(tokenizer, tmp_path_factory):
    def built(text: str, **settings) -> Corpus:
        folder = tmp_path_factory.mktemp("corpus")
        (folder / "c.txt").write_text(text, encoding="utf-8")
        spec = CorpusSpec("c", (folder / "c.txt",), held_out=0.0, **settings)
        return open_or_build_corpus(spec, tokenizer, folder / "store")

    return built


@pytest.fixture(scope="module")
def english(build) -> Corpus:
    return build("\n\n".join("ab c abc\nb ca\ncab a b" for _ in range(12)))


@pytest.fixture(scope="module")
def chinese(build) -> Corpus:
    return build(
        "\n\n".join(f"我来到北京清华大学。\n中国北京大学。{'ab' * n}" for n in range(12)),
        language="zh",
        segmenter="jieba",
    )


SPANS = st.lists(
    st.tuples(st.integers(0, 10), st.integers(0, 6), st.integers(0, 10), st.integers(0, 6)), min_size=1, max_size=5
)


@given(rows=SPANS)
def test_sequences_are_cls_span_sep_span_sep_with_segments_and_maskable_tokens(english, tokenizer, rows):
    start_K2, length_K2 = np.array(rows)[:, [0, 2]] + 7, np.array(rows)[:, [1, 3]]
    found = SpanReader(english, tokenizer, None).read(start_K2, length_K2, np.arange(len(rows)))
    at = 0
    for (a, b), (m, n) in zip(start_K2, length_K2, strict=True):
        first, second = english.tokens(a, a + m), english.tokens(b, b + n)
        tokens = [tokenizer.cls, *first, tokenizer.sep, *second, tokenizer.sep]
        part = slice(at, at + len(tokens))
        assert found.tokens_T[part].tolist() == tokens
        assert found.segments_T[part].tolist() == [0] * (m + 2) + [1] * (n + 1)
        assert found.maskable_T[part].tolist() == [token not in tokenizer.specials for token in tokens]
        at += len(tokens)
    assert found.offsets_N1[-1] == at == len(found.tokens_T)
    assert found.continues_T is None


def words(sequences, tokenizer) -> set[str]:
    """The units of some sequences, special tokens left out."""
    begins_T = ~sequences.continues_T
    starts = np.flatnonzero(begins_T)
    assert np.isin(sequences.offsets_N1[:-1], starts).all()
    parts = np.split(sequences.tokens_T, starts[1:])
    return {"".join(tokenizer.piece(int(n)) for n in part) for part in parts if part[0] not in tokenizer.specials}


def test_without_a_segmenter_the_vocabularys_marks_tell_the_words(english, tokenizer):
    source = BlockSource(english, tokenizer, 30, units=Units(english, tokenizer))
    drawn = source.draw(np.arange(source.size), KEY)
    assert np.array_equal(drawn.continues_T, continues_vocabulary(tokenizer)[drawn.tokens_T])
    assert words(drawn, tokenizer) == {"a##b", "c", "a##b##c", "b", "c##a", "c##a##b", "a"}


def test_a_segmenters_words_come_from_the_corpus(chinese, tokenizer):
    source = BlockSource(chinese, tokenizer, 60, units=Units(chinese, tokenizer))
    found = words(source.draw(np.arange(source.size), KEY), tokenizer)
    assert {"我", "来到", "北京", "清华大学", "中国", "北京大学", "。"} >= {w for w in found if w[0] in HAN}
    assert {"来到", "清华大学", "北京大学", "a##b##a##b"} <= found


def test_phrases_join_words(chinese, tokenizer, tmp_path):
    (tmp_path / "l.txt").write_text("来到北京\n中国北", encoding="utf-8")
    phrases = open_or_build_phrases(chinese, tokenizer, [tmp_path / "l.txt"])
    source = BlockSource(chinese, tokenizer, 60, units=Units(chinese, tokenizer, phrases))
    found = words(source.draw(np.arange(source.size), KEY), tokenizer)
    # The second phrase ends inside a word of the segmenter: both are one unit.
    assert {"来到北京", "中国北京大学"} <= found


def test_the_halves_of_a_pair_never_join_and_units_change_nothing_else(chinese, tokenizer):
    draws = np.arange(200)
    plain = PairSource(chinese, tokenizer, 14).draw(draws, KEY)
    drawn = PairSource(chinese, tokenizer, 14, Units(chinese, tokenizer)).draw(draws, KEY)
    for name in ("tokens_T", "segments_T", "maskable_T", "offsets_N1", "draws_N", "labels_N"):
        assert np.array_equal(getattr(drawn, name), getattr(plain, name)), name
    special_T = np.isin(drawn.tokens_T, [tokenizer.cls, tokenizer.sep])
    assert not drawn.continues_T[special_T].any()
    assert not drawn.continues_T[np.flatnonzero(special_T)[:-1] + 1].any()
    assert drawn.continues_T.mean() > 0.2


def test_many_shards_are_read_as_one(tokenizer, tmp_path):
    """A corpus of several shards draws what its tokens, read one by one, say."""
    text = "\n\n".join(f"我来到北京\nab {'c ' * number}中国\n清华大学" for number in range(20))
    (tmp_path / "many.txt").write_text(text, encoding="utf-8")
    spec = CorpusSpec("many", (tmp_path / "many.txt",), held_out=0.0, language="zh", segmenter="jieba")
    corpus = build_corpus(spec, tokenizer, tmp_path / "many", unit_bytes=300, runner=in_this_process)
    assert len(corpus.manifest.shards) > 3
    source = BlockSource(corpus, tokenizer, 12, units=Units(corpus, tokenizer))
    drawn = source.draw(np.arange(source.size), KEY)
    bodies = np.split(drawn.tokens_T, drawn.offsets_N1[1:-1])
    bits = np.split(drawn.continues_T, drawn.offsets_N1[1:-1])
    places = source._table.rows(np.arange(source.size), KEY)
    for place, body, bit in zip(places, bodies, bits, strict=True):
        start, length = place.tolist()
        stop = start + length
        assert body[1:-1].tolist() == corpus.tokens(start, stop).tolist()
        assert bit[2:-1].tolist() == continues(corpus, start, stop)[1:].tolist()
