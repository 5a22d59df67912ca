"""Sentences of a document: its lines, each cut by the rules of its language. Nothing but white space is lost."""

import itertools
import re
from collections.abc import Callable, Iterable, Iterator

import sentencex

from tokenization.errors import RecipeError, did_you_mean

# ISO 639-1. sentencex has rules for about 30 of them and takes the nearest of these for the others.
LANGUAGES = tuple(
    """
    aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el
    en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu
    ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na
    nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so
    sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
    """.strip().split()
)

_LINE_END = re.compile("[\n\r\u2028\u2029]")
# An end mark, with the marks, closing quotes and brackets after it. Half-width marks end a sentence only after a
# Chinese character: after a Latin letter they nearly always belong to a name, such as Yahoo!.
_CHINESE_END = re.compile(r"(?:[。！？；…]|(?<=[^\x00-\x7f])[!?])[。！？；…!?”’」』）》】〉〕]*")
_CHINESE_GOES_ON = "，、："
# After these a cut changes no token of a BERT tokenizer.
_GAP = re.compile(r"[ \t\xa0\u3000!-/:-@\[-`{-~«»‘-‟、。]")
_WIDE_SPACE = re.compile(r"[^\S\x00-\x7f]")
# sentencex takes quadratic time over unclosed quotes, so that it is never given more characters at once.
_WINDOW = 4096


def split_sentences(text: str, language: str, splitter: str | None = None) -> list[str]:
    """Cut a document into sentences, each stripped and not empty; a sentence never crosses a line.

    Args:
        language: an ISO 639-1 code.
        splitter: one of SPLITTERS, or None for the language's own: `chinese` for zh, else `sentencex`.

    Raises:
        RecipeError: no such language or splitter.
    """
    if language not in LANGUAGES:
        raise RecipeError(f"language: {language!r} is not a two-letter code of ISO 639-1, such as en, zh or de")
    name = splitter_of(language, splitter)
    if name not in SPLITTERS:
        raise RecipeError(f"splitter: {name!r} is not one of {', '.join(SPLITTERS)}{did_you_mean(name, SPLITTERS)}")
    lines = (line for line in _LINE_END.split(text) if line)
    pieces = (piece.strip() for line in lines for piece in SPLITTERS[name](line, language))
    return [piece for piece in pieces if piece]


def splitter_of(language: str, splitter: str | None) -> str:
    """The splitter that is given, or else the language's own."""
    return DEFAULTS.get(language, "sentencex") if splitter is None else splitter


def _by_sentencex(line: str, language: str) -> Iterator[str]:
    """A long line goes through windows; the last sentence of one, which may go on, begins the next."""
    start, size = 0, _WINDOW
    while start < len(line):
        window = line[start : start + size]
        pieces = _segments(window, language)
        if start + size < len(line):
            pieces = pieces[:-1] or _before_a_gap(window)
        yield from pieces
        start += sum(map(len, pieces))
        size = _WINDOW if pieces else 2 * size


def _segments(text: str, language: str) -> list[str]:
    """sentencex's sentences. It panics on white space of several bytes after a name's initial: it is shown spaces."""
    if text.isascii():
        return list(sentencex.segment(language, text))
    lengths = map(len, sentencex.segment(language, _WIDE_SPACE.sub(" ", text)))
    stops = [0, *itertools.accumulate(lengths)]
    return [text[start:stop] for start, stop in itertools.pairwise(stops)]


def _before_a_gap(text: str) -> list[str]:
    """The text up to its last gap: where no sentence ends, words do, and the line is not read again and again."""
    gap = max((match.end() for match in _GAP.finditer(text)), default=0)
    return [text[:gap]] if gap else []


def _chinese(line: str, language: str) -> list[str]:
    ends = (match.end() for match in _CHINESE_END.finditer(line))
    stops = [0, *(end for end in ends if line[end : end + 1] not in _CHINESE_GOES_ON), len(line)]
    return [line[start:stop] for start, stop in itertools.pairwise(stops)]


def _whole(line: str, language: str) -> list[str]:
    return [line]


SPLITTERS: dict[str, Callable[[str, str], Iterable[str]]] = {
    "sentencex": _by_sentencex,
    "chinese": _chinese,
    "lines": _whole,
}
DEFAULTS = {"zh": "chinese"}
