"""What contradicts itself in a task's spec."""

from collections.abc import Callable, Mapping
from dataclasses import fields as fields_of
from typing import Any

from finetune.cloze.given import problems_of, problems_of_text
from finetune.tasks.bio import is_tag
from finetune.tasks.metric_names import LOWER_IS_BETTER, METRICS_OF_KIND, TWO_CLASSES_ONLY
from finetune.tasks.sound_heads import of_head
from finetune.tasks.spec import DEV, GROUPED, KINDS, OUTSIDE, TRAIN, TaskSpec
from model.design import ROW
from tokenization.errors import did_you_mean

_LABELLED = ("classification", "multilabel", "tagging")
_KINDS_OF_LAYOUT: dict[str, tuple[str, ...]] = {
    "rows": KINDS,
    "marked_pair": ("classification",),
    "squad": ("span",),
    "squad_sentences": ("ranking",),
    "c3": GROUPED,
    "chid": GROUPED,
    "named_spans": ("tagging",),
    "parallel_lines": ("generation",),
}
# How many columns of text a kind reads, at least and at most.
_FIELDS_OF_KIND: dict[str, tuple[int, int, str]] = {
    "tagging": (1, 1, "one"),
    "span": (2, 2, "two, the question's and the text's"),
    "choice": (1, 3, "one to three: a context, a question on it, and the options last"),
}
# Settings that only some kinds have a use for.
_KINDS_OF_SETTING: dict[str, tuple[str, ...]] = {
    "labels": _LABELLED,
    "label_values": (*_LABELLED, "generation"),
    "range": ("regression",),
    "scheme": ("tagging",),
    "dropped": ("classification", "regression"),
    "overlap": ("span",),
    "longest_answer": ("span",),
    "unanswerable": ("span",),
    "written_by": ("generation",),
    "language": ("generation",),
    "beam": ("generation",),
    "length_penalty": ("generation",),
    "longest": ("generation",),
}
_AS_WRITTEN = {"written_by": "by"}  # settings that a recipe calls otherwise
_DEFAULTS: Mapping[str, Any] = {item.name: item.default for item in fields_of(TaskSpec)} | {"label_values": {}}


def problems(spec: TaskSpec) -> list[str]:
    """What contradicts itself in a spec, a line each; empty for a sound one."""
    return [f"tasks.{spec.name}.{line}" for check in _CHECKS for line in check(spec)]


def _of_labels(spec: TaskSpec) -> list[str]:
    if spec.kind == "regression":
        return _of_range(spec)
    if spec.kind not in _LABELLED:
        return []
    found = []
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
    found += [
        f"dropped: {value!r} is a label; rows of it would be left out" for value in spec.dropped if value in spec.labels
    ]
    return found + (_of_tags(spec) if spec.kind == "tagging" else [])


def _of_use(spec: TaskSpec) -> list[str]:
    """Settings that the kind has no use for."""
    return [
        f"{_AS_WRITTEN.get(name, name)}: useless for {spec.kind}; only {_listed(kinds)} "
        f"{'has' if len(kinds) == 1 else 'have'} it"
        for name, kinds in _KINDS_OF_SETTING.items()
        if spec.kind not in kinds and getattr(spec, name) != _DEFAULTS[name]
    ]


