"""The test file that a board's answers belong to: its ids and texts."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from finetune.reading.read import read_examples
from finetune.submissions.board import AnswerFile
from tokenization.errors import DataError


@dataclass(frozen=True)
class Official:
    """What a test file says; None where it is not there.

    Attributes:
        ids: in its order.
        texts: the raw text of each id; for spans alone.
        absent: why it could not be read.
    """

    ids: tuple[str, ...] | None = None
    texts: Mapping[str, str] | None = None
    absent: str = ""


def official_rows(file: AnswerFile, data: Path | None) -> Official:
    """Read the test file; one that cannot be read is said, not refused: the zip may still be looked at."""
    if data is None:
        return Official(absent="no --data given")
    try:
        examples = read_examples(file.spec, data, file.split, "--data, or TRIPTYCH_DATA")
    except DataError as error:
        return Official(absent=str(error))
    texts = {example.id: "".join(example.words) for example in examples} if file.answer == "spans" else None
    return Official(tuple(example.id for example in examples), texts)
