"""Sentences: the usual traps of English and Chinese, and nothing lost."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenization.errors import RecipeError
from tokenization.sentences import SPLITTERS, split_sentences

CASES = [
    ("en", ["It rained.", "Then it stopped.", "Did it?", "Yes!"]),
    ("en", ["Dr. Smith met J. R. Tolkien in the U.S. Army.", "He paid $3.50 for it."]),
    ("en", ["See Fig. 3 and No. 5, e.g. The Times.", "The answer was no.", "We left."]),
    ("en", ['He said "Go."', '"No," she said.', "(It was late.)", "Fine."]),
    ("en", ["What is it... nothing.", "Wait...", "Now go."]),
    ("en", ["It weighs 6 kilograms ( 13 lb ) .", "In life , it is blue ."]),
    ("en", ["Version 2.0 is out.", "3 people use it."]),
    ("zh", ["今天下雨。", "明天呢？", "不知道！"]),
    ("zh", ["他说：“你好。”", "我走了；", "他没有……", "好"]),
    ("zh", ["圆周率是3.14。", "（完。）", "真的？！"]),
]


@pytest.mark.parametrize(("language", "sentences"), CASES)
def test_known_texts_are_cut_where_a_reader_would(language: str, sentences: list[str]) -> None:
    joined = (" " if language == "en" else "").join(sentences)
    assert split_sentences(joined, language) == sentences


def test_a_sentence_never_crosses_a_line() -> None:
    assert split_sentences("A title\n\n  no stop here \nand on", "en") == ["A title", "no stop here", "and on"]


@pytest.mark.parametrize("language", sorted(SPLITTERS))
@settings(deadline=None)
@given(text=st.text(alphabet="aA1 .!?…。！”’\"')(\n\t；", max_size=60))
def test_nothing_but_white_space_is_lost(language: str, text: str) -> None:
    sentences = split_sentences(text, language)
    assert "".join("".join(sentences).split()) == "".join(text.split())
    assert all(sentence and sentence == sentence.strip() for sentence in sentences)


def test_pathological_text_takes_linear_time() -> None:
    for unit in (".", '"', "。", " .", "A. ", "…” "):
        for language in SPLITTERS:
            began = time.perf_counter()
            split_sentences(unit * 100_000, language)
            assert time.perf_counter() - began < 5


def test_an_unknown_language_is_refused_with_those_there_are() -> None:
    with pytest.raises(RecipeError, match="'fr' is not one of en, zh"):
        split_sentences("Bonjour.", "fr")
