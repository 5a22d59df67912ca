"""Vocabularies of every kind: a function of the text, of the size asked for, the special tokens first."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import tokenizers
import transformers

from tokenization.errors import DataError, RecipeError
from tokenization.tokenizer_files import SPECIALS
from tokenization.vocabularies.sampling import sampled
from tokenization.vocabularies.training import train_tokenizer
from tokenization.vocabularies.unigram import settled
from tokenization.vocabulary import Tokenizer

KINDS = ("wordpiece", "bpe", "unigram")
WORDS = [f"{a}{b}ing {b}{a}ed" for a in ("run", "walk", "talk", "zeb", "qu") for b in ("un", "re", "pre", "ok")]
TEXTS = ["The unbelievable Zürich-based naïve café, isn't it?", "圆周率 is 3.14；русский текст\tone\n two", *WORDS] * 4

TRAIN = """
import sys
from pathlib import Path
from tokenization.vocabularies.training import train_tokenizer
from tokenization.vocabularies.unigram import settled
kind, folder = sys.argv[1:3]
words = [f"{a}{b}ing {b}{a}ed {b}ly" for a in ("run", "walk", "talk", "zeb", "qu") for b in ("un", "re", "pre", "ok")]
odd = ["".join(chr(0x4E00 + 7 * n) for n in range(40)), "Q W X ß Ñ ø", "a-b/c"]
train_tokenizer(words * 3 + odd, kind, 400, True).save(Path(folder))
"""


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("kind", KINDS)
def test_training_gives_equal_bytes_in_every_process(kind: str, tmp_path: Path) -> None:
    # The library's own trainers number, score or list some pieces by a hash table that is seeded per process.
    for seed in ("0", "1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", TRAIN, kind, str(tmp_path / seed)], check=True, env=environment)
    assert len({(tmp_path / seed / "tokenizer.json").read_bytes() for seed in "012"}) == 1


def test_training_honours_the_size_and_puts_specials_first(kind: str) -> None:
    trained = train_tokenizer(TEXTS, kind, 300, lowercase=True)
    assert trained.size <= 300
    assert [trained.piece(number) for number in range(5)] == list(SPECIALS)
    assert (trained.pad, trained.unk, trained.cls, trained.sep, trained.mask) == (0, 1, 2, 3, 4)
    again = train_tokenizer(iter(TEXTS), kind, 300, lowercase=True)
    assert again.fingerprint == trained.fingerprint


@pytest.mark.parametrize("lowercase", [True, False])
def test_what_is_trained_opens_in_transformers_with_equal_ids(kind: str, lowercase: bool, tmp_path: Path) -> None:
    trained = train_tokenizer(TEXTS, kind, 400, lowercase)
    trained.save(tmp_path)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    texts = [*TEXTS[:6], "Zürich 🤗  spaced  out", ""]
    assert [ids.tolist() for ids in trained.encode(texts)] == theirs(texts, add_special_tokens=False)["input_ids"]
    assert theirs("run")["input_ids"] == [trained.cls, *trained.encode(["run"])[0], trained.sep]
    assert (theirs.pad_token_id, theirs.unk_token_id, theirs.mask_token_id) == (0, 1, 4)
    again = Tokenizer.load(tmp_path)
    assert again.fingerprint == trained.fingerprint


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_a_cased_vocabulary_gives_back_the_text_and_an_uncased_one_without_case_and_accents(kind: str) -> None:
    text = "The unbelievable Zürich-based naïve café, isn't it?"
    plain = "the unbelievable zurich-based naive cafe, isn't it?"
    for lowercase, expected in ((False, text), (True, plain)):
        trained = train_tokenizer(TEXTS, kind, 400, lowercase)
        assert trained.decode(trained.encode([text])[0]) == expected


def test_a_token_begins_where_its_letters_stand_in_the_text(kind: str) -> None:
    trained = train_tokenizer(["run walk"] * 20 + TEXTS, kind, 400, lowercase=True)
    text = "Rün Walk"
    found = trained.encode_places([text])
    assert len(found.ids_T) == 2
    assert [text[place:].lstrip()[:3] for place in found.places_T] == ["Rün", "Wal"]


def test_a_special_token_written_in_a_text_is_only_text_for_every_kind(kind: str) -> None:
    trained = train_tokenizer([*TEXTS, "[CLS] [MASK] [SEP][PAD]"] * 3, kind, 400, lowercase=False)
    for ids in trained.encode(["a [SEP] b", "[MASK][CLS]", "[PAD]", "x[MASK]"]):
        assert not set(ids.tolist()) & (trained.specials - {trained.unk})


def test_the_common_words_become_pieces(kind: str) -> None:
    trained = train_tokenizer(["unhappy people are unhappy", "unhappyish peoples"] * 20, kind, 300, lowercase=True)
    assert len(trained.encode(["unhappy people"])[0]) == 2


@pytest.mark.parametrize("kind", ["wordpiece", "unigram"])
def test_a_large_alphabet_does_not_overflow_the_size(kind: str) -> None:
    characters = "".join(chr(0x4E00 + number) for number in range(3000))
    assert train_tokenizer([characters], kind, 500, lowercase=True).size <= 500


def test_word_pieces_cut_chinese_into_characters_whatever_the_text() -> None:
    trained = train_tokenizer(["圆周率 圆周率"] * 50, "wordpiece", 100, lowercase=True)
    assert [trained.piece(number) for number in trained.encode(["圆周率"])[0]] == ["圆", "周", "率"]


def test_training_on_nothing_or_too_small_is_refused(kind: str) -> None:
    with pytest.raises(DataError, match="no text"):
        train_tokenizer([" \n"], kind, 300, True)
    with pytest.raises(RecipeError, match="size: 8 is below"):
        train_tokenizer(["a"], kind, 8, True)


def test_a_unigram_model_counts_no_run_longer_than_a_thousand_characters() -> None:
    """A 200 kB line without a space: whole, the library's lattice over it takes minutes."""
    trained = train_tokenizer(["ab" * 100_000, *TEXTS], "unigram", 300, True)
    assert trained.size <= 300


