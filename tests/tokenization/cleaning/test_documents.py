"""Cleaning one document: each step, what it leaves alone, and that it is a pure function."""

import pickle
import sys
import unicodedata

import pytest

from tokenization.cleaning.contamination import KeptOut, KeptOutText
from tokenization.cleaning.control import without_control
from tokenization.cleaning.documents import Changed, Cleaner, Dropped, Kept
from tokenization.cleaning.scripts import script_share
from tokenization.cleaning.spec import CleanSpec, Decontamination, Unicode
from tokenization.errors import RecipeError


def test_nothing_is_done_that_is_not_asked_for() -> None:
    odd = "ﬁ\u200b\x00 é 中"
    assert Cleaner(CleanSpec(), "en").clean(odd) == Kept(odd)


def test_text_is_put_in_the_normal_form_asked_for() -> None:
    assert Cleaner(CleanSpec(unicode="NFC"), "en").clean("e\u0301ﬁ") == Kept("éﬁ", (Changed("unicode", 2),))
    assert Cleaner(CleanSpec(unicode="NFKC"), "en").clean("e\u0301ﬁ") == Kept("éfi", (Changed("unicode", 3),))


@pytest.mark.parametrize("form", ["NFC", "NFKC"])
def test_text_without_controls_is_in_the_normal_form_and_stays_without_them(form: Unicode) -> None:
    cleaner = Cleaner(CleanSpec(unicode=form, control=True), "en")
    assert cleaner.clean("cafe\u200b\u0301") == Kept("café", (Changed("control", 1), Changed("unicode", 2)))
    every = "x".join(chr(point) for point in range(sys.maxunicode + 1) if not 0xD800 <= point < 0xE000)
    found = cleaner.clean(every)
    assert isinstance(found, Kept)
    assert unicodedata.is_normalized(form, found.text)
    assert cleaner.clean(found.text) == Kept(found.text)


def after_control(character: str) -> str:
    """The definition."""
    if unicodedata.category(character) not in ("Cc", "Cf", "Cs") or character in "\t\n\r\u200c\u200d":
        return character
    return "\n" if len(f"a{character}b".splitlines()) == 2 else ""


def test_of_all_characters_exactly_controls_format_characters_and_surrogates_go() -> None:
    every = [chr(point) for point in range(sys.maxunicode + 1)]
    assert without_control("x".join(every)) == "x".join(map(after_control, every))


def test_a_family_of_joined_emoji_stays_together_and_a_byte_order_mark_goes() -> None:
    assert Cleaner(CleanSpec(control=True), "en").clean("\ufeff👨\u200d👩\u200d👧 a\xadb ") == Kept(
        "👨\u200d👩\u200d👧 ab", (Changed("control", 2),)
    )


def test_a_line_end_put_in_place_of_a_control_character_counts_as_changed() -> None:
    cleaner = Cleaner(CleanSpec(control=True), "en")
    assert cleaner.clean("a\fb\x00") == Kept("a\nb", (Changed("control", 2),))
    assert cleaner.clean("a\nb \t ") == Kept("a\nb")


def test_short_documents_are_dropped_and_those_of_control_characters_alone_too() -> None:
    cleaner = Cleaner(CleanSpec(control=True, min_characters=3), "en")
    assert cleaner.clean("abc") == Kept("abc")
    assert cleaner.clean("ab\x00") == Dropped("min_characters", "2 characters, fewer than 3")
    assert Cleaner(CleanSpec(control=True), "en").clean("\x00") == Dropped(
        "min_characters", "0 characters, fewer than 1"
    )


@pytest.mark.parametrize(
    ("text", "language", "share"),
    [
        ("abcd 中文 12!", "en", 4 / 6),
        ("abcd 中文 12!", "zh", 2 / 6),
        ("ＡＢ中国", "zh", 2 / 4),
        ("カタかな漢字x", "ja", 6 / 7),
        ("ｶﾀ", "ja", 1.0),
        ("𠮷a", "zh", 1 / 2),
        ("привет hi", "ru", 6 / 8),
        ("مرحبا", "ar", 1.0),
        ("한국어", "ko", 1.0),
        ("12 🙂 !", "en", 0.0),
        ("", "en", 0.0),
    ],
)
def test_the_script_share_is_that_of_letters(text: str, language: str, share: float) -> None:
    assert script_share(text, language) == pytest.approx(share)


def test_documents_in_another_script_are_dropped() -> None:
    cleaner = Cleaner(CleanSpec(script_share=0.5), "zh")
    assert cleaner.clean("中文ab") == Kept("中文ab")
    assert cleaner.clean("中文abc") == Dropped("script_share", "40% of the letters in the script of zh")


def test_a_script_share_in_a_language_of_unknown_script_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"script of 'qq' is not known.*script_share to 0"):
        Cleaner(CleanSpec(script_share=0.5), "qq")


def test_a_document_that_holds_an_example_is_dropped_under_its_task_s_name_even_by_a_pickled_cleaner() -> None:
    settings = Decontamination(("toy",), words=3, short_words=2)
    kept_out = KeptOut([KeptOutText("toy", "dev", "7", "one two three four")], settings)
    cleaner = pickle.loads(pickle.dumps(Cleaner(CleanSpec(decontaminate=settings), "en", kept_out)))
    assert cleaner.clean("He said: Two, three, four!") == Dropped("contaminated:toy", "dev row 7: two three four")
    assert cleaner.clean("Two three, five.") == Kept("Two three, five.")
