"""The texts of dev and test sets that must stay out of corpora, of whole suites or of single tasks.

Every split but those of training counts, whether its labels are hidden or not; labels are not read.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from finetune.reading.archive import find_file
from finetune.reading.carve import is_carved
from finetune.reading.read import read_examples
from finetune.tasks.example import Example
from finetune.tasks.fewclue import DRAWS, FEWCLUE
from finetune.tasks.hub_splits import is_on_hub
from finetune.tasks.spec import TRAIN, TaskSpec
from finetune.tasks.suites import SUITES
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
        own: the recipe's own tasks by name; one with the name of a suite's task stands in its place.

    Raises:
        RecipeError: a name that is neither.
        DataError: none of the files of a name is there, or a file is malformed.
    """
    found: list[KeptOutText] = []
    missing: dict[str, None] = {}
    for name in names:
        splits = [(spec, split) for spec in _specs(name, own or {}) for split in _kept_out(spec)]
        present = [_present(spec, split, data) for spec, split in splits]
        absent = [path for here, gone in present for path in gone]
        if not any(here for here, _ in present):
            raise DataError(
                f"clean.decontaminate.suites: nothing of {name!r} is in the data folder {data}; looked for "
                f"{', '.join(absent)}. Name the folder that holds it in `data:`, or leave {name!r} out."
            )
        missing |= dict.fromkeys(absent)
        for (spec, split), (here, _) in zip(splits, present, strict=True):
            if here:
                found += _texts(spec, split, here, data)
    return SuiteTexts(tuple(found), tuple(missing))


def suite_names(own: Iterable[str] = ()) -> list[str]:
    """Every name that `suite_texts` knows: suites and tasks, with the recipe's own."""
    return sorted({*SUITES, *TASKS, *own})


def _specs(name: str, own: Mapping[str, TaskSpec]) -> tuple[TaskSpec, ...]:
    if name in own:
        return (own[name],)
    if name in SUITES:
        return tuple(own.get(spec.name, spec) for spec in SUITES[name].tasks)
    if name in TASKS:
        return (TASKS[name],)
    allowed = suite_names(own)
    raise RecipeError(
        f"clean.decontaminate.suites: {name!r} is no suite and no task; allowed: {', '.join(allowed)}"
        f"{did_you_mean(name, allowed)}"
    )


def _kept_out(spec: TaskSpec) -> Iterator[str]:
    """The splits that are not trained on; FewCLUE's draws stand in its whole dev sets."""
    trained = (TRAIN, *DRAWS) if spec.name in [task.name for task in FEWCLUE] else (TRAIN,)
    return (split for split in spec.splits if split not in trained)


def _present(spec: TaskSpec, split: str, data: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The files of a split's texts that are there, and those that are not."""
    paths = spec.paths(TRAIN if is_carved(spec, split) else split)
    if is_on_hub(spec, split):
        return paths, ()
    if spec.layout == "chid":
        paths = paths[:1]  # the second file holds answers
    here = tuple(path for path in paths if find_file(data, path) is not None)
    return here, tuple(path for path in paths if path not in here)


def _texts(spec: TaskSpec, split: str, paths: tuple[str, ...], data: Path) -> Iterator[KeptOutText]:
    """All rows are kept out, also those that a recipe's `limit` leaves out of the score, or that have no label."""
    read = replace(spec, limit={})
    if not is_carved(spec, split):
        read = replace(read, files={split: paths}, hidden=(split,))
    seen: set[str] = set()
    for example in read_examples(read, data, split):
        for text in _of_example(example):
            # A passage with several questions is one text; rows that are alike stay rows.
            if spec.layout == "rows" or text not in seen:
                yield KeptOutText(spec.name, split, example.id, text)
            seen.add(text)


def _of_example(example: Example) -> tuple[str, ...]:
    candidates = dict.fromkeys(text for candidate in example.candidates for text in candidate)
    words = (" ".join(example.words),) if example.words else ()
    return (*example.texts, *candidates, *words)
