"""What every section of a recipe is: frozen, strict, closed to unknown keys, documented field by field."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

# Names become folder names and hash inputs; dots and brackets are kept for paths such as `general.pairs.weight`.
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=64)]
Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Section(BaseModel):
    """The base of every section.

    Strict: a number written as text, or a boolean written as a number, is an error rather than converted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def tag_of(section: type[Section]) -> str:
    """The mark that a union puts into the place of an error; the angle brackets tell it from a key."""
    return f"<{section.__name__}>"


def has_key(value: Any, key: str) -> bool:
    """Whether a section, given as a mapping or already made, has a setting of this name."""
    return key in value if isinstance(value, dict) else hasattr(value, key)


def decided_elsewhere(schema: dict[str, Any]) -> None:
    """For a field's JSON Schema: the value of a setting that is left out comes from another place of the recipe."""
    schema.pop("default", None)
