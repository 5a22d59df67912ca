"""Scripts without spaces, by their blocks: the characters that Unicode names after them."""

import sys
import unicodedata

from tokenization.unspaced import has_han, is_unspaced

SCRIPTS = ("CJK", "HIRAGANA", "KATAKANA", "BOPOMOFO", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN", "YI ", "HENTAIGANA")


def test_letters_digits_and_marks_of_scripts_without_spaces_are_those_that_unicode_names_so() -> None:
    for character in map(chr, range(sys.maxunicode + 1)):
        if unicodedata.category(character)[0] in "LMN":
            name = unicodedata.name(character, "").removeprefix("HALFWIDTH ").removeprefix("COMBINING ")
            assert is_unspaced(character) == name.startswith(SCRIPTS), name


def test_han_characters_are_those_that_unicode_calls_unified_ideographs() -> None:
    """Of the first plane, which holds all that modern text uses."""
    for character in map(chr, range(0x10000)):
        if unicodedata.category(character)[0] == "L":
            name = unicodedata.name(character, "")
            assert has_han(f"a {character}.") == name.startswith("CJK UNIFIED"), name
