"""`extends: base.yaml`: a recipe that says only what differs from another one.

Mappings are joined key by key, the extending file's word against the base's; everything else, lists included, takes the
place of the base's. `null` takes an inherited setting back to its default.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.recipe.fill import Raw
from pipeline.recipe.paths import find_recipe
from pipeline.recipe.problems import Place, Problem, shown
from pipeline.recipe.yaml_text import read_yaml
from tokenization.errors import RecipeError

EXTENDS = "extends"
_FOREIGN = re.compile(r"^:? ?(does not go with|useless|given beside)")
"""How a problem begins that one setting has with another."""
_BESIDE = re.compile(r"^:? ?(?:does not go with|given beside|useless with) (?:a )?(\w+)\b(?!\.)")
"""Where such a problem names the other one; what it says after that is no fault of the settings it names."""


@dataclass(frozen=True)
class Layer:
    """One file of a recipe and what it says, `extends` taken out."""

    path: Path
    raw: Raw


def read_layers(path: Path) -> list[Layer]:
    """A recipe's file, then the file that it extends, then what that extends.

    Raises:
        RecipeError: a file is missing or no mapping, or extends itself.
    """
    layers: list[Layer] = []
    here: Path | None = path
    while here is not None:
        if any(here.absolute() == layer.path.absolute() for layer in layers):
            chain = " extends ".join(str(layer.path) for layer in layers)
            raise RecipeError(f"{path}: {chain} extends {here}: a recipe cannot extend itself")
        raw = read_file(here)
        base = raw.pop(EXTENDS, None)
        layers.append(Layer(here, raw))
        here = None if base is None else _base_of(here, base)
    return layers


def merged(layers: Sequence[Layer]) -> Raw:
    """What the layers say together, the first one having the last word.

    One that extends another and gives no name is called as its file: with the base's it would share its run directory.
    """
    raw: Raw = {}
    for layer in reversed(layers):
        raw = _joined(raw, layer.raw)
    own_name = {} if len(layers) == 1 or "name" in layers[0].raw else {"name": layers[0].path.stem}
    return {**raw, **own_name}


def said_by(layers: Sequence[Layer], place: Place) -> Path:
    """The file that a place of the recipe comes from: the first that says most of it."""
    return max(layers, key=lambda layer: _depth(place, layer.raw)).path


def taken_back(problems: Sequence[Problem], layers: Sequence[Layer]) -> list[str]:
    """How a recipe is rid of inherited settings that do not go with its own: a line, or none where there are none."""
    foreign: dict[Place, dict[str, None]] = {}
    for problem in problems if len(layers) > 1 else ():
        for section, key in _inherited(problem, layers):
            foreign.setdefault(section, {})[key] = None
    if not foreign:
        return []
    words = "; ".join(_without(section, list(keys)) for section, keys in foreign.items())
    return [f"{layers[0].path}: its sections are joined with the inherited ones; null takes a setting back: {words}"]


def read_file(path: Path) -> Raw:
    """A recipe's file as plain data.

    Raises:
        RecipeError: it is missing, cannot be read, or holds no mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RecipeError(f"{path}: no such recipe file") from None
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read: {error.strerror}") from None
    raw = read_yaml(text, str(path))
    if not isinstance(raw, dict):
        raise RecipeError(f"{path}: given {shown(raw)}; a recipe is a mapping of settings, beginning with 'name: ...'")
    return raw


def _base_of(path: Path, given: Any) -> Path:
    if not isinstance(given, str):
        raise RecipeError(f"{path}: {EXTENDS}: given {shown(given)}; must be the file of another recipe, or its name")
    # Beside the recipe and nowhere else: what lies in the working directory is not meant.
    beside = path.absolute().parent / Path(given).expanduser()
    if beside.is_file():
        return beside
    try:
        return find_recipe(given)
    except RecipeError as error:
        raise RecipeError(f"{path}: {EXTENDS}: {error}") from None


def _inherited(problem: Problem, layers: Sequence[Layer]) -> Iterator[tuple[Place, str]]:
    """The inherited settings that a problem is about, where the recipe says something else of the same section."""
    foreign = _FOREIGN.match(problem.text)
    section = problem.place[:-1] if foreign else problem.place
    own, inherited = _section(layers[0].raw, section), _section(merged(layers[1:]), section)
    beside = _BESIDE.match(problem.text)
    blamed = {problem.place[-1], beside[1] if beside else None} if foreign else set()
    for key in inherited if own and section else ():
        if key not in own and (key in blamed if foreign else f"'{key}'" in problem.text):
            yield section, key


def _section(raw: Any, place: Place) -> Raw:
    for key in place:
        raw = raw.get(key) if isinstance(raw, dict) else None
    return raw if isinstance(raw, dict) else {}


def _without(section: Place, keys: Sequence[str]) -> str:
    """The section as YAML that takes these settings back."""
    text = f"{{{', '.join(f'{key}: null' for key in keys)}}}"
    for key in reversed(section[1:]):
        text = f"{{{key}: {text}}}"
    return f"{section[0]}: {text}"


def _joined(base: Any, own: Any) -> Any:
    if not isinstance(base, dict) or not isinstance(own, dict):
        return own
    joined = {**base, **{key: _joined(base.get(key), value) for key, value in own.items()}}
    return {key: value for key, value in joined.items() if not (key in base and key in own and own[key] is None)}


def _depth(place: Place, raw: Any) -> int:
    """How many keys of a place a file says; all of them below a list of its own, which replaces the base's whole."""
    for depth, key in enumerate(place):
        if isinstance(raw, list):
            return len(place)
        if not isinstance(raw, dict) or key not in raw:
            return depth
        raw = raw[key]
    return len(place)