def _listed(names: tuple[str, ...]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _of_range(spec: TaskSpec) -> list[str]:
    numbers = [value for value in spec.range or () if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) != 2 or numbers != list(spec.range or ()) or not numbers[0] < numbers[1]:
        return [f"range: {spec.range!r} given; a regression needs its lowest and highest score, as [0, 5]"]
    return []


def _of_tags(spec: TaskSpec) -> list[str]:
    found = [] if OUTSIDE in spec.labels else [f"labels: {OUTSIDE!r}, the tag of words outside, is missing"]
    wrong = [tag for tag in spec.labels if not is_tag(tag)]
    if wrong:
        found.append(
            f"labels: not BIO tags: {', '.join(wrong)}; allowed: O, B-<type>, I-<type>, whatever scheme the files have"
        )
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
    least, most, wanted = _FIELDS_OF_KIND.get(spec.kind, (1, 2, "one or two"))
    found = []
    if not least <= len(spec.fields) <= most:
        found.append(f"fields: {len(spec.fields)} given; {spec.kind} reads {wanted}")
    if len(set(spec.fields)) < len(spec.fields):
        found.append(f"fields: one is named twice: {', '.join(spec.fields)}; name each column once")
    if spec.format == "conll" and spec.kind != "tagging":
        found.append("format: 'conll' is for tagging")
    elif not spec.columns and _has_words_a_line(spec):
        shown = ", ".join((*spec.fields, spec.label))
        found.append(
            f"columns: missing; a file of a word a line (conll) has no header, so name all its columns, as [{shown}]"
        )
    if spec.columns:
        near = ", ".join(spec.columns)
        read = spec.fields if set(spec.files) <= set(spec.hidden) else (*spec.fields, spec.label)
        found += [
            f"columns: {name!r}, which is read, is not among them: {near}" for name in read if name not in spec.columns
        ]
    if spec.kind not in _KINDS_OF_LAYOUT[spec.layout]:
        kinds = _listed(_KINDS_OF_LAYOUT[spec.layout])
        found.append(f"layout: {spec.layout!r} is for {kinds}, not for {spec.kind}; for plain rows leave it out")
    if spec.layout == "parallel_lines":
        found += [
            f"{name}: useless with layout: parallel_lines, whose files hold a text a line"
            for name in ("format", "columns", "id")
            if getattr(spec, name) != _DEFAULTS[name]
        ]
    return found


def _in_words(spec: TaskSpec) -> list[str]:
    """What contradicts itself where the head of the language model answers."""
    given = spec.cloze or spec.prompt
    if given is None:
        return []
    if spec.kind == "generation" and not spec.cloze:
        return _in_own_words(spec)
    name = "cloze" if spec.cloze else "prompt"
    found = problems_of(given, spec.fields, spec.labels)
    if spec.kind != "classification":
        found = [
            f"{name}: does not go with {spec.kind}: its words stand for the classes of a whole text, one of which is "
            "right; leave it out, or make it a task of kind classification"
        ]
    if spec.cloze and spec.prompt:
        found.append("prompt: given beside a cloze; a task is asked for in one way, so make it two tasks")
    if spec.design != ROW:
        found.append(f"head: useless with a {name}, which the head of the language model answers; leave it out")
    if spec.head:
        found.append(f"{name}: the head of {spec.head} answers this task; a {name} has the language model's answer")
    if spec.attention != (wanted := "left" if spec.prompt else "both"):
        why = "whose answer follows its text" if spec.prompt else "whose gap is read from both sides"
        found.append(f"attention: {spec.attention!r} does not go with a {name}, {why}; it is {wanted!r}")
    return found


def _in_own_words(spec: TaskSpec) -> list[str]:
    """What contradicts itself in a prompt whose answer is written."""
    assert spec.prompt is not None
    found = problems_of_text(spec.prompt, spec.fields)
    if not spec.goes_on:
        found.append(
            f"prompt: useless with by: {spec.written_by}, which reads its source as it stands; by: left goes on with a "
            "prompt"
        )
    if spec.prompt.answers:
        found.append("prompt.answers: useless for generation, whose answer is written; `label` says what is right")
    if spec.prompt.per_token:
        found.append("prompt.per_token: useless for generation, whose answer is written and not scored")
    return found


def _has_words_a_line(spec: TaskSpec) -> bool:
    if spec.format != "auto":
        return spec.format == "conll"
    paths = [path for split, given in spec.files.items() if _are_paths(given) for path in spec.paths(split)]
    return any(path.endswith(".conll") for path in paths)


def _of_files(spec: TaskSpec) -> list[str]:
    found = []
    if TRAIN not in spec.files and not spec.head:
        found.append(f"files: no {TRAIN!r}; a task needs one, and a dev set is carved from it where none is given")
    found += [
        f"files.{split}: {given!r} given; a path relative to the data folder is needed, or a list of them"
        for split, given in spec.files.items()
        if not _are_paths(given)
    ]
    for split in spec.hidden:
        if split not in spec.files or split == TRAIN or split in spec.named(DEV):
            found.append(f"hidden: {split!r}; only further splits of `files` can hide their labels")
    return found


def _are_paths(given: object) -> bool:
    paths = given if isinstance(given, tuple) else (given,)
    return bool(paths) and all(isinstance(path, str) and path for path in paths)


def _of_numbers(spec: TaskSpec) -> list[str]:
    found = []
    for split, rows in spec.limit.items():
        if split not in spec.splits:
            near = did_you_mean(split, spec.splits)
            found.append(f"limit.{split}: no such split; splits here: {', '.join(spec.splits)}{near}")
        elif not _is_whole(rows, 1):
            found.append(f"limit.{split}: {rows!r} given; a number of rows, 1 or more, is needed")
    if not isinstance(spec.carve, int | float) or not 0 < spec.carve < 1:
        found.append(f"carve: {spec.carve!r} given; the share of train that stands in for dev lies between 0 and 1")
    elif spec.carve != _DEFAULTS["carve"] and set(spec.named(DEV)) & set(spec.files):
        found.append("carve: useless where `files` gives a dev set")
    found += _of_writing(spec)
    if not _is_whole(spec.overlap, 0):
        found.append(f"overlap: {spec.overlap!r} given; a number of tokens, 0 or more, is needed")
    if not _is_whole(spec.longest_answer, 1):
        found.append(f"longest_answer: {spec.longest_answer!r} given; a number of tokens, 1 or more, is needed")
    return found


def _of_writing(spec: TaskSpec) -> list[str]:
    found = [
        f"{name}: {value!r} given; a whole number, 1 or more, is needed"
        for name, value in (("beam", spec.beam), ("longest", spec.longest))
        if not _is_whole(value, 1)
    ]
    if not isinstance(spec.length_penalty, int | float) or not spec.length_penalty >= 0:
        found.append(f"length_penalty: {spec.length_penalty!r} given; a number, 0 or more, is needed")
    if spec.kind == "generation" and spec.design != ROW:
        found.append("head: useless for generation; what writes a text reads the last layer's rows one by one")
    if spec.length_penalty != _DEFAULTS["length_penalty"] and spec.beam == 1:
        found.append("length_penalty: useless with beam: 1, where nothing is compared")
    return found


def _is_whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


_CHECKS: tuple[Callable[[TaskSpec], list[str]], ...] = (
    _of_labels,
    _of_use,
    _of_metrics,
    _of_columns,
    _of_files,
    _of_numbers,
    _in_words,
    of_head,
)
