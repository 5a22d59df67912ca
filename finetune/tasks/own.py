"""A task of the user's own: the same spec, made from the fields of a recipe, every problem told at once."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from finetune.tasks.bio import is_tag
from finetune.tasks.metric_names import LOWER_IS_BETTER, METRICS_OF_KIND, TWO_CLASSES_ONLY
from finetune.tasks.spec import FORMATS, KINDS, OUTSIDE, SCHEMES, TaskSpec
from tokenization.errors import RecipeError, did_you_mean

_NOT_GIVEN = ("name", "version", "reduced")
_SETTINGS = tuple(item.name for item in dataclasses.fields(TaskSpec) if item.name not in _NOT_GIVEN)
_NEEDED = ("kind", "fields", "label", "files")
_LISTS = ("fields", "labels", "metrics", "hidden", "columns", "range")
_MAPPINGS = ("files", "label_values", "limit")
_DEFAULT_METRICS = {
    "classification": ("accuracy",),
    "regression": ("pearson", "spearman", "pearson_spearman"),
    "tagging": ("entity_f1", "accuracy"),
}


def spec_from_fields(name: str, **fields: Any) -> TaskSpec:
    """The spec of a task that a recipe describes; settings that are left out or None take their defaults.

    The metrics default to those of the kind, the primary one to the last correlation or the first metric.

    Raises:
        RecipeError: with a line for each problem: unknown, missing, contradictory or useless settings.
    """
    given = {key: value for key, value in fields.items() if value is not None}
    found = _problems_of_form(name, given)
    if not found:
        spec = TaskSpec(name=name, **_with_metrics({key: _frozen(key, value) for key, value in given.items()}))
        found = problems(spec)
    if found:
        raise RecipeError("\n".join(found))
    return spec


def limit_rows(spec: TaskSpec, limit: Mapping[str, int]) -> TaskSpec:
    """The same task with fewer rows of some splits.

    Raises:
        RecipeError: a split that the task does not have, or a limit below 1; all of them at once.
    """
    limited = dataclasses.replace(spec, limit=dict(limit))
    if found := problems(limited):
        raise RecipeError("\n".join(found))
    return limited


def problems(spec: TaskSpec) -> list[str]:
    """What contradicts itself in a spec, a line each; empty for a sound one."""
    where = f"tasks.{spec.name}"
    return [f"{where}.{line}" for check in (_of_labels, _of_metrics, _of_columns, _of_files) for line in check(spec)]


def _problems_of_form(name: str, given: Mapping[str, Any]) -> list[str]:
    where = f"tasks.{name}"
    found = [
        f"{where}.{key}: not a setting of a task; settings: {', '.join(_SETTINGS)}{did_you_mean(key, _SETTINGS)}"
        for key in given
        if key not in _SETTINGS
    ]
    found += [f"{where}.{key}: missing; a task of your own needs it" for key in _NEEDED if key not in given]
    for key, allowed in (("kind", KINDS), ("format", FORMATS), ("scheme", SCHEMES)):
        if key in given and given[key] not in allowed:
            near = did_you_mean(str(given[key]), allowed)
            found.append(f"{where}.{key}: {given[key]!r} given; allowed: {', '.join(allowed)}{near}")
    for key in _LISTS:
        if key in given and not isinstance(given[key], list | tuple | str):
            found.append(f"{where}.{key}: {given[key]!r} given; a list is needed")
    for key in _MAPPINGS:
        if key in given and not isinstance(given[key], Mapping):
            found.append(f"{where}.{key}: {given[key]!r} given; a mapping is needed")
    return found


def _frozen(key: str, value: Any) -> Any:
    """YAML's lists and numbers as the spec holds them; a single string stands for a list of one."""
    if key == "range":
        return tuple(value)
    if key in _LISTS:
        return tuple(_label(item) for item in ([value] if isinstance(value, str) else value))
    if key == "label_values":
        return {_label(given): _label(name) for given, name in value.items()}
    if key in _MAPPINGS:
        return dict(value)
    return _label(value)


