"""Going through a recipe that may be wrong anywhere: parts of another shape than they should have are passed over."""

from collections.abc import Iterator
from typing import Any

from pipeline.recipe.fill import Raw, texts
from pipeline.recipe.problems import Place, Problem
from tokenization.errors import did_you_mean


def items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def numbered(value: Any) -> Iterator[tuple[int, Raw]]:
    return ((index, item) for index, item in enumerate(items(value)) if isinstance(item, dict))


def all_stages(raw: Raw) -> Iterator[tuple[Place, Raw]]:
    return ((("stages", index), stage) for index, stage in numbered(raw.get("stages")))


def all_streams(raw: Raw) -> Iterator[tuple[Place, Raw]]:
    for place, stage in all_stages(raw):
        for index, stream in numbered(stage.get("streams")):
            yield (*place, "streams", index), stream


def unknown_names(given: Any, raw: Raw, section: str, place: Place) -> Iterator[Problem]:
    """A problem for each name that the section lacks."""
    if not isinstance(raw.get(section, {}), dict):
        return
    known = list(raw.get(section, {}))
    for name in dict.fromkeys(texts(given)):
        if name not in known:
            near = did_you_mean(name, known)
            yield Problem(place, f": given '{name}'; {section} of the recipe: {', '.join(known) or 'none'}{near}")
