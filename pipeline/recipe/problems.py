"""What is wrong with a recipe, in words: where, what was given, what is allowed, the nearest spelling."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic_core import ErrorDetails

from finetune.tasks.table import TASKS
from pipeline.recipe.recipe import Recipe
from pipeline.recipe.section import Section, tag_of
from pipeline.recipe.task import OwnTask
from tokenization.errors import did_you_mean

Place = tuple[str | int, ...]

_WANTED = {
    "int": "a whole number",
    "float": "a number",
    "finite": "a finite number",
    "bool": "true or false",
    "string": "text (write it in quotes)",
    "tuple": "a list",
    "dict": "a mapping of settings, such as {}",
    "model": "a mapping of settings, such as {}",
}
_BOUNDS = {
    "greater_than": ("gt", "above"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "below"),
    "less_than_equal": ("le", "at most"),
}


@dataclass(frozen=True)
class Problem:
    """Something wrong at a place (keys and list indices) of the recipe."""

    place: Place
    text: str


def of_validation(errors: Sequence[ErrorDetails]) -> list[Problem]:
    """pydantic's errors in our words, without those that only follow from others."""
    places = [_place(error) for error in errors]
    return [
        Problem(place, _with_kind(_in_words(error, place), error))
        for error, place in zip(errors, places, strict=True)
        if not (error["type"] == "too_short" and error["input"])
    ]


def place_text(place: Place, raw: Any) -> str:
    """A place as it is written to the user: list elements by their name where they have one."""
    text = ""
    for key in place:
        if isinstance(key, int):
            raw = raw[key] if isinstance(raw, list) and key < len(raw) else None
            name = raw.get("name") if isinstance(raw, dict) else None
            text += f"[{name if isinstance(name, str) and name else key}]"
        else:
            raw = raw.get(key) if isinstance(raw, dict) else None
            text += f".{key}" if text else key
    return text


def shown(value: Any) -> str:
    """A given value, cut to a readable length."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    text = f"'{value}'" if isinstance(value, str) else text
    return text if len(text) <= 80 else f"{text[:77]}..."


def settings_of(section: type[Section]) -> list[str]:
    """The names of a section's settings, as the YAML has them."""
    return [field.alias or name for name, field in section.model_fields.items()]


def _is_tag(key: str | int) -> bool:
    return isinstance(key, str) and key.startswith("<") and key.endswith(">")


def _place(error: ErrorDetails) -> Place:
    """Where it is; of a list that is too short, the list itself."""
    loc = error["loc"][:-1] if _is_short(error) else error["loc"]
    return tuple(key for key in loc if not _is_tag(key) and key != "[key]")


def _is_short(error: ErrorDetails) -> bool:
    """Whether a list of a fixed number of values lacks one: pydantic calls that value missing."""
    return error["type"] == "missing" and isinstance(error["loc"][-1], int)


def _in_words(error: ErrorDetails, place: Place) -> str:
    kind, given, context = error["type"], error["input"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown(str(place[-1]), error["loc"])
    if _is_short(error):
        return f": given {shown(given)}; it must have {_values_at(error['loc'][:-1])} values"
    if kind == "missing":
        return f" is missing: {_description(error['loc'])}"
    if kind == "value_error":
        return f": {context['error']}"
    if kind == "literal_error":
        allowed = [word.strip(" '") for word in context["expected"].replace(" or ", ", ").split(",")]
        return f": given {shown(given)}; allowed: {context['expected']}{did_you_mean(str(given), allowed)}"
    if kind in _BOUNDS:
        key, word = _BOUNDS[kind]
        return f": given {shown(given)}; must be {word} {context[key]}"
    if kind == "string_pattern_mismatch":
        return f": given {shown(given)}; a name is made of letters, digits, '-' and '_'"
    if kind in ("source", "objective"):
        return f": given {shown(given)}; {error['msg']}"
    if kind.removeprefix("string_") in ("too_short", "too_long"):
        bound = f"at least {context['min_length']}" if "min_length" in context else f"at most {context['max_length']}"
        return f": given {shown(given)}; it must have {bound}{' characters' if isinstance(given, str) else ''}"
    wanted = _WANTED.get(kind.partition("_")[0])
    return f": given {shown(given)}; must be {wanted}" if wanted else f": given {shown(given)}; {error['msg']}"


def _with_kind(text: str, error: ErrorDetails) -> str:
    """Add what `kind` does, where a built-in task was given it and so lacks what a task of the user's own needs."""
    loc, tag = error["loc"], tag_of(OwnTask)
    if error["type"] not in ("missing", "value_error") or tag not in loc or loc[1] not in TASKS:
        return text
    aside = f"`kind` makes a task of your own, with nothing of the built-in {loc[1]}; leave it out to change that one."
    return f"{text.rstrip('.')}. {aside}"


def _unknown(key: str, loc: Place) -> str:
    section, siblings = _section_at(loc[:-1])
    allowed = settings_of(section)
    if any(key in settings_of(sibling) for sibling in siblings):
        first = (section.__doc__ or "").partition("\n")[0].rstrip(".")
        return f" does not go with what stands beside it ({first}). Settings here: {', '.join(allowed)}"
    known = allowed + [name for sibling in siblings for name in settings_of(sibling)]
    return f" is not a setting{did_you_mean(key, known) or '.'} Settings here: {', '.join(allowed)}"


def _description(loc: Place) -> str:
    section, _ = _section_at(loc[:-1])
    fields = {field.alias or name: field for name, field in section.model_fields.items()}
    return fields[str(loc[-1])].description or "it has no default"


def _values_at(loc: Place) -> int:
    """How many values the setting at `loc` has, a list of a fixed number of them."""
    section, _ = _section_at(loc[:-1])
    annotation = next(f.annotation for name, f in section.model_fields.items() if (f.alias or name) == loc[-1])
    return next(len(get_args(inner)) for inner in (annotation, *get_args(annotation)) if get_origin(inner) is tuple)


def _section_at(loc: Place) -> tuple[type[Section], list[type[Section]]]:
    """The section that pydantic was in at `loc`, and the others of the same union."""
    here: Any = Recipe
    chosen: list[type[Section]] = [Recipe]
    siblings: list[type[Section]] = []
    for key in loc:
        if _is_tag(key):
            siblings = [section for section in chosen if tag_of(section) != key]
            chosen = [section for section in chosen if tag_of(section) == key]
        elif isinstance(key, int) or _is_named(here):
            here = None
        else:
            fields = {f.alias or name: f for section in chosen for name, f in section.model_fields.items()}
            here = fields[key].annotation
            chosen, siblings = list(_sections(here)), []
    return chosen[0], siblings


def _is_named(annotation: Any) -> bool:
    """Whether the next key is a name of the user's (a corpus, a task), not a setting."""
    return get_origin(annotation) is dict


def _sections(annotation: Any) -> Iterator[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    elif get_origin(annotation) in (Annotated, Union, UnionType, tuple, dict):
        for inner in get_args(annotation):
            yield from _sections(inner)
