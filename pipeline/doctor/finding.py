"""What `triptych doctor` says, part by part."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What is said of a corpus, of the tokenizer or of a task.

    Attributes:
        text: the lines as they are printed.
        refused: whether something is missing or cannot be read, for which `run` would refuse to begin.
    """

    text: str
    refused: bool = False
