"""Sentences: the usual traps of English and Chinese, and nothing lost."""

import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenization import sentences
from tokenization.errors import RecipeError
from tokenization.sentences import LANGUAGES, SPLITTERS, split_sentences
from tokenization.vocabulary import Tokenizer

CASES = [
    ("en", ["It rained.", "Then it stopped.", "Did it?", "Yes!"]),
    ("en", ["Dr. Smith met J. R. Tolkien in the U.S. Army.", "He paid $3.50 for it."]),
    ("en", ["See Fig. 3 and No. 5, e.g. in the paper.", "The answer was no.", "We left."]),
    ("en", ['He said "Go."', '"No," she said.', "(It was late.)"]),
    ("en", ["What is it... nothing.", "Wait...", "Now go."]),
    ("en", ["It weighs 6 kilograms ( 13 lb ) .", "In life , it is blue ."]),
    ("en", ["Version 2.0 is out.", "3 people use it."]),
    ("de", ["Das ist z.B. gut.", "Am 3. Mai kam Dr. Braun."]),
    ("fr", ["Bonjour M. Dupont.", "Ça va ?"]),
    ("zh", ["今天下雨。", "明天呢？", "不知道！"]),
    ("zh", ["他说：“你好。”", "我走了；", "他没有……", "好"]),
    ("zh", ["圆周率是3.14。", "（完。）", "真的？！"]),
    ("zh", ["他說：「不可！」。", "「是。」，他說；", "1999年生。"]),
    ("zh", ["我用Yahoo!奇摩。", "好!", "是吗??", "（；），阮福美堂"]),
]


@pytest.mark.parametrize(("language", "expected"), CASES)
def test_known_texts_are_cut_where_a_reader_would(language: str, expected: list[str]) -> None:
    joined = ("" if language == "zh" else " ").join(expected)
    assert split_sentences(joined, language) == expected


def test_a_sentence_never_crosses_a_line() -> None:
    assert split_sentences("A title\n\n  no stop here \nand on", "en") == ["A title", "no stop here", "and on"]


def test_every_line_ends_a_sentence_and_no_control_character_does() -> None:
    for name in SPLITTERS:
        assert split_sentences("a\rb\r\nc\u2028d\u2029e\x0bf\x1cg\x85h", "en", name) == [
            "a",
            "b",
            "c",
            "d",
            "e\x0bf\x1cg\x85h",
        ]


def test_the_splitter_can_be_chosen() -> None:
    assert split_sentences("One. Two。三\nfour", "en", "lines") == ["One. Two。三", "four"]
    assert split_sentences("One. Two。三", "en", "chinese") == ["One. Two。", "三"]
    assert split_sentences("One. Two.", "zh", "sentencex") == ["One.", "Two."]


@pytest.mark.parametrize("splitter", SPLITTERS)
@given(text=st.text(alphabet="aA1 .!?…。！”’\"')(\n\t；，“«\xa0\u2009\u3000\u200b\x1c中é", max_size=60))
def test_nothing_but_white_space_is_lost(splitter: str, text: str) -> None:
    found = split_sentences(text, "en", splitter)
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(sentence and sentence == sentence.strip() for sentence in found)


@given(text=st.text(max_size=40), language=st.sampled_from(LANGUAGES))
def test_any_text_in_any_language_is_cut(text: str, language: str) -> None:
    assert "".join("".join(split_sentences(text, language)).split()) == "".join(text.split())


def test_wide_white_space_after_an_initial_is_white_space() -> None:
    assert split_sentences("He met J.\u2009R.\xa0Tolkien.\u3000Then A.\u2028", "en") == [
        "He met J.\u2009R.\xa0Tolkien.",
        "Then A.",
    ]


def test_a_long_line_is_cut_as_if_it_were_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    text = " ".join(f"Sentence {number} costs {number}.5 dollars, Mr. Smith said." for number in range(200))
    whole = split_sentences(text, "en")
    assert len(whole) == 200
    for window in (120, 500, 1999):
        monkeypatch.setattr(sentences, "_WINDOW", window)
        assert split_sentences(text, "en") == whole


def test_a_line_without_end_is_cut_between_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentences, "_WINDOW", 10)
    assert split_sentences("some words that go on", "en") == ["some", "words", "that go on"]
    assert split_sentences("x" * 35 + " yes indeed", "en") == ["x" * 35 + " yes", "indeed"]


@pytest.mark.parametrize("splitter", SPLITTERS)
@pytest.mark.parametrize("unit", [".", '"', "'", "“", "(", "。", "。，", " .", "A. ", "…” ", "J.\xa0", "a"])
def test_pathological_text_takes_linear_time(splitter: str, unit: str) -> None:
    """In CPU time, which other work does not lengthen: four times the text takes less than eight times as long."""

    def seconds(characters: int) -> float:
        began = time.process_time()
        split_sentences(unit * (characters // len(unit)), "en", splitter)
        return time.process_time() - began

    assert seconds(400_000) < 8 * seconds(100_000) + 0.5


def test_an_unknown_language_or_splitter_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"'eng' is not a two-letter code .* such as en, zh or de"):
        split_sentences("Hello.", "eng")
    with pytest.raises(
        RecipeError, match=r"'sentencx' is not one of sentencex, chinese, lines. Did you mean 'sentencex'"
    ):
        split_sentences("Hello.", "en", "sentencx")


@pytest.mark.data
@pytest.mark.parametrize(
    ("corpus", "vocabulary", "language"),
    [
        ("enwiki", "bert-base-uncased", "en"),
        ("zhwiki", "bert-base-chinese", "zh"),
        ("zhwiki", "bert-base-chinese", "en"),
    ],
)
def test_cutting_into_sentences_changes_no_token(
    data_folder: Path, corpus: str, vocabulary: str, language: str
) -> None:
    rows = parquet.ParquetFile(data_folder / "text" / f"{corpus}.parquet").iter_batches(1000, columns=["text"])
    texts = next(rows)["text"].to_pylist()
    tokenizer = Tokenizer.load(data_folder / "vocab" / f"{vocabulary}.txt", lowercase="uncased" in vocabulary)
    for text, whole in zip(texts, tokenizer.encode(texts), strict=True):
        ids_T, _ = tokenizer.encode_flat(split_sentences(text, language))
        np.testing.assert_array_equal(ids_T, whole)
