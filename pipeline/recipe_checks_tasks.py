"""What is wrong in a recipe's tasks, and in the splits of them that it wants scored."""

from collections.abc import Mapping
from typing import Any

from finetune.tasks.own import limit_rows, spec_from_fields
from finetune.tasks.spec import TaskSpec
from finetune.tasks.table import find_task
from pipeline.recipe_fill import Raw, mapping, texts
from pipeline.recipe_problems import Place, Problem
from pipeline.recipe_text import OwnTask, Task
from pipeline.recipe_walk import all_streams
from tokenization.errors import RecipeError, did_you_mean


def check_tasks(tasks: dict[str, Task]) -> list[Problem]:
    """What is wrong in tasks whose single settings are sound."""
    problems: list[Problem] = []
    for name, task in tasks.items():
        try:
            _spec(name, task)
        except RecipeError as error:
            problems += [_of_line(line, name) for line in str(error).splitlines()]
    return problems


def check_splits(raw: Raw, tasks: Mapping[str, Task]) -> list[Problem]:
    """Splits to be scored that a task does not have, or whose labels are hidden."""
    evaluation = mapping(raw.get("evaluation"))
    trained = {name for _, stream in all_streams(raw) for name in texts(mapping(stream.get("source")).get("task"))}
    asked: list[tuple[Place, str, Any]] = [
        (("evaluation", "split"), name, evaluation.get("split", "dev")) for name in tasks if name in trained
    ]
    asked += [
        (("evaluation", "more", name), name, split)
        for name, splits in mapping(evaluation.get("more")).items()
        for split in texts(splits)
    ]
    problems: list[Problem] = []
    for place, name, split in asked:
        try:
            spec = _spec(name, tasks[name])
        except (KeyError, RecipeError):
            continue  # told where the task is named or described
        scored = [known for known in spec.files if known not in spec.hidden]
        if isinstance(split, str) and split not in scored:
            hides = "hides the labels of its" if split in spec.files else "has no"
            known = f"splits with labels: {', '.join(scored)}{did_you_mean(split, scored)}"
            problems.append(Problem(place, f": task {name} {hides} split '{split}'; {known}"))
    return problems


def _spec(name: str, task: Task) -> TaskSpec:
    if isinstance(task, OwnTask):
        return spec_from_fields(name, **task.spec_fields())
    return limit_rows(find_task(name), task.limit)


def _of_line(line: str, name: str) -> Problem:
    head, _, text = line.partition(": ")
    rest = head.removeprefix(f"tasks.{name}").strip(".")
    return Problem(("tasks", name, *filter(None, rest.split("."))), f": {text}")
