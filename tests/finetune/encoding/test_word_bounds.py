"""Words of a task's text: token for token beside what `encode_examples` lays out, truncation included."""

from dataclasses import replace

import numpy as np
import pytest

from finetune.encoding.encode import encode_examples
from finetune.encoding.word_bounds import continues_words
from finetune.source import TextOfTasks
from finetune.tasks.example import Example
from tokenization.tokenizer_files import SPECIALS, bert_tokenizer
from tokenization.vocabulary import Tokenizer
from training.address import key_of

KEY = key_of(1, "stage", "text")


def units(tokenizer, spec, examples, length=32) -> list[str]:
    """Each example's pieces, those that continue joined to the one before."""
    encoded = encode_examples(spec, "train", examples, tokenizer, length)
    continues_T = continues_words(spec, examples, tokenizer, length)
    assert len(continues_T) == len(encoded.tokens_T)
    pieces = [tokenizer.piece(number) for number in encoded.tokens_T.tolist()]
    joined = [piece if goes_on else f" {piece}" for piece, goes_on in zip(pieces, continues_T, strict=True)]
    return ["".join(part).strip() for part in np.split(np.array(joined), encoded.offsets_N1[1:-1])]


def test_the_vocabularys_marks_tell_the_words_of_text_with_spaces(single, pair, tokenizer):
    examples = [Example("0", ("abc de",), (), "sad"), Example("1", ("f",), (), "sad")]
    assert units(tokenizer, single, examples) == ["[CLS] a##b##c d##e [SEP]", "[CLS] f [SEP]"]
    both = [Example("0", ("ab", "cd e"), (), 0.0), Example("1", ("", "f"), (), 0.0)]
    assert units(tokenizer, pair, both) == ["[CLS] a##b [SEP] c##d e [SEP]", "[CLS] [SEP] f [SEP]"]


def test_a_word_cut_at_the_length_keeps_what_stands_of_it(single, pair, tokenizer):
    assert units(tokenizer, single, [Example("0", ("ab cdef",), (), "sad")], 6) == ["[CLS] a##b c##d [SEP]"]
    assert units(tokenizer, pair, [Example("0", ("abcdef", "gh"), (), 0.0)], 8) == ["[CLS] a##b##c [SEP] g##h [SEP]"]


def test_a_tagging_tasks_words_are_its_own(tagging, tokenizer):
    examples = [Example("0", (), ("ab-c", "d"), ("O", "O"))]
    assert units(tokenizer, tagging, examples) == ["[CLS] a##b[UNK]c d [SEP]"]


def test_each_candidate_has_its_own_words(choice, tokenizer):
    examples = [Example("0", (), (), 0, (("ab", "cd"), ("ab", "e fg")))]
    assert units(tokenizer, choice, examples) == ["[CLS] a##b [SEP] c##d [SEP]", "[CLS] a##b [SEP] e f##g [SEP]"]


def test_a_window_that_begins_within_a_word_begins_a_word(span, tokenizer):
    examples = [Example("0", ("q", "abcdefghi jk"), (), None)]
    first, *_, last = units(tokenizer, span, examples, 10)
    assert (first, last) == ("[CLS] q [SEP] a##b##c##d##e##f [SEP]", "[CLS] q [SEP] ##g##h##i j##k [SEP]")


def test_chinese_text_is_cut_into_words_by_a_segmenter(single):
    tokens = [*SPECIALS, *"我来到北京清华大学"]
    chinese = Tokenizer(bert_tokenizer({token: number for number, token in enumerate(tokens)}, lowercase=True))
    examples = [Example("0", ("我来到北京清华大学",), (), "sad"), Example("1", ("北京",), (), "sad")]
    assert units(chinese, single, examples) == ["[CLS] 我 来到 北京 清华大学 [SEP]", "[CLS] 北京 [SEP]"]


def test_a_chinese_row_leaves_the_words_of_other_rows_as_they_are(single):
    tokens = [*SPECIALS, *"北京314cab+.", *(f"##{letter}" for letter in "14ab")]
    both = Tokenizer(bert_tokenizer({token: number for number, token in enumerate(tokens)}, lowercase=True))
    plain = [Example("0", ("3.14 c++",), (), "sad"), Example("1", ("",), (), "sad"), Example("2", ("ab",), (), "sad")]
    mixed = [plain[0], Example("3", ("北京",), (), "sad"), *plain[1:]]
    first, *rest = units(both, single, plain)
    assert first == "[CLS] 3 . 1##4 c + + [SEP]"
    assert units(both, single, mixed) == [first, "[CLS] 北京 [SEP]", *rest]


@pytest.fixture
def singles(single, tokenizer):
    examples = [Example(str(n), ("a" * (n + 1) + " bc",), (), "sad") for n in range(7)]
    return encode_examples(single, "train", examples, tokenizer, 32), continues_words(single, examples, tokenizer, 32)


def test_the_text_of_tasks_draws_the_bounds_of_the_examples_it_draws(singles):
    encoded, continues_T = singles
    source = TextOfTasks([encoded, encoded], [continues_T, continues_T])
    drawn = source.draw(np.arange(9), KEY)
    for start, stop in zip(drawn.offsets_N1, drawn.offsets_N1[1:], strict=False):
        repeated = drawn.tokens_T[start:stop]
        expected = np.isin(repeated, [token for token in set(repeated.tolist()) if token >= 5 + 26])
        assert drawn.continues_T[start:stop].tolist() == expected.tolist()


def test_whoever_asks_for_no_units_gets_the_same_draws_without_them(singles):
    encoded, continues_T = singles
    with_units, without = TextOfTasks([encoded], [continues_T]), TextOfTasks([encoded])
    drawn = with_units.draw(np.arange(9), KEY)
    assert without.draw(np.arange(9), KEY).continues_T is None
    plain = without.draw(np.arange(9), KEY)
    for name, value in vars(replace(drawn, continues_T=None)).items():
        assert np.array_equal(value, getattr(plain, name)), name
