"""Words of the raw text among its tokens. Oracles: words written out by hand, and a plain walk over the offsets of
`tokenizers` itself."""

import numpy as np
import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import decoders, models, pre_tokenizers

from tokenization.tokenizer_files import SPECIALS, bert_tokenizer
from tokenization.vocabulary import Tokenizer
from tokenization.words.boundaries import segmented_flat
from tokenization.words.segmenters import SEGMENTERS, find_segmenter

PIECES = [*"我来到北京清华大学中国，。5年", *"abcdeflowr", *(f"##{c}" for c in "abcdeflowr5"), "2015", "hello", "wor"]


@pytest.fixture(scope="module")
def chinese() -> Tokenizer:
    tokens = [*SPECIALS, *dict.fromkeys(PIECES)]
    return Tokenizer(bert_tokenizer({token: number for number, token in enumerate(tokens)}, lowercase=True))


def units(tokenizer: Tokenizer, text: str, segmenter: str = "jieba") -> str:
    """The pieces of a text, a bar before each that begins a word."""
    ids_T, _, continues_T = segmented_flat(tokenizer, segmenter, [text])
    pieces = (tokenizer.piece(number) for number in ids_T.tolist())
    return "".join(piece if goes_on else f"|{piece}" for piece, goes_on in zip(pieces, continues_T, strict=True))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我来到北京清华大学。", "|我|来到|北京|清华大学|。"),
        ("2015年", "|2015|年"),
        ("hello world，中国", "|hello|wor##l##d|，|中国"),
        ("  中国\t北京 ", "|中国|北京"),
        ("北京\u200b中国", "|北京|中国"),
        ("清华é大学", "|清华|e|大学"),
        ("caféol", "|c##a##f##e##o##l"),
        ("", ""),
        (" ", ""),
    ],
)
def test_the_words_of_hand_written_text(chinese, text, expected):
    assert units(chinese, text) == expected


def test_a_word_with_an_unknown_character_stays_one_word(chinese):
    assert find_segmenter("jieba")("北京天安门")[-1] == "天安门"
    assert units(chinese, "北京天安门") == "|北京|[UNK][UNK][UNK]"


@pytest.fixture
def of_pairs() -> Tokenizer:
    """A tokenizer of the pieces ab, cd, ef."""
    raw = tokenizers.Tokenizer(
        models.Unigram([(s, -9.0) for s in SPECIALS] + [(p, -1.0) for p in ("ab", "cd", "ef")], 1)
    )
    raw.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    raw.decoder = decoders.Metaspace()
    raw.add_special_tokens(list(SPECIALS))
    return Tokenizer(raw)


def cutting_at(*places: int):
    return lambda: lambda text: [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]


@pytest.mark.parametrize(
    ("places", "expected"),
    [((2, 4), "|ab|cd|ef"), ((4,), "|abcd|ef"), ((1,), "|abcdef"), ((3, 4), "|abcd|ef"), ((2, 3), "|ab|cdef")],
)
def test_a_bound_inside_a_token_is_dropped_and_the_words_on_both_sides_are_one(of_pairs, monkeypatch, places, expected):
    monkeypatch.setitem(SEGMENTERS, "cuts", (cutting_at(*places), ""))
    find_segmenter.cache_clear()
    assert units(of_pairs, "abcdef", "cuts") == expected


def walked(tokenizer: Tokenizer, segmenter: str, text: str) -> list[bool]:
    """A token continues if no word of the text begins between the end of the one before and its own first character."""
    bounds, place = set(), 0
    for word in find_segmenter(segmenter)(text):
        bounds.add(place)
        place += len(word)
    encoding = tokenizer._raw.encode(text, add_special_tokens=False)
    found: list[bool] = []
    for number, ((_, before), (start, _)) in enumerate(
        zip([(0, 0), *encoding.offsets], encoding.offsets, strict=False)
    ):
        begins = start in bounds and start >= before and not encoding.tokens[number].startswith("##")
        found.append(number > 0 and not begins)
    return found


TEXTS = st.text(st.sampled_from("我来到北京清华大学中国天安门，。 abcdewrlo5\u200be\u0301\n-'"), max_size=40)


@settings(max_examples=200)
@given(texts=st.lists(TEXTS, max_size=5), segmenter=st.sampled_from(["jieba", "rjieba"]))
def test_many_texts_at_once_are_each_as_alone_and_ids_are_those_without_a_segmenter(chinese, texts, segmenter):
    ids_T, lengths_N, continues_T = segmented_flat(chinese, segmenter, texts)
    plain_T, plain_N = chinese.encode_flat(texts)
    assert np.array_equal(ids_T, plain_T)
    assert np.array_equal(lengths_N, plain_N)
    assert continues_T.tolist() == [bit for text in texts for bit in walked(chinese, segmenter, text)]
