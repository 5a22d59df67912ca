"""Cleaning one document at a time: control characters, normal form, length, script, decontamination.

A pure function of the text and the settings. Duplicates need to see all documents: see `sketch` and `duplicates`.
"""

import unicodedata
from collections import Counter
from dataclasses import dataclass

from tokenization.cleaning.contamination import KeptOut
from tokenization.cleaning.control import without_control
from tokenization.cleaning.scripts import check_language, script_share
from tokenization.cleaning.spec import CleanSpec

CONTROL = "control"
UNICODE = "unicode"
MIN_CHARACTERS = "min_characters"
SCRIPT_SHARE = "script_share"
EXACT_DUPLICATE = "exact_duplicate"
NEAR_DUPLICATE = "near_duplicate"
CONTAMINATED = "contaminated:"


@dataclass(frozen=True)
class Changed:
    """What a step did to a document: how many of its characters it took out or put others in place of."""

    step: str
    characters: int


@dataclass(frozen=True)
class Kept:
    """A document that stays, as it stays, and the steps that changed it."""

    text: str
    changed: tuple[Changed, ...] = ()


@dataclass(frozen=True)
class Dropped:
    """A document that goes.

    Attributes:
        reason: one of a few fixed names; for decontamination `contaminated:` and the task's name.
        detail: what was found, for people.
    """

    reason: str
    detail: str


class Cleaner:
    """The steps that look at one document, in the order of `CleanSpec`. Can be pickled.

    Args:
        kept_out: the examples that no document may hold; None where the spec does not ask for decontamination.
        splitter: the corpus's own sentence splitter, if it has one: short examples match between sentence bounds.

    Raises:
        RecipeError: a script share is asked for in a language whose script is not known.
    """

    def __init__(
        self, spec: CleanSpec, language: str, kept_out: KeptOut | None = None, splitter: str | None = None
    ) -> None:
        assert (spec.decontaminate is None) == (kept_out is None), "decontamination needs the examples to keep out"
        if spec.script_share:
            check_language(language)
        self.spec, self.language, self.kept_out, self.splitter = spec, language, kept_out, splitter

    def clean(self, text: str) -> Kept | Dropped:
        """The document after every step, or why it is dropped."""
        text, changed = self._normalised(text)
        fewest = max(1, self.spec.min_characters)
        if len(text) < fewest:
            return Dropped(MIN_CHARACTERS, f"{len(text)} characters, fewer than {fewest}")
        if self.spec.script_share:
            share = script_share(text, self.language)
            if share < self.spec.script_share:
                return Dropped(SCRIPT_SHARE, f"{share:.0%} of the letters in the script of {self.language}")
        match = self.kept_out.match(text, self.language, self.splitter) if self.kept_out else None
        if match:
            return Dropped(CONTAMINATED + match.task, f"{match.split} row {match.row}: {match.what}")
        return Kept(text, changed)

    def _normalised(self, text: str) -> tuple[str, tuple[Changed, ...]]:
        # Controls first: without the one between them a letter and its accent become one character of the normal form.
        plain = without_control(text) if self.spec.control else text
        normal = plain if self.spec.unicode == "keep" else unicodedata.normalize(self.spec.unicode, plain)
        changed = [Changed(CONTROL, _lost(text, plain))] if plain != text else []
        changed += [Changed(UNICODE, _lost(plain, normal))] if normal != plain else []
        return normal.strip() if self.spec.control else normal, tuple(changed)


def _lost(before: str, after: str) -> int:
    """How many of a text's characters are not in the other; each counts as often as it stands there."""
    return (Counter(before) - Counter(after)).total()


def steps_of(spec: CleanSpec) -> tuple[str, ...]:
    """The names of the steps that are switched on, but for decontamination: those that change and those that drop."""
    on = {
        CONTROL: spec.control,
        UNICODE: spec.unicode != "keep",
        MIN_CHARACTERS: spec.min_characters > 0,
        SCRIPT_SHARE: spec.script_share > 0,
        EXACT_DUPLICATE: spec.exact,
        NEAR_DUPLICATE: spec.near is not None,
    }
    return tuple(step for step, is_on in on.items() if is_on)
