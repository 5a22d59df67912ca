"""The vocabulary's own word marks: hand-written pieces of each kind, and the tokenizer's word numbers as oracle."""

from itertools import pairwise

import numpy as np
import pytest
import tokenizers
from tokenizers import decoders, models, pre_tokenizers, trainers

from tokenization.tokenizer_files import SPECIALS, bert_tokenizer
from tokenization.vocabulary import Tokenizer
from tokenization.words.continuation import continues_vocabulary

TEXT = [
    "The unbelievable, misunderstandings of 12345 interchangeable naïve words: don't! (really) 中国 北京",
    "北北 北",
] * 3


def tokenizer_of(raw, trainer) -> Tokenizer:
    raw.train_from_iterator(TEXT, trainer)
    return Tokenizer(raw)


@pytest.fixture(scope="module")
def byte_level() -> Tokenizer:
    raw = tokenizers.Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    return tokenizer_of(
        raw, trainers.BpeTrainer(vocab_size=330, special_tokens=list(SPECIALS), initial_alphabet=alphabet)
    )


@pytest.fixture(scope="module")
def unigram() -> Tokenizer:
    raw = tokenizers.Tokenizer(models.Unigram())
    raw.pre_tokenizer = pre_tokenizers.Metaspace()
    raw.decoder = decoders.Metaspace()
    return tokenizer_of(raw, trainers.UnigramTrainer(vocab_size=80, special_tokens=list(SPECIALS), unk_token="[UNK]"))


def units(tokenizer: Tokenizer, text: str) -> list[str]:
    """The pieces of a text, those that continue joined to the one before."""
    (ids,) = tokenizer.encode([text])
    starts = np.flatnonzero(~continues_vocabulary(tokenizer)[ids]).tolist()
    pieces = [tokenizer.piece(number) for number in ids.tolist()]
    return ["".join(pieces[start:stop]) for start, stop in pairwise([*starts, len(pieces)])]


def test_wordpiece_pieces_after_the_first_continue_and_hash_marks_alone_say_so():
    tokens = [*SPECIALS, "un", "##able", "#", "##", "a##", "[unused1]"]
    table_V = continues_vocabulary(
        Tokenizer(bert_tokenizer({token: number for number, token in enumerate(tokens)}, True))
    )
    assert [token for token, goes_on in zip(tokens, table_V, strict=True) if goes_on] == ["##able", "##"]


def test_special_tokens_never_continue(byte_level, unigram):
    for tokenizer in (byte_level, unigram):
        assert not continues_vocabulary(tokenizer)[sorted(tokenizer.specials)].any()


def test_a_byte_level_word_begins_at_a_space_and_punctuation_and_han_are_words_of_their_own(byte_level):
    assert units(byte_level, " a misunderstanding, don't") == ["Ġa", "Ġmisunderstanding", ",", "Ġdon", "'t"]
    assert units(byte_level, " of北")[0] == "Ġof"


def test_a_unigram_word_begins_at_a_space_and_punctuation_and_han_are_words_of_their_own(unigram):
    assert units(unigram, "misunderstanding, words") == ["▁misunderstanding", ",", "▁words"]
    assert units(unigram, "of中国") == ["▁of", "中", "国"]
