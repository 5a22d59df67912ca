"""From YAML to a validated Recipe, and back to YAML with every default written out."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from pipeline.ds_config import load_ds_config
from pipeline.recipe.checks import cross_check
from pipeline.recipe.checks_decoder import check_decoder
from pipeline.recipe.checks_tasks import check_splits, check_tasks
from pipeline.recipe.checks_taught import check_taught, model_teachers
from pipeline.recipe.checks_views import check_views
from pipeline.recipe.extends import Layer, merged, read_layers, said_by, taken_back
from pipeline.recipe.fill import Raw, fill, mapping
from pipeline.recipe.paths import INSTALLED, PACKAGE, resolve_path
from pipeline.recipe.problems import Place, Problem, of_validation, place_text
from pipeline.recipe.recipe import Recipe
from pipeline.recipe.section import Name
from pipeline.recipe.set_option import apply_set
from pipeline.recipe.task import Task, sound_specs
from pipeline.recipe.yaml_text import write_yaml
from tokenization.errors import RecipeError


def load_recipe(path: Path, sets: Sequence[str] = (), environment: Mapping[str, str] = os.environ) -> Recipe:
    """The recipe of a file, with settings changed as `sets` (PATH=VALUE) say.

    Paths of the tokenizer, the encoder and the ds_config come out absolute. The files of corpora and tasks stay
    relative to `Recipe.data_folder`.

    Raises:
        RecipeError: a missing file, a text that is not YAML, or every problem of the recipe at once.
    """
    layers = read_layers(path)
    given = _plain(merged(layers), path)
    changed = _apply_sets(given, sets)
    raw = _plain(given, path)
    fill(raw, environment)
    problems = [*_resolve_paths(raw, path.absolute().parent), *_ds_config(raw)]
    recipe = _validate(raw, given, problems)
    if recipe is None:
        raise RecipeError(_report(problems, raw, layers, changed))
    return recipe


def dump_resolved(recipe: Recipe) -> str:
    """YAML with every setting, defaults included; loading it gives an equal recipe."""
    return write_yaml(recipe.resolved())


def _apply_sets(raw: Raw, sets: Sequence[str]) -> dict[Place, str]:
    """The places that the command line changed, with its words."""
    changed: dict[Place, str] = {}
    wrong: list[str] = []
    for text in sets:
        try:
            changed[apply_set(raw, text)] = text
        except RecipeError as error:
            wrong.append(str(error))
    if wrong:
        raise RecipeError("\n".join(wrong))
    return changed


def _plain(raw: Raw, path: Path) -> Raw:
    """Plain data without YAML's aliases, which would make a change in one place a change in two."""
    try:
        copied: Raw = json.loads(json.dumps(raw))
    except (TypeError, ValueError) as error:
        raise RecipeError(f"{path}: holds a value that a recipe cannot have: {error}") from None
    return copied


def _resolve_paths(raw: Raw, folder: Path) -> list[Problem]:
    """Make the recipe's paths absolute, in place; a problem for each that leads nowhere."""
    if isinstance(raw.get("data"), str):
        raw["data"] = str(resolve_path(raw["data"], [folder]) or Path(raw["data"]).expanduser().absolute())
    data = [Path(raw["data"])] if isinstance(raw.get("data"), str) else []
    installed = [INSTALLED, INSTALLED / "ds_configs"]
    places: list[tuple[Place, Raw, str, list[Path]]] = [
        (("tokenizer", "from"), mapping(raw.get("tokenizer")), "from", [folder, *data]),
        (("encoder", "from"), mapping(raw.get("encoder")), "from", [folder, *data]),
        (("engine", "ds_config"), mapping(raw.get("engine")), "ds_config", [folder, *installed]),
        *((place, teacher, "model", [folder, *data]) for place, teacher in model_teachers(raw)),
    ]
    problems: list[Problem] = []
    for place, section, key, folders in places:
        given = section.get(key)
        if not isinstance(given, str):
            continue
        found = resolve_path(given, folders)
        if found is None:
            problems.append(Problem(place, f": given '{given}'; no such file or folder{_tried(given, folders)}"))
        else:
            section[key] = str(found)
    return problems


def _ds_config(raw: Raw) -> list[Problem]:
    """What is wrong inside the DeepSpeed JSON that the recipe names; one that is not there is told elsewhere."""
    given = mapping(raw.get("engine")).get("ds_config")
    if not isinstance(given, str) or not Path(given).is_file():
        return []
    try:
        load_ds_config(Path(given))
    except RecipeError as error:
        return [Problem(("engine", "ds_config"), f": {line}") for line in str(error).splitlines()]
    return []


def _tried(given: str, folders: Sequence[Path]) -> str:
    if given.startswith(PACKAGE) or Path(given).is_absolute():
        return ""
    return f" in {', '.join(str(folder) for folder in (Path.cwd(), *folders))}"


def _validate(raw: Raw, given: Raw, problems: list[Problem]) -> Recipe | None:
    """The recipe, or None after adding to `problems` everything that is wrong."""
    recipe: Recipe | None = None
    invalid: list[Problem] = []
    try:
        recipe = Recipe.model_validate_json(json.dumps(raw))
    except ValidationError as error:
        invalid = [p for p in of_validation(error.errors()) if not _only_inherited(p.place, given)]
    problems += invalid
    problems += cross_check(raw)
    tasks = _sound_tasks(raw, invalid)
    specs = sound_specs(tasks)
    problems += check_decoder(raw, specs)
    problems += [*check_tasks(tasks), *check_splits(raw, tasks), *check_taught(raw, specs), *check_views(raw, specs)]
    return None if problems else recipe


def _only_inherited(place: Place, given: Raw) -> bool:
    """Whether a stage's problem is that of the recipe's own setting, which is reported there."""
    return place[0] == "stages" and len(place) > 2 and _stands(place[2:], given) and not _stands(place, given)


def _stands(place: Place, raw: Any) -> bool:
    for key in place:
        keys = range(len(raw)) if isinstance(raw, list) else mapping(raw)
        if key not in keys:
            return False
        raw = raw[key]
    return True


def _sound_tasks(raw: Raw, invalid: Sequence[Problem]) -> dict[str, Task]:
    unsound = {problem.place[1] for problem in invalid if problem.place[0] == "tasks" and len(problem.place) > 1}
    sound = {name: task for name, task in mapping(raw.get("tasks")).items() if name not in unsound}
    return TypeAdapter(dict[Name, Task]).validate_json(json.dumps(sound))


def _report(problems: Sequence[Problem], raw: Raw, layers: Sequence[Layer], changed: Mapping[Place, str]) -> str:
    lines = dict.fromkeys(
        f"{_origin(problem.place, layers, changed)}: {place_text(problem.place, raw)}{problem.text}"
        for problem in problems
    )
    hint = taken_back(problems, layers)
    if len(lines) == 1:
        return "\n".join([*lines, *hint])
    return "\n".join([f"{layers[0].path}: {len(lines)} problems", *(f"  {line}" for line in lines), *hint])


def _origin(place: Place, layers: Sequence[Layer], changed: Mapping[Place, str]) -> str:
    """The command line's setting that the place came from, else the file."""
    by_hand = next((f"--set {text}" for start, text in changed.items() if place[: len(start)] == start), None)
    return by_hand or str(said_by(layers, place))
