"""What `triptych evaluate` was asked for, against what the model and the tasks have."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from finetune.tasks.spec import TaskSpec
from finetune.tasks.suites import Suite, find_suite
from pipeline.answer import Model
from tokenization.errors import RecipeError, did_you_mean


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
    wanted = list(names) or ([spec.name for spec in whole.tasks] if whole else list(model.tasks))
    left_out: dict[str, str] = {}
    questions: list[Question] = []
    for name in dict.fromkeys(wanted):
        if not names and not model.answers(name):
            left_out[name] = "the model has no head for it"
            continue
        spec, length = model.task(name)
        _refuse_other_labels(model, spec)
        splits = spec.named(split)
        if not splits and names:
            allowed = ", ".join(spec.splits)
            raise RecipeError(
                f"task '{name}' has no split '{split}'; it has {allowed}{did_you_mean(split, spec.splits)}"
            )
        if not splits:
            left_out[name] = f"it has no split {split}"
        questions += [Question(spec, found, length, found == splits[0]) for found in splits]
    if not questions:
        reasons = "; ".join(f"{name}: {why}" for name, why in left_out.items())
        known = ", ".join(model.tasks)
        raise RecipeError(f"{model.folder}: nothing to evaluate. {reasons}. The model has heads for {known}.")
    notes = tuple(f"{name}: not evaluated, {why}" for name, why in left_out.items())
    return Asked(tuple(questions), split, whole, notes)


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
