"""Every task that comes with the project, by name."""

from finetune.tasks.clue import CLUE
from finetune.tasks.fewclue import FEWCLUE
from finetune.tasks.glue import GLUE
from finetune.tasks.ner import NER
from finetune.tasks.spec import TaskSpec
from finetune.tasks.squad import READING
from finetune.tasks.tianchi import TIANCHI
from tokenization.errors import RecipeError, did_you_mean

TASKS: dict[str, TaskSpec] = {spec.name: spec for spec in (*GLUE, *CLUE, *FEWCLUE, *TIANCHI, *NER, *READING)}


def find_task(name: str) -> TaskSpec:
    """The task of that name.

    Raises:
        RecipeError: no built-in task is called so.
    """
    if name not in TASKS:
        raise RecipeError(
            f"tasks.{name}: no built-in task is called {name!r}; built-in: {', '.join(TASKS)}. A task of your own "
            f"needs at least kind, fields, label and files{did_you_mean(name, TASKS)}"
        )
    return TASKS[name]
