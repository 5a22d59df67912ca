"""A task of the user's own, or a built-in one with something changed: the same spec, every problem told at once."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from finetune.cloze.given import Cloze, Prompt
from finetune.tasks.hub_splits import on_hub
from finetune.tasks.metric_names import METRICS_OF_KIND
from finetune.tasks.sound import problems
from finetune.tasks.spec import FORMATS, KINDS, LANGUAGES, LAYOUTS, SCHEMES, WRITERS, Hub, Published, TaskSpec
from model.design import HeadDesign
from tokenization.errors import RecipeError, did_you_mean

_SETTINGS = tuple(item.name for item in dataclasses.fields(TaskSpec) if item.name != "name")
_NEEDED = ("kind", "fields", "label", "files")
_CHOICES = {
    "kind": KINDS,
    "format": FORMATS,
    "layout": LAYOUTS,
    "scheme": SCHEMES,
    "written_by": WRITERS,
    "language": LANGUAGES,
}
_LISTS = ("fields", "labels", "metrics", "hidden", "columns", "dropped")
_MAPPINGS = ("files", "label_values", "limit", "rows")
_NUMBERS = (
    "overlap",
    "longest_answer",
    "carve",
    "version",
    "unanswerable",
    "beam",
    "length_penalty",
    "longest",
    "condition",
)
_WORDED = {"cloze": Cloze, "prompt": Prompt}
_HUB_SETTINGS = tuple(item.name for item in dataclasses.fields(Hub))
_DEFAULT_METRICS = {
    "regression": ("pearson", "spearman", "pearson_spearman"),
    "tagging": ("entity_f1", "accuracy"),
    "span": ("exact_match", "span_f1"),
    "generation": ("bleu", "chrf", "exact_match"),
}


def spec_from_fields(name: str, **fields: Any) -> TaskSpec:
    """The spec that such fields describe; those that are left out or None take their defaults.

    The metrics default to those of the kind, the primary one to the last correlation or the first metric. Given a hub
    and no files, the task is read from the hub. The fields of an existing spec, as JSON keeps them, give it back.

    Raises:
        RecipeError: with a line for each problem: unknown, missing, contradictory or useless settings.
    """
    given = {key: value for key, value in fields.items() if value is not None}
    needed = [key for key in _NEEDED if key != "files" or "hub" not in given]
    found = [f"tasks.{name}.{key}: missing; a task of your own needs it" for key in needed if key not in given]
    _refuse([*_problems_of_form(name, given), *found])
    spec = TaskSpec(name=name, **{"files": {}, **_with_metrics(_with_attention(_all_frozen(given)))})
    return _sound(spec if spec.files else on_hub(spec))


def changed_spec(spec: TaskSpec, **fields: Any) -> TaskSpec:
    """A built-in task with some settings changed; those that are left out or None stay.

    What follows from a changed setting changes with it: metrics without the primary one make their first primary, and
    splits that have no file any more hide nothing.

    Raises:
        RecipeError: with a line for each problem.
    """
    given = {key: value for key, value in fields.items() if value is not None}
    _refuse(_problems_of_form(spec.name, given))
    frozen = _with_attention(_all_frozen(given))
    if "files" in frozen:
        frozen = {"hidden": tuple(split for split in spec.hidden if split in frozen["files"]), **frozen}
    if frozen.get("metrics") and spec.primary not in frozen["metrics"]:
        frozen = {"primary": _usual_primary(spec.kind, frozen["metrics"]), **frozen}
    return _sound(dataclasses.replace(spec, **frozen))


def _sound(spec: TaskSpec) -> TaskSpec:
    _refuse(problems(spec))
    return spec


def _refuse(found: list[str]) -> None:
    if found:
        raise RecipeError("\n".join(found))


def _problems_of_form(name: str, given: Mapping[str, Any]) -> list[str]:
    where = f"tasks.{name}"
    found = [
        f"{where}.{key}: not a setting of a task; settings: {', '.join(_SETTINGS)}{did_you_mean(key, _SETTINGS)}"
        for key in given
        if key not in _SETTINGS
    ]
    for key, allowed in _CHOICES.items():
        if key in given and given[key] not in allowed:
            near = did_you_mean(str(given[key]), allowed)
            found.append(f"{where}.{key}: {given[key]!r} given; allowed: {', '.join(filter(None, allowed))}{near}")
    for key in (*_LISTS, "range"):
        if key in given and not isinstance(given[key], list | tuple | str):
            found.append(f"{where}.{key}: {given[key]!r} given; a list is needed")
    for key in (*_MAPPINGS, *_WORDED, "hub"):
        if key in given and not isinstance(given[key], Mapping | Hub | Cloze | Prompt):
            found.append(f"{where}.{key}: {given[key]!r} given; a mapping is needed")
    if given.get("files") == {} and "hub" not in given:
        found.append(f"{where}.files: none given; name the file of each split, as {{train: train.tsv, dev: dev.tsv}}")
    if isinstance(given.get("hub"), Mapping):
        found += _problems_of_hub(where, given["hub"])
    return found


def _problems_of_hub(where: str, hub: Mapping[str, Any]) -> list[str]:
    found = [
        f"{where}.hub.{key}: not a setting; settings: {', '.join(_HUB_SETTINGS)}{did_you_mean(key, _HUB_SETTINGS)}"
        for key in hub
        if key not in _HUB_SETTINGS
    ]
    return found if "path" in hub else [*found, f"{where}.hub.path: missing; it names the data set"]


def _all_frozen(given: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _frozen(key, value) for key, value in given.items()}


def _frozen(key: str, value: Any) -> Any:
    """YAML's and JSON's lists, numbers and mappings as the spec holds them; a string stands for a list of one."""
    if key == "range":
        return tuple(value)
    if key in _LISTS:
        return tuple(_label(item) for item in ([value] if isinstance(value, str) else value))
    if key == "label_values":
        return {_label(given): _label(name) for given, name in value.items()}
    if key == "files":
        return {split: tuple(path) if isinstance(path, list) else path for split, path in value.items()}
    if key in _MAPPINGS:
        return dict(value)
    if key == "hub" and isinstance(value, Mapping):
        return Hub(**{name: setting for name, setting in value.items() if setting is not None})
    if key == "published":
        return tuple(Published(**one) if isinstance(one, Mapping) else one for one in value)
    if key == "design" and isinstance(value, Mapping):
        return HeadDesign(**value)
    if key in _WORDED:
        return _WORDED[key](**value) if isinstance(value, Mapping) else value
    return value if key in _NUMBERS or key in ("hub", "design") else _label(value)


def _with_attention(given: dict[str, Any]) -> dict[str, Any]:
    """An answer that follows its text is asked of a model that has seen the text and nothing behind it."""
    is_scored = given.get("prompt") and given.get("kind") != "generation"
    return {"attention": "left", **given} if is_scored or given.get("written_by") == "left" else given


def _label(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _with_metrics(given: dict[str, Any]) -> dict[str, Any]:
    kind = given["kind"]
    metrics = given.get("metrics", _DEFAULT_METRICS.get(kind, METRICS_OF_KIND[kind][:1]))
    return {"primary": _usual_primary(kind, metrics), **given, "metrics": metrics}


def _usual_primary(kind: str, metrics: Sequence[str]) -> str:
    """What counts where nobody says: of a regression the mean of both correlations, else the first that is named."""
    usual = "pearson_spearman"
    return usual if kind == "regression" and usual in metrics else next(iter(metrics), "")
