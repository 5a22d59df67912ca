"""How a task is put into words, as a recipe gives it, and what is wrong with it.

cloze    a pattern with a gap, and for each class the words that fill it (Schick, Schütze 2021, "Exploiting Cloze
         Questions for Few Shot Text Classification and Natural Language Inference", section 3)
prompt   a text that is gone on with, and for each class the answer that follows; or none, and an answer is written
         (Radford et al. 2019, section 3)
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from tokenization.errors import did_you_mean

MASK = "mask"
_CUT = re.compile(r"(\{[^{}]*\})")
_CUT_WITH_BREAK = re.compile(r"(\{[^{}]*\}|\|)")


@dataclass(frozen=True)
class Part:
    """A piece of a pattern: words as they stand, a field of the task, the gap, or where segment 1 begins."""

    kind: Literal["text", "field", "mask", "break"]
    text: str = ""


@dataclass(frozen=True)
class Cloze:
    """A cloze.

    Attributes:
        pattern: a text with the task's fields in braces and `{mask}`, the gap, once; `|`, once at most, where
            segment 1 begins.
        words: label → what fills the gap.
    """

    pattern: str
    words: Mapping[str, str]

    @property
    def parts(self) -> tuple[Part, ...]:
        return _parts(self.pattern, _CUT_WITH_BREAK)

    def renamed(self, fields: Mapping[str, str]) -> "Cloze":
        """The same cloze of a task whose fields are called otherwise."""
        return replace(self, pattern=_renamed(self.pattern, fields))

    @property
    def texts(self) -> Mapping[str, str]:
        """What stands for each label."""
        return self.words


@dataclass(frozen=True)
class Prompt:
    """A prompt.

    Attributes:
        text: a text with the task's fields in braces.
        answers: label → what follows the text; empty where the answer is written.
        per_token: whether an answer counts by its mean log probability instead of its sum.
    """

    text: str
    answers: Mapping[str, str] = field(default_factory=dict)
    per_token: bool = False

    @property
    def parts(self) -> tuple[Part, ...]:
        return _parts(self.text, _CUT)

    def renamed(self, fields: Mapping[str, str]) -> "Prompt":
        """The same prompt of a task whose fields are called otherwise."""
        return replace(self, text=_renamed(self.text, fields))

    @property
    def texts(self) -> Mapping[str, str]:
        """What stands for each label."""
        return self.answers


def problems_of(given: Cloze | Prompt, fields: Sequence[str], labels: Sequence[str]) -> list[str]:
    """What is wrong in a cloze or a prompt of a task with these fields and labels, a line each."""
    if isinstance(given, Cloze):
        return [*_of_pattern("cloze.pattern", given, fields), *_of_words("cloze.words", given.words, labels)]
    return [*problems_of_text(given, fields), *_of_words("prompt.answers", given.answers, labels)]


def problems_of_text(given: Prompt, fields: Sequence[str]) -> list[str]:
    """What is wrong in a prompt's text, a line each."""
    return list(_of_pattern("prompt.text", given, fields))


def _renamed(pattern: str, fields: Mapping[str, str]) -> str:
    return _CUT.sub(lambda found: f"{{{fields.get(found[0][1:-1], found[0][1:-1])}}}", pattern)


def _parts(pattern: str, cut: re.Pattern[str]) -> tuple[Part, ...]:
    return tuple(_part(piece, cut) for piece in cut.split(pattern) if piece)


def _part(piece: str, cut: re.Pattern[str]) -> Part:
    if not cut.fullmatch(piece):
        return Part("text", piece)
    if piece == "|":
        return Part("break")
    name = piece[1:-1]
    return Part("mask") if name == MASK and cut is _CUT_WITH_BREAK else Part("field", name)


def _of_pattern(where: str, given: Cloze | Prompt, fields: Sequence[str]) -> Iterator[str]:
    parts = given.parts
    named = [part.text for part in parts if part.kind == "field"]
    wanted = [*fields, MASK] if isinstance(given, Cloze) else list(fields)
    shown = ", ".join(f"{{{name}}}" for name in wanted)
    for name in dict.fromkeys(named):
        if name not in fields:
            yield f"{where}: {{{name}}} is no field of the task; allowed: {shown}{did_you_mean(name, wanted)}"
        elif named.count(name) > 1:
            yield f"{where}: {{{name}}} stands in it {named.count(name)} times; each field stands there once"
    for name in fields:
        if name not in named:
            yield f"{where}: {{{name}}} is missing; what it leaves out, `fields` of the task leaves out too"
    if any("{" in part.text or "}" in part.text for part in parts if part.kind == "text"):
        yield f"{where}: a brace without its partner; braces hold the name of a field: {shown}"
    if isinstance(given, Cloze):
        gaps, breaks = (sum(part.kind == kind for part in parts) for kind in ("mask", "break"))
        if gaps != 1:
            how = f"stands in it {gaps} times" if gaps else "is missing"
            yield f"{where}: {{mask}} {how}; it stands there once, where the words are to be guessed"
        if breaks > 1:
            yield f"{where}: {breaks} marks '|'; one at most, where segment 1 begins"


def _of_words(where: str, words: Mapping[str, str], labels: Sequence[str]) -> Iterator[str]:
    for name in words:
        if name not in labels:
            yield f"{where}.{name}: no label of the task; labels: {', '.join(labels)}{did_you_mean(name, labels)}"
    without = [name for name in labels if not words.get(name, "").strip()]
    if without:
        yield f"{where}: nothing for {', '.join(without)}; every label needs words of its own"
    first: dict[str, str] = {}
    for name, text in words.items():
        if text.strip() and (other := first.setdefault(text.strip(), name)) != name:
            yield f"{where}.{name}: '{text.strip()}' already stands for {other}; the two could not be told apart"
