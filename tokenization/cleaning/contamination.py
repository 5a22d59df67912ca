"""Decontamination: does a document hold an example of a dev or test set?"""

from collections.abc import Iterable
from dataclasses import dataclass

from tokenization.cleaning.spec import Decontamination


@dataclass(frozen=True)
class KeptOutText:
    """A text of a dev or test example."""

    task: str
    split: str
    row: str
    text: str


@dataclass(frozen=True)
class Match:
    """What a document holds of an example.

    Attributes:
        task, split, row: where the example stands.
        what: the words that both hold.
    """

    task: str
    split: str
    row: str
    what: str


class KeptOut:
    """Examples that no document may hold. Can be pickled.

    Attributes:
        fingerprint: of the settings and the examples.
    """

    def __init__(
        self, texts: Iterable[KeptOutText], settings: Decontamination, not_checked: tuple[str, ...] = ()
    ) -> None:
        self.fingerprint = ""

    def match(self, text: str, language: str) -> Match | None:
        """The first example that the document holds."""
        return None
