"""Which splits of a task are read from the hub: those whose file is `hub:` and the hub's own name of the split."""

from dataclasses import replace

from finetune.tasks.spec import TaskSpec
from tokenization.errors import RecipeError

_MARK = "hub:"


def on_hub(spec: TaskSpec) -> TaskSpec:
    """The same task, its splits read from the hub: those of its files, or all that `spec.hub` names.

    Raises:
        RecipeError: the spec does not say where the task stands there.
    """
    if spec.hub is None:
        raise RecipeError(f"tasks.{spec.name}.from: this task is not known to stand on the hub; read it from files")
    names = spec.hub.splits
    return replace(spec, files={split: f"{_MARK}{names.get(split, split)}" for split in spec.files or names})


def is_on_hub(spec: TaskSpec, split: str) -> bool:
    """Whether a split is read from the hub."""
    return split in spec.files and spec.paths(split)[0].startswith(_MARK)


def split_there(spec: TaskSpec, split: str) -> str:
    """The hub's name of a split that is read from there."""
    return spec.paths(split)[0].removeprefix(_MARK)
