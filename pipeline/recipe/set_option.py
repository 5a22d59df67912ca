"""`--set general.steps=10`: a setting changed from the command line, before the recipe is validated.

The first key is a top-level setting or a stage's name; after a stage's name may come a stream's. Elements of lists
go by their name. The value is YAML.
"""

from typing import Any

from pipeline.recipe.fill import Raw, mappings, stream_name
from pipeline.recipe.problems import Place, settings_of, shown
from pipeline.recipe.recipe import Recipe
from pipeline.recipe.stage import Stage
from pipeline.recipe.yaml_text import read_yaml
from tokenization.errors import RecipeError, did_you_mean


def apply_set(raw: Raw, text: str) -> Place:
    """Change one setting in place; the place that was changed.

    Raises:
        RecipeError: not of the form path=value, or a path that leads nowhere, with the nearest one that does.
    """
    path, sign, value = text.partition("=")
    path = path.strip()
    keys, origin = path.split("."), f"--set {path}"
    if not sign or not all(keys):
        raise RecipeError(f"--set {text}: must have the form PATH=VALUE, for example general.steps=10")
    here: Any = raw
    place: Place = ()
    keys = _in_full(raw, keys, origin)
    for key in keys[:-1]:
        here, step = _descend(here, key, origin)
        place += step
    return place + _assign(here, keys[-1], read_yaml(value, origin), origin)


def _in_full(raw: Raw, keys: list[str], origin: str) -> list[str]:
    """The path from the top of the recipe: `general.pairs.weight` is `stages.general.streams.pairs.weight`."""
    top, stages = settings_of(Recipe), {str(stage.get("name")): stage for stage in mappings(raw.get("stages"))}
    if keys[0] not in top:
        _known(keys[0], list(stages), top, "stages", origin)
        keys = ["stages", *keys]
    if keys[0] != "stages" or len(keys) < 3 or keys[1] not in stages or keys[2] in settings_of(Stage):
        return keys
    streams = [stream_name(stream) or "" for stream in mappings(stages[keys[1]].get("streams"))]
    _known(keys[2], streams, settings_of(Stage), f"streams of {keys[1]}", origin)
    return [*keys[:2], "streams", *keys[2:]]


def _known(key: str, names: list[str], settings: list[str], what: str, origin: str) -> None:
    if key not in names:
        raise RecipeError(
            f"{origin}: '{key}' leads nowhere{did_you_mean(key, names + settings) or '.'} "
            f"{what[0].upper()}{what[1:]}: {', '.join(names) or 'none'}; settings: {', '.join(settings)}"
        )


def _descend(here: Any, key: str, origin: str) -> tuple[Any, Place]:
    """What stands under a key, made where it is missing or null, and the step that leads there."""
    step: Place = (key,)
    if isinstance(here, list):
        index, inside = _element(here, key, origin)
        if not inside:
            return here[index], (index,)
        here, step = here[index], (index, key)
    if not isinstance(here, dict):
        raise RecipeError(f"{origin}: nothing can be set under '{key}' of {shown(here)}, which is no mapping")
    if here.get(key) is None:
        here[key] = {}
    return here[key], step


def _assign(here: Any, key: str, value: Any, origin: str) -> Place:
    if isinstance(here, list):
        index, inside = _element(here, key, origin)
        here[index] = {key: value} if inside else value
        return (index,)
    if not isinstance(here, dict):
        raise RecipeError(f"{origin}: '{key}' cannot be set on {shown(here)}, which is no mapping")
    here[key] = value
    return (key,)


def _element(items: list[Any], key: str, origin: str) -> tuple[int, bool]:
    """The index of a list's element by its name, and whether the name is its only key (as in `{mlm: {...}}`)."""
    for index, item in enumerate(items):
        if item == key:
            items[index] = item = {key: {}}
        if isinstance(item, dict) and list(item) == [key]:
            return index, True
        if isinstance(item, dict) and stream_name(item) == key:
            return index, False
    if key.isdigit() and int(key) < len(items):
        return int(key), False
    names = [str(stream_name(i) or next(iter(i), "")) if isinstance(i, dict) else str(i) for i in items]
    raise RecipeError(
        f"{origin}: no element '{key}'{did_you_mean(key, names) or '.'} Elements here: {', '.join(names) or 'none'}"
    )
