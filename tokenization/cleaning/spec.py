"""What is done to a corpus's documents before they are tokenised. Nothing, unless it is asked for."""

from dataclasses import dataclass
from typing import Literal

Unicode = Literal["keep", "NFC", "NFKC"]


@dataclass(frozen=True)
class NearDuplicates:
    """Near duplicates: MinHash finds candidates, the Jaccard similarity of their n-grams decides.

    Attributes:
        threshold: documents at least so similar are duplicates of the one of lowest index, which is kept.
        ngram: units (words, or characters of scripts without spaces) in one element of a document's set.
        permutations: length of a signature.
    """

    threshold: float = 0.8
    ngram: int = 5
    permutations: int = 128


@dataclass(frozen=True)
class Decontamination:
    """Documents that hold a dev or test example are dropped.

    An example of at least `words` words (`characters` characters, where its script has no spaces) matches by any
    n-gram of that length; a shorter one matches whole, between sentence bounds, from `short_words` or
    `short_characters` on; what is shorter still cannot be checked and is listed so.

    Attributes:
        suites: suites and tasks by name.
    """

    suites: tuple[str, ...]
    words: int = 13
    characters: int = 26
    short_words: int = 6
    short_characters: int = 10


@dataclass(frozen=True)
class CleanSpec:
    """The steps, in the order in which they are taken.

    Attributes:
        control: control and invisible format characters are taken out (tabs and line ends stay).
        unicode: the normal form that text is put in, or `keep`.
        min_characters: shorter documents are dropped.
        script_share: documents with a smaller share of their letters in the language's script are dropped.
        exact: of equal documents the first is kept.
        near: of nearly equal documents the first is kept.
        decontaminate: documents that hold a dev or test example are dropped.
    """

    control: bool = False
    unicode: Unicode = "keep"
    min_characters: int = 0
    script_share: float = 0.0
    exact: bool = False
    near: NearDuplicates | None = None
    decontaminate: Decontamination | None = None

    @property
    def changes_nothing(self) -> bool:
        return self == CleanSpec()
