"""The dev and test examples that a recipe keeps out of a corpus."""

from collections.abc import Mapping
from pathlib import Path

from finetune.reading.suite_texts import suite_texts
from finetune.tasks.spec import TaskSpec
from tokenization.cleaning.contamination import KeptOut
from tokenization.cleaning.spec import Decontamination


def kept_out_of(settings: Decontamination, own: Mapping[str, TaskSpec], data: Path) -> KeptOut:
    """Read the suites and tasks that `settings` names.

    Args:
        own: the recipe's own tasks by name.
        data: the data folder.

    Raises:
        RecipeError: a name that is no suite and no task.
        DataError: none of a name's files is in the data folder, or one is malformed.
    """
    found = suite_texts(settings.suites, data, own)
    return KeptOut(found.texts, settings, found.missing)
