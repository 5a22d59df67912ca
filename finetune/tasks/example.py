"""One row of a task, whatever its file looked like."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """A stretch of text: `text` stands at character `start` of the text it was found in."""

    text: str
    start: int


Label = str | float | int | tuple[str, ...] | tuple[Span, ...] | None


@dataclass(frozen=True)
class Example:
    """One row of a task.

    Attributes:
        id: its own id, or its place in the file, from 0; as submissions count.
        texts: one text, or the two of a pair; question and context for spans; empty for tagging, ranking and choice.
        words: the words of a tagging row, else empty.
        label: a label's name, several names (multilabel), a score, the index of the right candidate (ranking, choice),
            a BIO tag per word, the answers that are right (spans; empty where the context holds none), or None where
            the split hides it.
        candidates: the texts of each candidate's sequence (ranking, choice), one or two each.
        group: examples of one group exclude each other's answers where they can: the blanks of one ChID passage.
    """

    id: str
    texts: tuple[str, ...]
    words: tuple[str, ...]
    label: Label
    candidates: tuple[tuple[str, ...], ...] = ()
    group: str = ""


@dataclass(frozen=True)
class Split:
    """A split of a task.

    Attributes:
        examples: in the order of the file.
        dropped: rows left out since they have no label.
        limited: whether the task's limit left rows out.
    """

    examples: tuple[Example, ...]
    dropped: int = 0
    limited: bool = False
