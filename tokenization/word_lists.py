"""A user's word lists: UTF-8, an entry a line, blank lines passed over; or a column of a Parquet file, as
`articles.parquet#title`."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tokenization.errors import DataError, did_you_mean

COLUMN = "#"


def read_words(files: Iterable[Path], setting: str) -> list[str]:
    """The entries of some lists, in their order.

    Args:
        setting: the recipe's, which names the files; for messages.

    Raises:
        DataError: a file is missing, no file, may not be read, or is not UTF-8.
    """
    return [line.strip() for file in files for line in _lines(file, setting) if line.strip()]


def file_of(given: Path) -> Path:
    """The file that a word list is read from, without the column."""
    return given.with_name(given.name.partition(COLUMN)[0])


def _lines(file: Path, setting: str) -> list[str]:
    if COLUMN not in file.name:
        return _text(file, setting).split("\n")
    path, column = file_of(file), file.name.partition(COLUMN)[2]
    try:
        names = pq.read_schema(path).names
        if column not in names:
            raise DataError(
                f"{path}: no column '{column}', which `{setting}` asks for; columns: {', '.join(names)}"
                f"{did_you_mean(column, names)}"
            )
        values = pq.read_table(path, columns=[column]).column(column).to_pylist()
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"{path}: cannot be read as Parquet, which `{setting}` with '#' asks for: {error}") from None
    return [str(value) for value in values if value is not None]


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
