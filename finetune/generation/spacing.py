"""Ids back to text. Word pieces do not say where blanks were: BERT's tokenizer parts every mark from its words.

The blanks that most writing has are put back by a few rules of no language's own: marks that close stand at the word
before them and marks that open at the one that follows, hyphens and apostrophes within words; a script that is written
without blanks gets none. Of two straight quotation marks the first opens.
"""

import re
from collections.abc import Iterable, Sequence

from tokenization.unspaced import is_unspaced
from tokenization.vocabulary import Tokenizer

_CONTINUES = "##"
_CLOSES = frozenset(".,;:!?%)]}…»”’")
_OPENS = frozenset("([{«‘¿¡$£€#@")
_QUOTES = {'"': '"', "„": "“”", "“": "”"}  # what opens → what closes
_WITHIN = frozenset("-/_‐‑")
_APOSTROPHES = frozenset("'’")
_AFTER_APOSTROPHE = frozenset(("s", "t", "d", "m", "re", "ve", "ll"))
_WIDE_MARK = re.compile(r"[\u3000-\u303f\uff00-\uff65]")
_THOUSANDS = re.compile(r"\d{3}")


def text_of(tokenizer: Tokenizer, ids: Sequence[int]) -> str:
    """The text of some ids, special ones but the unknown token left out."""
    kept = [number for number in ids if number == tokenizer.unk or number not in tokenizer.specials]
    if tokenizer.kind != "WordPiece":
        return tokenizer.decode(kept).strip()
    return spaced(_words(tokenizer.piece(number) for number in kept))


def spaced(words: Sequence[str]) -> str:
    """Words and single marks as they are usually written."""
    text, quoted, opens = "", "", False
    for place, word in enumerate(words):
        closes = bool(quoted) and word in _QUOTES[quoted]
        text += word if not place or opens or closes or _meets(words, place) else f" {word}"
        opens = not closes and word in _QUOTES
        quoted = word if opens else "" if closes else quoted
    return text


def _words(pieces: Iterable[str]) -> list[str]:
    words: list[str] = []
    for piece in pieces:
        if piece.startswith(_CONTINUES) and len(piece) > len(_CONTINUES) and words:
            words[-1] += piece.removeprefix(_CONTINUES)
        else:
            words.append(piece)
    return words


def _meets(words: Sequence[str], place: int) -> bool:
    """Whether no blank stands before a word, whatever quotation marks say."""
    before, word = words[place - 1], words[place]
    following = words[place + 1] if place + 1 < len(words) else ""
    if _stands_close(before[-1]) or _stands_close(word[0]):
        return True
    if word in _CLOSES or before in _OPENS or word in _APOSTROPHES:
        return True
    if before in _APOSTROPHES:
        return word in _AFTER_APOSTROPHE or (place > 1 and len(words[place - 2]) == 1)
    if before in (".", ",", ":"):
        return place > 1 and _is_number(words[place - 2], before, word)
    within = word in _WITHIN and following[:1].isalnum() and before[-1].isalnum()
    return within or (before in _WITHIN and place > 1 and words[place - 2][-1].isalnum() and word[0].isalnum())


def _is_number(left: str, mark: str, right: str) -> bool:
    """Whether a mark between two words is one within a number: 3.5, 10,000, 12:30."""
    if not (left.isdecimal() and right.isdecimal()):
        return False
    return mark != "," or _THOUSANDS.fullmatch(right) is not None


def _stands_close(character: str) -> bool:
    return is_unspaced(character) or _WIDE_MARK.match(character) is not None
