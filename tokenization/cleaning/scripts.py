"""Which script a language is written in, and how much of a text is.

A character's script is told by the first word of its Unicode name (LATIN SMALL LETTER A), which needs no table of
ranges; only letters count, so that digits, punctuation and emoji are neither for nor against.
"""

import unicodedata
from functools import cache

import numpy as np

from tokenization.cleaning.code_points import U8, code_points, table_of
from tokenization.errors import RecipeError, did_you_mean

_LATIN = (
    "af az ca cs cy da de en eo es et eu fi fr ga gl hr hu id is it la lb lt lv ms mt nl nn no pl pt ro sk sl sq sv "
    "sw tl tr uz vi"
)
_CYRILLIC = "be bg kk ky mk mn ru tg uk"

SCRIPTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_LATIN.split(), ("LATIN",)),
    **dict.fromkeys(_CYRILLIC.split(), ("CYRILLIC",)),
    **dict.fromkeys(("ar", "fa", "ps", "ug", "ur"), ("ARABIC",)),
    **dict.fromkeys(("hi", "mr", "ne", "sa"), ("DEVANAGARI",)),
    **dict.fromkeys(("he", "yi"), ("HEBREW",)),
    "am": ("ETHIOPIC",),
    "bn": ("BENGALI",),
    "el": ("GREEK",),
    "gu": ("GUJARATI",),
    "hy": ("ARMENIAN",),
    "ja": ("CJK", "HIRAGANA", "KATAKANA"),
    "ka": ("GEORGIAN",),
    "km": ("KHMER",),
    "kn": ("KANNADA",),
    "ko": ("HANGUL", "CJK"),
    "lo": ("LAO",),
    "ml": ("MALAYALAM",),
    "my": ("MYANMAR",),
    "pa": ("GURMUKHI",),
    "si": ("SINHALA",),
    "sr": ("CYRILLIC", "LATIN"),
    "ta": ("TAMIL",),
    "te": ("TELUGU",),
    "th": ("THAI",),
    "zh": ("CJK",),
}


def check_language(language: str) -> None:
    """Refuse a language whose script is not known.

    Raises:
        RecipeError: it is not in the table.
    """
    if language not in SCRIPTS:
        raise RecipeError(
            f"language: the script of {language!r} is not known, which clean.script_share needs; known: "
            f"{', '.join(sorted(SCRIPTS))}{did_you_mean(language, SCRIPTS)}. Set clean.script_share to 0 to go without."
        )


def script_share(text: str, language: str) -> float:
    """The share of a text's letters that belong to the language's script; 0 for a text without letters."""
    classes_K = _classes(SCRIPTS[language])[code_points(text)]
    own, other = np.bincount(classes_K, minlength=3)[1:]
    return float(own / (own + other)) if own + other else 0.0


@cache
def _classes(scripts: tuple[str, ...]) -> U8:
    """For each code point 0: no letter, 1: a letter of these scripts, 2: another letter."""

    def classify(character: str) -> int:
        if not unicodedata.category(character).startswith("L"):
            return 0
        name = unicodedata.name(character, "")
        script = name.removeprefix("FULLWIDTH ").removeprefix("HALFWIDTH ").split(" ", 1)[0]
        return 1 if script in scripts else 2

    return table_of(classify)