def _label(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _with_metrics(given: dict[str, Any]) -> dict[str, Any]:
    metrics = given.get("metrics", _DEFAULT_METRICS[given["kind"]])
    best = metrics[-1:] if "metrics" not in given and given["kind"] == "regression" else metrics[:1]
    return {"primary": next(iter(best), ""), **given, "metrics": metrics}


def _of_labels(spec: TaskSpec) -> list[str]:
    if spec.kind == "regression":
        return _of_range(spec)
    found = [] if spec.range is None else [f"range: useless for {spec.kind}; only a regression has one"]
    if len(set(spec.labels)) != len(spec.labels):
        found.append(f"labels: some occur twice: {', '.join(spec.labels)}")
    if len(spec.labels) < 2:
        found.append(f"labels: {len(spec.labels)} given; list every label, in id order, 2 or more")
    for value, name in spec.label_values.items():
        if name not in spec.labels:
            allowed = ", ".join(spec.labels)
            found.append(
                f"label_values.{value}: {name!r} is no label; labels: {allowed}{did_you_mean(name, spec.labels)}"
            )
    return found + (_of_tags(spec) if spec.kind == "tagging" else [])


def _of_range(spec: TaskSpec) -> list[str]:
    found = [f"{key}: useless for regression" for key in ("labels", "label_values") if getattr(spec, key)]
    numbers = [value for value in spec.range or () if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) != 2 or numbers != list(spec.range or ()) or not numbers[0] < numbers[1]:
        found.append(f"range: {spec.range!r} given; a regression needs its lowest and highest score, as [0, 5]")
    return found


def _of_tags(spec: TaskSpec) -> list[str]:
    found = [] if OUTSIDE in spec.labels else [f"labels: {OUTSIDE!r}, the tag of words outside, is missing"]
    wrong = [tag for tag in spec.labels if not is_tag(tag)]
    if wrong:
        found.append(f"labels: not BIO tags: {', '.join(wrong)}; allowed: O, B-<type>, I-<type>")
    for tag in spec.labels:
        if tag.startswith("I-") and f"B-{tag[2:]}" not in spec.labels:
            found.append(f"labels: {tag!r} has no 'B-{tag[2:]}' to open it")
    return found


def _of_metrics(spec: TaskSpec) -> list[str]:
    allowed = METRICS_OF_KIND[spec.kind]
    found = [
        f"metrics: {name!r} is not a metric of {spec.kind}; allowed: {', '.join(allowed)}{did_you_mean(name, allowed)}"
        for name in spec.metrics
        if name not in allowed
    ]
    if len(spec.labels) != 2:
        found += [
            f"metrics: {name!r} needs exactly two labels, the positive one last; use 'macro_f1'"
            for name in spec.metrics
            if name in TWO_CLASSES_ONLY and name in allowed
        ]
    if not spec.metrics:
        found.append(f"metrics: none given; allowed: {', '.join(allowed)}")
    elif spec.primary not in spec.metrics:
        found.append(f"primary: {spec.primary!r} is not among the task's metrics: {', '.join(spec.metrics)}")
    elif spec.primary in LOWER_IS_BETTER:
        found.append(f"primary: {spec.primary!r} falls as a model improves; checkpoints are chosen by a rising one")
    return found


def _of_columns(spec: TaskSpec) -> list[str]:
    most = 1 if spec.kind == "tagging" else 2
    found = []
    if not 1 <= len(spec.fields) <= most:
        found.append(f"fields: {len(spec.fields)} given; {spec.kind} reads {'one' if most == 1 else 'one or two'}")
    if spec.format == "conll" and (spec.kind != "tagging" or not spec.columns):
        found.append("format: 'conll' is for tagging and needs `columns`, the names of its columns in order")
    if spec.columns:
        near = ", ".join(spec.columns)
        missing = [name for name in (*spec.fields, spec.label) if name not in spec.columns]
        found += [f"columns: {name!r}, which is read, is not among them: {near}" for name in missing]
    if spec.scheme != "bio" and spec.kind != "tagging":
        found.append(f"scheme: useless for {spec.kind}; only tags have one")
    return found


def _of_files(spec: TaskSpec) -> list[str]:
    found = [
        f"files: no {split!r}; a task needs train and dev" for split in ("train", "dev") if split not in spec.files
    ]
    found += [
        f"files.{split}: {path!r} given; a path relative to the data folder is needed"
        for split, path in spec.files.items()
        if not isinstance(path, str) or not path
    ]
    for split in spec.hidden:
        if split not in spec.files or split in ("train", "dev"):
            found.append(f"hidden: {split!r}; only further splits of `files` can hide their labels")
    for split, rows in spec.limit.items():
        if split not in spec.files:
            near = did_you_mean(split, spec.files)
            found.append(f"limit.{split}: no such split; splits here: {', '.join(spec.files)}{near}")
        elif isinstance(rows, bool) or not isinstance(rows, int) or rows < 1:
            found.append(f"limit.{split}: {rows!r} given; a number of rows, 1 or more, is needed")
    return found
