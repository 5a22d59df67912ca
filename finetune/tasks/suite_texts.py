"""The texts of dev and test sets that must stay out of corpora, of whole suites or of single tasks.

Every split but `train` counts, whether its labels are hidden or not.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from finetune.tasks.read import read_examples
from finetune.tasks.spec import TaskSpec
from finetune.tasks.suite_files import SUITES, NestedTexts, Source, Steps
from finetune.tasks.table import TASKS
from tokenization.cleaning.contamination import KeptOutText
from tokenization.errors import DataError, RecipeError, did_you_mean


@dataclass(frozen=True)
class SuiteTexts:
    """What was found.

    Attributes:
        texts: the dev and test texts.
        missing: files of the named suites that are not there.
    """

    texts: tuple[KeptOutText, ...]
    missing: tuple[str, ...]


def suite_texts(names: Sequence[str], data: Path, own: Mapping[str, TaskSpec] | None = None) -> SuiteTexts:
    """The dev and test texts of suites and tasks.

    Args:
        names: suites, built-in tasks, or the recipe's own.
        data: the data folder.
        own: the recipe's own tasks by name.

    Raises:
        RecipeError: a name that is neither.
        DataError: none of the files of a name is there, or a file is malformed.
    """
    found: list[KeptOutText] = []
    missing: list[str] = []
    for name in names:
        files = [(source, split) for source in _sources(name, own or {}) for split in source.files if split != "train"]
        absent = [source.files[split] for source, split in files if not (data / source.files[split]).is_file()]
        if len(absent) == len(files):
            raise DataError(
                f"clean.decontaminate.suites: nothing of {name!r} is in the data folder {data}; looked for "
                f"{', '.join(absent)}. Name the folder that holds it in `data:`, or leave {name!r} out."
            )
        missing += absent
        for source, split in files:
            if source.files[split] not in absent:
                found += _texts(source, split, data)
    return SuiteTexts(tuple(found), tuple(missing))


def suite_names(own: Iterable[str] = ()) -> list[str]:
    """Every name that `suite_texts` knows: suites and tasks, with the recipe's own."""
    return sorted({*SUITES, *TASKS, *own, *(source.name for suite in SUITES.values() for source in suite)})


def _sources(name: str, own: Mapping[str, TaskSpec]) -> tuple[Source, ...]:
    if name in own:
        return (own[name],)
    if name in SUITES:
        return SUITES[name]
    single = tuple(source for suite in SUITES.values() for source in suite if source.name == name)
    if name in TASKS:
        single = (TASKS[name], *(source for source in single if source is not TASKS[name]))
    if not single:
        allowed = suite_names(own)
        raise RecipeError(
            f"clean.decontaminate.suites: {name!r} is no suite and no task; allowed: {', '.join(allowed)}"
            f"{did_you_mean(name, allowed)}"
        )
    return single


def _texts(source: Source, split: str, data: Path) -> Iterator[KeptOutText]:
    if isinstance(source, NestedTexts):
        path = data / source.files[split]
        document = _json_lines(path) if source.lines else _json(path)
        for steps in source.paths:
            try:
                yield from [KeptOutText(source.name, split, row, text) for row, text in _walk(document, steps)]
            except (LookupError, TypeError):
                where = ".".join(map(str, steps))
                raise DataError(f"{path}: not laid out as {source.name}'s files are: no text at {where}.") from None
        return
    # All rows are kept out, also those that a recipe's `limit` leaves out of the score.
    for example in read_examples(replace(source, limit={}), data, split):
        for text in example.texts or (" ".join(example.words),):
            yield KeptOutText(source.name, split, example.id, text)


def _json(path: Path) -> Any:
    return _parsed(_decoded(path), path, 1)


def _json_lines(path: Path) -> list[Any]:
    lines = enumerate(_decoded(path).split("\n"), 1)
    return [_parsed(line, path, number) for number, line in lines if line.strip()]


def _decoded(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: broken UTF-8 at byte {error.start} ({error.reason}).") from None


def _parsed(text: str, path: Path, first_line: int) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        raise DataError(f"{path}, line {line}, column {error.colno}: not valid JSON ({error.msg}).") from None


def _walk(value: Any, steps: Steps, row: str = "") -> Iterator[tuple[str, str]]:
    """The texts that the steps lead to, each with the indices on its way, such as 12.0."""
    if not steps:
        yield row, value if isinstance(value, str) else "\n".join(value)
    elif steps[0] == "*":
        for number, element in enumerate(value):
            yield from _walk(element, steps[1:], f"{row}.{number}" if row else str(number))
    else:
        yield from _walk(value[steps[0]], steps[1:], row)
