"""Scripts without spaces, by their blocks: the characters that Unicode names after them."""

import sys
import unicodedata

from tokenization.unspaced import is_unspaced

SCRIPTS = ("CJK", "HIRAGANA", "KATAKANA", "BOPOMOFO", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN", "YI ", "HENTAIGANA")


def test_letters_digits_and_marks_of_scripts_without_spaces_are_those_that_unicode_names_so() -> None:
    for character in map(chr, range(sys.maxunicode + 1)):
        if unicodedata.category(character)[0] in "LMN":
            name = unicodedata.name(character, "").removeprefix("HALFWIDTH ").removeprefix("COMBINING ")
            assert is_unspaced(character) == name.startswith(SCRIPTS), name
