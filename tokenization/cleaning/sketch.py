"""What is kept of a document to find its duplicates by."""

from collections.abc import Iterable
from pathlib import Path

from tokenization.cleaning.spec import CleanSpec


def write_sketches(texts: Iterable[str], folder: Path, clean: CleanSpec) -> None:
    """Sketch the documents of a unit, in order, into a folder, which appears when it is whole."""
    folder.mkdir(parents=True)
