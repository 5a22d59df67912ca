"""What `triptych evaluate` was asked for, against what the model and the tasks have."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from finetune.reading.archive import files_of, find_file
from finetune.tasks.hub_splits import is_on_hub
from finetune.tasks.namesake import is_namesake
from finetune.tasks.spec import TRAIN, TaskSpec
from finetune.tasks.suites import Suite, find_suite
from pipeline.answer import Model
from pipeline.data_folder import DataFolder
from tokenization.errors import DataError, RecipeError, did_you_mean


@dataclass(frozen=True)
class Question:
    """A split that is to be answered.

    Attributes:
        length: tokens that its sequences are cut to.
        first: whether it is the first that the asked name stands for; it alone counts in the mean.
    """

    spec: TaskSpec
    split: str
    length: int
    first: bool

    @property
    def hidden(self) -> bool:
        """Whether its labels are not given."""
        return self.split in self.spec.hidden

    @property
    def shown(self) -> str:
        return self.spec.name if self.first else f"{self.spec.name} ({self.split})"


@dataclass(frozen=True)
class Asked:
    """All that is to be answered.

    Attributes:
        suite: whose average is told.
        notes: what of it cannot be answered, and why.
    """

    questions: tuple[Question, ...]
    split: str
    suite: Suite | None = None
    notes: tuple[str, ...] = ()


def asked_of(model: Model, names: Sequence[str], suite: str | None, split: str) -> Asked:
    """The splits to be answered: of the tasks named, or of all of the suite's or the model's that can be.

    Raises:
        RecipeError: a suite, a task or a split that there is not; a task that no head of the model answers; nothing
            that can be answered; labels that are no longer those that the model was trained with.
    """
    if suite is not None and names:
        raise RecipeError("give --suite or --tasks, not both")
    whole = find_suite(suite) if suite else None
    if not model.tasks:
        raise RecipeError(f"{model.folder} has no task heads, so there is nothing to evaluate.")
    if names:
        return Asked(tuple(q for name in dict.fromkeys(names) for q in _questions(model, name, split)), split)
    found: list[Question] = []
    left_out: dict[str, list[str]] = {}
    for name in [spec.name for spec in whole.tasks] if whole else model.tasks:
        if why := _unanswerable(model, name, split, whole):
            left_out.setdefault(why, []).append(name)
        else:
            found += _questions(model, name, split, whole)
    notes = tuple(f"not evaluated, since {why}: {', '.join(tasks)}" for why, tasks in left_out.items())
    if not found:
        raise RecipeError(
            f"{model.folder}: nothing to evaluate: {'. '.join(notes)}. "
            f"The model has heads for {', '.join(model.tasks)}."
        )
    return Asked(tuple(found), split, whole, notes)


def _unanswerable(model: Model, name: str, split: str, suite: Suite | None) -> str | None:
    """Why a task that nobody named is left out."""
    if not model.answers(name):
        return "the model has no head for them"
    spec = model.task(name)[0]
    if suite is not None and is_namesake(spec):
        return f"here they are tasks of your own, not {suite.title}'s"
    return None if _meant(spec, split, suite) else f"they have no split {split}"


def _meant(spec: TaskSpec, split: str, suite: Suite | None) -> tuple[str, ...]:
    return spec.named(split) if suite is None else suite.splits(spec, split)


def _questions(model: Model, name: str, split: str, suite: Suite | None = None) -> list[Question]:
    """The splits of a task that the name of one stands for."""
    spec, length = model.task(name)
    _refuse_other_labels(model, spec)
    splits = _meant(spec, split, suite)
    if not splits:
        known = ", ".join(spec.splits)
        raise RecipeError(f"task '{name}' has no split '{split}'; it has {known}{did_you_mean(split, spec.splits)}")
    return [Question(spec, found, length, found == splits[0]) for found in splits]


def _refuse_other_labels(model: Model, spec: TaskSpec) -> None:
    """Refuse where the recipe, or today's built-in table, no longer means what the head was trained on."""
    where, labels = model.declared.get(spec.name, ("", spec.labels))
    if labels == spec.labels:
        return
    order = "the same labels in another order" if set(labels) == set(spec.labels) else "other labels"
    raise RecipeError(
        f"{model.folder}: task '{spec.name}' was trained with the labels {list(spec.labels)}; {where} has {order}: "
        f"{list(labels)}. Scores under that name would be those of another task. Evaluate with the labels that it was "
        "trained with, or train it again."
    )


def refuse_unwritten(asked: Asked, out: Path | None) -> None:
    """Refuse to predict what can be neither scored nor kept.

    Raises:
        RecipeError: labels are hidden, and there is no folder for predictions.
    """
    hidden = [f"{question.spec.name} ({question.split})" for question in asked.questions if question.hidden]
    if hidden and out is None:
        raise RecipeError(
            f"the labels of {', '.join(hidden)} are hidden: they can be predicted, not scored. Say with --out where "
            "the predictions are to be written."
        )


def with_files(asked: Asked, model: Model, data: DataFolder) -> Asked:
    """What can be answered with the files that there are: of a suite, the tasks that lack none.

    Raises:
        DataError: files are missing, with a line for each: of tasks outside a suite, or of all of a suite's.
    """
    lacking: dict[str, list[tuple[TaskSpec, str]]] = {}
    for question in asked.questions:
        missing = [read for read in _read_for(question, model) if _missing(*read, data)]
        if missing:
            lacking.setdefault(question.spec.name, []).extend(missing)
    left = tuple(question for question in asked.questions if question.spec.name not in lacking)
    if lacking and (asked.suite is None or not left):
        raise DataError("\n".join([*_told(lacking, data), *_instead(left)]))
    if not lacking:
        return asked
    files = {name: dict.fromkeys(f for read in reads for f in _missing(*read, data)) for name, reads in lacking.items()}
    shown = ", ".join(f"{name} ({', '.join(gone)})" for name, gone in files.items())
    note = f"not evaluated, since files of theirs are missing in {data.path}: {shown}"
    return replace(asked, questions=left, notes=(*asked.notes, note))


def _read_for(question: Question, model: Model) -> list[tuple[TaskSpec, str]]:
    """What is read for a question: its split and, behind a score, the rows that its head was trained on."""
    trained = [] if question.hidden else [(model.task(question.spec.answered_by)[0], TRAIN)]
    return [(question.spec, question.split), *trained]


def _missing(spec: TaskSpec, split: str, data: DataFolder) -> list[str]:
    """The files of a split that are not there; one that is carved has none of its own."""
    if split not in spec.files or is_on_hub(spec, split):
        return []
    return [relative for relative in spec.paths(split) if find_file(data.path, relative) is None]


def _told(lacking: Mapping[str, Iterable[tuple[TaskSpec, str]]], data: DataFolder) -> dict[str, None]:
    """What the reader says of each file, once."""
    told: dict[str, None] = {}
    for spec, split in (read for missing in lacking.values() for read in missing):
        try:
            files_of(spec, data.path, split, data.origin)
        except DataError as error:
            told[str(error)] = None
    return told


def _instead(left: Iterable[Question]) -> list[str]:
    names = ",".join(dict.fromkeys(question.spec.name for question in left))
    return [f"The files of the others are there: --tasks {names}"] if names else []
