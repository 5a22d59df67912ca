"""The texts of dev and test sets that must stay out of corpora, of whole suites or of single tasks.

Every split but `train` counts, whether its labels are hidden or not. Files are where the suites' own archives have
them; what the table of tasks holds is read as it says there, the rest is listed here. Labels are not read.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from finetune.tasks.glue import GLUE
from finetune.tasks.read import read_examples
from finetune.tasks.spec import TaskSpec
from finetune.tasks.table import TASKS
from tokenization.cleaning.contamination import KeptOutText
from tokenization.errors import DataError, RecipeError, did_you_mean

Steps = tuple[str | int, ...]


@dataclass(frozen=True)
class NestedTexts:
    """Texts of a task within JSON documents.

    Attributes:
        name: the task's.
        files: path of each split, relative to the data folder.
        paths: where its texts are, as keys and indices; "*" is every element. A list of strings is one text.
    """

    name: str
    files: Mapping[str, str]
    paths: tuple[Steps, ...]


@dataclass(frozen=True)
class SuiteTexts:
    """What was found.

    Attributes:
        texts: the dev and test texts.
        missing: files of the named suites that are not there.
    """

    texts: tuple[KeptOutText, ...]
    missing: tuple[str, ...]


def _unlabelled(name: str, fields: tuple[str, ...], **files: str) -> TaskSpec:
    """A task of which the texts alone are read."""
    lines = all(file.endswith(".json") for file in files.values())
    return TaskSpec(
        name=name,
        kind="classification",
        fields=fields,
        label="",
        files=files,
        hidden=tuple(files),
        format="jsonl" if lines else "auto",
    )


_SENTENCES = ("sentence1", "sentence2")
_SQUAD: tuple[Steps, ...] = (
    ("data", "*", "paragraphs", "*", "context"),
    ("data", "*", "paragraphs", "*", "qas", "*", "question"),
)

GLUE_ONLY_TEXTS = (
    _unlabelled("ax", _SENTENCES, test="glue/AX/diagnostic.tsv"),
    _unlabelled(
        "mnli",
        _SENTENCES,
        dev_mismatched="glue/MNLI/dev_mismatched.tsv",
        test_matched="glue/MNLI/test_matched.tsv",
        test_mismatched="glue/MNLI/test_mismatched.tsv",
    ),
    _unlabelled("qnli", ("question", "sentence"), dev="glue/QNLI/dev.tsv", test="glue/QNLI/test.tsv"),
    _unlabelled("qqp", ("question1", "question2"), dev="glue/QQP/dev.tsv", test="glue/QQP/test.tsv"),
)

CLUE_TEXTS = (
    _unlabelled("afqmc", _SENTENCES, dev="clue/afqmc/dev.json", test="clue/afqmc/test.json"),
    _unlabelled(
        "tnews",
        ("sentence",),
        dev="clue/tnews/dev.json",
        test="clue/tnews/test.json",
        test10="clue/tnews/test1.0.json",
    ),
    _unlabelled("iflytek", ("sentence",), dev="clue/iflytek/dev.json", test="clue/iflytek/test.json"),
    _unlabelled("cmnli", _SENTENCES, dev="clue/cmnli/dev.json", test="clue/cmnli/test.json"),
    _unlabelled("ocnli", _SENTENCES, dev="clue/ocnli/dev.json", test="clue/ocnli/test.json"),
    _unlabelled("cluewsc2020", ("text",), dev="clue/cluewsc2020/dev.json", test="clue/cluewsc2020/test.json"),
    _unlabelled("csl", ("abst",), dev="clue/csl/dev.json", test="clue/csl/test.json"),
    NestedTexts("cmrc2018", {"dev": "clue/cmrc2018/dev.json", "test": "clue/cmrc2018/test.json"}, _SQUAD),
    NestedTexts(
        "c3",
        {
            "dev-d": "clue/c3/d-dev.json",
            "dev-m": "clue/c3/m-dev.json",
            "test-d": "clue/c3/d-test.json",
            "test-m": "clue/c3/m-test.json",
        },
        (("*", 0), ("*", 1, "*", "question")),
    ),
)

FEWCLUE_TEXTS = tuple(
    _unlabelled(
        name,
        (field,),
        dev=f"fewclue/{name}/dev_few_all.json",
        test_public=f"fewclue/{name}/test_public.json",
        test=f"fewclue/{name}/test.json",
    )
    for name, field in (("csl", "abst"), ("iflytek", "sentence"), ("chid", "content"), ("cluewsc", "text"))
)

Source = TaskSpec | NestedTexts

SUITES: dict[str, tuple[Source, ...]] = {
    "glue": (*GLUE, *GLUE_ONLY_TEXTS),
    "clue": CLUE_TEXTS,
    "fewclue": FEWCLUE_TEXTS,
}


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


def _sources(name: str, own: Mapping[str, TaskSpec]) -> tuple[Source, ...]:
    if name in own:
        return (own[name],)
    if name in SUITES:
        return SUITES[name]
    single = tuple(source for suite in SUITES.values() for source in suite if source.name == name)
    if name in TASKS:
        single = (TASKS[name], *(source for source in single if source is not TASKS[name]))
    if not single:
        allowed = sorted({*SUITES, *TASKS, *own, *(source.name for suite in SUITES.values() for source in suite)})
        raise RecipeError(
            f"clean.decontaminate.suites: {name!r} is no suite and no task; allowed: {', '.join(allowed)}"
            f"{did_you_mean(name, allowed)}"
        )
    return single


def _texts(source: Source, split: str, data: Path) -> Iterator[KeptOutText]:
    if isinstance(source, NestedTexts):
        path = data / source.files[split]
        document = _json(path)
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
    try:
        return json.loads(path.read_bytes())
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: broken UTF-8 at byte {error.start} ({error.reason}).") from None
    except json.JSONDecodeError as error:
        raise DataError(f"{path}, line {error.lineno}, column {error.colno}: not valid JSON ({error.msg}).") from None


def _walk(value: Any, steps: Steps, row: str = "") -> Iterator[tuple[str, str]]:
    """The texts that the steps lead to, each with the indices on its way, such as 12.0."""
    if not steps:
        yield row, value if isinstance(value, str) else "\n".join(value)
    elif steps[0] == "*":
        for number, element in enumerate(value):
            yield from _walk(element, steps[1:], f"{row}.{number}" if row else str(number))
    else:
        yield from _walk(value[steps[0]], steps[1:], row)