def test_of_too_much_text_a_share_of_documents_chosen_by_content_is_counted() -> None:
    texts = [f"document {number} of a hundred or more" for number in range(2000)]
    total = sum(map(len, texts))
    part = sampled(texts, "wordpiece", total // 4)
    chosen = list(part)
    assert part.share == pytest.approx(0.25, abs=1e-3)
    assert abs(len(chosen) - 500) < 5 * (2000 * 0.25 * 0.75) ** 0.5  # five standard deviations of the binomial
    assert list(sampled(texts[::-1], "wordpiece", total // 4)) == chosen[::-1]
    assert list(sampled(texts, "wordpiece", total)) == texts


def test_clauses_without_spaces_count_dearer_for_the_trainers_that_hold_them_whole() -> None:
    class Endless:
        def __iter__(self) -> Iterator[str]:
            return iter(["圆" * 1_000_000] * 40)

    assert sampled(Endless(), "wordpiece", 10**9).share == 1
    assert sampled(Endless(), "bpe", 10**9).share == 0.5
    assert sampled(Endless(), "unigram", 10**9).share == 0.2
    assert sampled(["some words " * 1000], "unigram", 10**9).share == 1


def test_the_tokenizers_library_is_where_the_ids_come_from(kind: str, tmp_path: Path) -> None:
    trained = train_tokenizer(TEXTS, kind, 400, lowercase=True)
    trained.save(tmp_path)
    raw = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert [e.ids for e in raw.encode_batch(TEXTS[:9], add_special_tokens=False)] == [
        ids.tolist() for ids in trained.encode(TEXTS[:9])
    ]


def test_characters_that_the_unigram_trainer_lost_have_the_same_scores_whatever_order_it_found_them_in() -> None:
    # The trainer gives the lost ones -9, -8.9999, … in the order of a hash table; j has the lowest score of its own.
    orders = [{"j": -9.0, "'": -9.0, "q": -8.9999}, {"q": -9.0, "j": -9.0, "'": -8.9999}]
    made = [settled([("the", -1.00001), *(order.items()), ("a", -3.0)]) for order in orders]
    assert made[0] == made[1] == [("the", -1.0), ("a", -3.0), ("'", -8.9999), ("j", -9.0), ("q", -9.0)]
