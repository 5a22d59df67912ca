"""Ids back to text. Oracles: texts as they were; the real sets, cut and put together again."""

import pytest
from sacrebleu.metrics import BLEU

from finetune.generation.spacing import spaced, text_of
from tokenization.vocabulary import Tokenizer

TEXTS = (
    "a dog runs, jumps (twice) and barks.",
    "two girls' hats; the woman's dog isn't here!",
    "a 3.5 inch pipe at 12:30, and 10,000 men.",
    'he says "stop" and "go" again.',
    "in front of a store called „terrible's“ stands a man.",
    "a black-and-white dog on t-shirts",
    "他在森林里看到一只狗。我已经起来了，是吗？",
    "$20 for all",
)


@pytest.mark.parametrize("text", TEXTS)
def test_blanks_come_back_where_they_were(text):
    parted = "".join(f" {c} " if (not c.isalnum() and c != " ") or "\u4e00" <= c <= "\u9fff" else c for c in text)
    assert spaced(parted.split()) == text


def test_pieces_are_joined_and_special_tokens_left_out(tokenizer):
    ids = [tokenizer.cls, *tokenizer.encode(["abc de"])[0].tolist(), tokenizer.mask, tokenizer.unk, tokenizer.sep]
    assert text_of(tokenizer, ids) == "abc de [UNK]"
    assert text_of(tokenizer, []) == ""


def test_a_piece_that_goes_on_with_nothing_keeps_its_marks(tokenizer):
    """A model may write what no text is cut into."""
    assert text_of(tokenizer, tokenizer.encode(["ab"])[0].tolist()[1:]) == "##b"


@pytest.mark.data
@pytest.mark.parametrize(
    ("vocabulary", "lowercase", "file", "share"),
    [
        ("bert-base-uncased.txt", True, "parallel/multi30k/val.en", 0.995),
        ("bert-base-cased.txt", False, "parallel/multi30k/val.de", 0.99),
    ],
)
def test_what_is_cut_and_put_together_is_the_text_but_for_a_few_blanks(data, vocabulary, lowercase, file, share):
    lines = (data / file).read_text(encoding="utf-8").splitlines()
    tokenizer = Tokenizer.load(data / "vocab" / vocabulary, lowercase=lowercase)
    found = [text_of(tokenizer, ids.tolist()) for ids in tokenizer.encode(lines)]
    known = [" ".join((line.lower() if lowercase else line).split()) for line in lines]
    assert ["".join(text.split()) for text in found] == ["".join(text.split()) for text in known]
    assert sum(one == other for one, other in zip(found, known, strict=True)) / len(lines) >= share
    assert BLEU().corpus_score(found, [known]).score >= 99.8
