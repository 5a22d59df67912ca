"""What stands in a row's columns, as what is expected there; anything else is told with its place."""

from collections.abc import Mapping
from typing import Any

from finetune.reading.row import Row
from tokenization.errors import DataError

# A list in a table's cell.
_BAR = "|"
# Between the texts of a list, whatever they are. BERT's English and Chinese vocabularies all hold it as one token (the
# blank vanishes); the full-width mark stands in the Chinese one alone.
_JOINT = "; "


def value_of(row: Row, name: str) -> Any:
    """A column's value.

    Raises:
        DataError: there is no such column.
    """
    if name not in row.values:
        there = ", ".join(repr(column) for column in row.values) or "none"
        raise DataError(f"{row.place}: there is no column {name!r}; columns here: {there}")
    return row.values[name]


def text_of(row: Row, name: str) -> str:
    """A text. A list of texts, such as CSL's keywords, is joined by "; "."""
    value = value_of(row, name)
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return _JOINT.join(value)
    if not isinstance(value, str):
        raise DataError(f"{row.place}: column {name!r} is {value!r}, but text is expected.")
    return value


def words_of(row: Row, name: str) -> tuple[str, ...]:
    """One or more words."""
    value = value_of(row, name)
    if not isinstance(value, list) or not value or not all(isinstance(word, str) for word in value):
        raise DataError(f"{row.place}: column {name!r} is {value!r}, but a list of one or more words is expected.")
    return tuple(value)


def list_of(row: Row, name: str) -> list[Any]:
    """A list; a cell of a table parts its elements by "|", and an empty one is an empty list."""
    value = value_of(row, name)
    if row.cells and isinstance(value, str):
        return value.split(_BAR) if value else []
    if not isinstance(value, list):
        raise DataError(
            f"{row.place}: column {name!r} is {value!r}, but a list is expected (only in TSV and CSV is it a text, "
            f"whose elements are parted by {_BAR!r})."
        )
    return value


def texts_of(row: Row, name: str) -> list[str]:
    """A list of one or more texts, as `list_of` has it."""
    value = list_of(row, name)
    if not value or not all(isinstance(text, str) for text in value):
        raise DataError(f"{row.place}: column {name!r} is {value!r}, but a list of one or more texts is expected.")
    return value


def mapping_of(row: Row, name: str) -> Mapping[str, Any]:
    """A mapping."""
    value = value_of(row, name)
    if not isinstance(value, dict):
        raise DataError(f"{row.place}: column {name!r} is {value!r}, but a JSON object is expected.")
    return value


def as_text(value: Any) -> str:
    """Labels and ids are matched as text, whatever type the format gave them; JSON's true is "true"."""
    return str(value).lower() if isinstance(value, bool) else str(value)
