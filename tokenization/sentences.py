"""Sentences of a document: its lines, each cut by the rules of its language. Nothing but white space is lost."""

import re
from collections.abc import Callable

from tokenization.errors import RecipeError, did_you_mean

# A full stop after one of these does not end a sentence (compared without case, without the stop).
_ABBREVIATION = re.compile(
    r"mr|mrs|ms|dr|prof|rev|hon|st|sr|jr|gen|col|lt|sgt|capt|cmdr|adm|maj|gov|sen|rep|pres|vs|viz|cf|al|ca|approx"
    r"|dept|est|figs?|eqs?|sec|ch|chap|vols?|nos?|pp|eds?|trans|inc|ltd|corp|bros|mt|ft|e\.g|i\.e|eg|ie|a\.k\.a"
    r"|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec",
    re.IGNORECASE,
)
_ALSO_WORDS = re.compile(r"nos?|mar", re.IGNORECASE)
_ENGLISH_END = re.compile(r"(?<![.!?…])(?P<end>[.!?…]+)[\"'”’)\]]*\s+(?=[\"'“‘(\[]*(?P<next>[^\s\"'“‘(\[]))")
_INITIALS = re.compile(r"(?:[^\W\d_]\.)*[^\W\d_]")
_CHINESE_SENTENCE = re.compile(r".*?(?:[。！？；!?]+|…+)[”’」』）》】)]*|.+$")


def split_sentences(text: str, language: str) -> list[str]:
    """Cut a document into sentences, each stripped and not empty; a sentence never crosses a line.

    Raises:
        RecipeError: no rules for the language.
    """
    if language not in SPLITTERS:
        raise RecipeError(
            f"language: {language!r} is not one of {', '.join(SPLITTERS)}{did_you_mean(language, SPLITTERS)}"
        )
    split = SPLITTERS[language]
    pieces = (piece.strip() for line in text.splitlines() if line.strip() for piece in split(line.strip()))
    return [piece for piece in pieces if piece]


def _english(line: str) -> list[str]:
    ends = [match.end() for match in _ENGLISH_END.finditer(line) if _ends_sentence(line, match)]
    return [line[start:stop] for start, stop in zip([0, *ends], [*ends, len(line)], strict=True)]


def _ends_sentence(line: str, match: re.Match[str]) -> bool:
    """Whether the mark closes a sentence: not before a small letter, after an abbreviation or after initials."""
    if match["next"].islower():
        return False
    if match["end"] != ".":
        return True
    start = max(line.rfind(" ", 0, match.start()), match.start() - 40) + 1
    word = line[start : match.start()].lstrip("\"'“‘([")
    if _ABBREVIATION.fullmatch(word):
        # "No." is an abbreviation before a number only.
        return _ALSO_WORDS.fullmatch(word) is not None and not match["next"].isdigit()
    return not (_INITIALS.fullmatch(word) and (word[0].isupper() or "." in word))


def _chinese(line: str) -> list[str]:
    return _CHINESE_SENTENCE.findall(line)


SPLITTERS: dict[str, Callable[[str], list[str]]] = {"en": _english, "zh": _chinese}
