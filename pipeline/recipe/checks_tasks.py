"""What is wrong in a recipe's tasks, and in the splits of them that it wants scored."""

from collections.abc import Mapping
from typing import Any

from pipeline.recipe.fill import Raw, mapping, texts
from pipeline.recipe.problems import Place, Problem
from pipeline.recipe.task import Task
from pipeline.recipe.walk import all_streams
from tokenization.errors import RecipeError, did_you_mean

_SELECTS: Place = ("evaluation", "split")


def check_tasks(tasks: dict[str, Task]) -> list[Problem]:
    """What is wrong in tasks whose single settings are sound."""
    problems: list[Problem] = []
    for name, task in tasks.items():
        try:
            task.spec(name)
        except RecipeError as error:
            problems += [_of_line(line, name) for line in str(error).splitlines()]
        if task.longest is not None and task.longest > task.length - 2:
            problems.append(
                Problem(
                    ("tasks", name, "longest"),
                    f": {task.longest} is more than length less [CLS] and [SEP] ({task.length - 2}), where every text "
                    "ends; lower it, or raise that",
                )
            )
    return problems


def check_splits(raw: Raw, tasks: Mapping[str, Task]) -> list[Problem]:
    """Splits to be scored that a task does not have, or whose labels are hidden; test sets that would select."""
    evaluation = mapping(raw.get("evaluation"))
    trained = {name for _, stream in all_streams(raw) for name in texts(mapping(stream.get("source")).get("task"))}
    asked: list[tuple[Place, str, Any]] = [
        (_SELECTS, name, evaluation.get("split", "dev")) for name in tasks if name in trained
    ]
    asked += [
        (("evaluation", "more", name), name, split)
        for name, splits in mapping(evaluation.get("more")).items()
        for split in texts(splits)
    ]
    problems: list[Problem] = []
    for place, name, split in asked:
        try:
            spec = tasks[name].spec(name)
        except (KeyError, RecipeError):
            continue  # told where the task is named or described
        scored = [known for known in spec.splits if known not in spec.hidden]
        named = spec.named(split) if isinstance(split, str) else scored
        if not named or not set(named) <= set(scored):
            hides = "hides the labels of its" if named else "has no"
            known = f"splits with labels: {', '.join(scored)}{did_you_mean(str(split), scored)}"
            problems.append(Problem(place, f": task {name} {hides} split '{split}'; {known}"))
        elif place == _SELECTS and (tests := [known for known in named if known.startswith("test")]):
            shown = ", ".join(tests)
            aside = f"evaluation.more: {{{name}: [{shown}]}}"
            problems.append(
                Problem(place, f": task {name}: '{shown}' is a test set, and what is scored here selects; use {aside}")
            )
    return problems


def _of_line(line: str, name: str) -> Problem:
    head, _, text = line.partition(": ")
    rest = head.removeprefix(f"tasks.{name}").strip(".")
    return Problem(("tasks", name, *filter(None, rest.split("."))), f": {text}")
