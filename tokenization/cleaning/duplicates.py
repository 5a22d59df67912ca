"""Duplicates over all units' sketches."""

from collections.abc import Sequence
from pathlib import Path

from tokenization.cleaning.documents import Dropped
from tokenization.cleaning.spec import CleanSpec


def find_duplicates(folders: Sequence[Path], clean: CleanSpec, work: Path) -> None:
    """Compare the sketches of all units, in order, and write each unit's duplicates into its folder.

    Args:
        work: a folder for what does not fit in memory; removed afterwards.
    """


def read_duplicates(folder: Path) -> dict[int, Dropped]:
    """A unit's duplicates: number of the document within the unit → why it is dropped."""
    return {}
