"""Units and their hashes, against units found character by character and sums of Python's whole numbers."""

import random
import unicodedata

import numpy as np

from tokenization.cleaning.ngrams import hash_ngrams, hash_spans, hash_units, units_of

UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "HALFWIDTH KATAKANA")
ALPHABET = "aAbBzéÉßİıſ0９１ａ,.!?-_'’ \n\t\u3000\xa0中国语龙𠮷あアｱกั한국어е́\u0301\u200d\u200b🙂👩🏽£①ﷺﬁ"


def plain_units(text: str) -> list[str]:
    """The definition, one character after the other."""
    units: list[str] = []
    in_word = False
    for character in text:
        wide = unicodedata.normalize("NFKC", character)
        small = (wide if len(wide) == 1 else character).lower()
        small = small if len(small) == 1 else character
        counts = unicodedata.category(character)[0] in "LMN"
        alone = unicodedata.name(character, "").startswith(UNSPACED)
        if counts and in_word and not alone:
            units[-1] += small
        elif counts:
            units.append(small)
        in_word = counts and not alone
    return units


def random_texts(count: int) -> list[str]:
    draw = random.Random(1)
    return ["".join(draw.choices(ALPHABET, k=draw.randrange(40))) for _ in range(count)]


def test_units_are_words_and_single_characters_of_unspaced_scripts() -> None:
    assert units_of("It's COVID-19：龙Ａpple 한국어。") == ["it", "s", "covid", "19", "龙", "apple", "한국어"]


def test_units_are_those_of_the_definition_on_random_unicode() -> None:
    for text in random_texts(2000):
        assert units_of(text) == plain_units(text), repr(text)


def test_units_hash_alike_exactly_where_they_are_alike() -> None:
    texts = random_texts(2000)
    units = [unit for text in texts for unit in units_of(text)]
    hashes = np.concatenate([hash_units(text).hashes_U for text in texts]).tolist()
    assert len(units) == len(hashes)
    assert len(set(units)) == len(set(hashes)) == len(set(zip(units, hashes, strict=True)))


def test_units_begin_where_they_begin() -> None:
    for text in random_texts(300):
        for unit, start in zip(units_of(text), hash_units(text).starts_U.tolist(), strict=True):
            assert units_of(text[start:])[0] == unit


def test_a_run_s_hash_is_the_same_alone_in_a_row_and_as_a_span() -> None:
    units = hash_units("one two three 四五 six, seven! eight nine ten").hashes_U
    for length in range(1, len(units) + 1):
        starts = np.arange(len(units) - length + 1)
        spans = hash_spans(units, starts, starts + length)
        assert spans.tolist() == hash_ngrams(units, length).tolist()
        assert spans.tolist() == [int(hash_ngrams(units[start : start + length], length)[0]) for start in starts]
    assert not len(hash_ngrams(units, len(units) + 1))


def test_order_counts_and_case_width_and_punctuation_do_not() -> None:
    def whole(text: str) -> int:
        units = hash_units(text).hashes_U
        return int(hash_ngrams(units, len(units))[0])

    assert whole("The CAT, sat … on（Ａ）mat.") == whole("the cat sat on a mat")
    assert whole("a cat") != whole("cat a")


def test_hashes_are_the_same_on_every_machine() -> None:
    """Fixed: what is on disk was made by them."""
    assert hash_units("a 中").hashes_U.tolist() == [14581546973621404032, 14020590783817764226]
