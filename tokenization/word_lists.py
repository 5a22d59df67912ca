"""A user's word lists: UTF-8, an entry a line, blank lines passed over."""

from collections.abc import Iterable
from pathlib import Path

from tokenization.errors import DataError


def read_words(files: Iterable[Path], setting: str) -> list[str]:
    """The entries of some lists, in their order.

    Args:
        setting: the recipe's, which names the files; for messages.

    Raises:
        DataError: a file is missing, no file, may not be read, or is not UTF-8.
    """
    return [line.strip() for file in files for line in _text(file, setting).split("\n") if line.strip()]


def _text(file: Path, setting: str) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DataError(
            f"{file}: cannot be read as a word list: {error.strerror}. `{setting}` names text files, an entry a line."
        ) from None
    except UnicodeDecodeError as error:
        raise DataError(
            f"{file}: not UTF-8 at byte {error.start}. Save the word list (`{setting}`) as UTF-8."
        ) from None
