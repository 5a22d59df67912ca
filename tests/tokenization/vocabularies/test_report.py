"""The fit of a vocabulary, counted by head on a vocabulary of letters."""

from pathlib import Path

import pytest

from tokenization.tokenizer_files import SPECIALS, bert_tokenizer
from tokenization.vocabularies.report import VocabularyReport, vocabulary_report
from tokenization.vocabularies.training import train_tokenizer
from tokenization.vocabulary import Tokenizer


@pytest.fixture
def small() -> Tokenizer:
    entries = [*SPECIALS, "a", "##a", "cat", ".", "中"]
    return Tokenizer(bert_tokenizer({entry: number for number, entry in enumerate(entries)}, True))


def test_the_counts_are_those_made_by_head(small: Tokenizer) -> None:
    # cat | aa → a ##a | dog → unknown | . | 中 | 文 → unknown
    assert vocabulary_report(small, ["Cat aa", "dog. 中文"]) == VocabularyReport(
        characters=11, tokens=7, unknown=2, words=5, pieces=6, whole=2
    )


def test_the_shares_are_told_in_a_line(small: Tokenizer) -> None:
    assert str(vocabulary_report(small, ["cat cat aa dog"])) == (
        "20.000% of tokens unknown, 1.25 pieces a word, 50.0% of words whole, 0.45 tokens a character"
    )


def test_nothing_to_count_is_no_division_by_nothing(small: Tokenizer) -> None:
    assert vocabulary_report(small, ["", " "]) == VocabularyReport(0, 0, 0, 0, 0, 0)
    assert str(vocabulary_report(small, [" "])).startswith("0.000% of tokens unknown")


@pytest.mark.parametrize("kind", ["wordpiece", "bpe", "unigram"])
def test_words_that_are_one_piece_are_whole_whatever_marks_their_space(kind: str) -> None:
    trained = train_tokenizer(["happy people sing", "happyish peoples singing"] * 40, kind, 300, True)
    found = vocabulary_report(trained, ["happy people"])
    assert (found.words, found.pieces, found.whole, found.unknown) == (2, 2, 2, 0)


@pytest.mark.data
def test_berts_vocabulary_knows_english_better_than_chinese_does(data: Path) -> None:
    text = (data / "text" / "wikitext-2" / "valid.txt").read_text(encoding="utf-8").split("\n")[:200]
    english = Tokenizer.load(data / "vocab" / "bert-base-uncased.txt", lowercase=True)
    chinese = Tokenizer.load(data / "vocab" / "bert-base-chinese.txt", lowercase=True)
    first, second = vocabulary_report(english, text), vocabulary_report(chinese, text)
    assert first.words == second.words
    assert 1.0 < first.pieces_per_word < 1.3 < second.pieces_per_word
    assert first.whole_share > 0.85 > second.whole_share
