"""`triptych compare`: two runs, measure by measure, paired by seed; what differs by more than the seeds do."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from finetune.tasks.metric_names import LOWER_IS_BETTER
from finetune.tasks.spec import TaskSpec
from finetune.tasks.table import TASKS
from pipeline import wording
from pipeline.recipe.task import BuiltInTask
from pipeline.run_record import RunRecord, read_run
from pipeline.seeds.scores import over_seeds
from pipeline.seeds.statistics import Paired, paired
from pipeline.seeds.tables import loss_name, published_cell, published_lines
from pipeline.tables import Grid, Standing
from tokenization.errors import RecipeError, RunError

_JOINT = "mean of the primary metrics"
_SAME = ("split", "rows", "reduced", "primary")


@dataclass(frozen=True)
class Measure:
    """One number of both runs.

    Attributes:
        task: of the first run, as `seeds.json` has it; None for the joint score and a corpus's held-out loss.
        name, metric: what is measured.
        ours, theirs: seed → value, of the first and of the second run.
    """

    task: Mapping[str, Any] | None
    name: str
    metric: str
    ours: Mapping[int, float]
    theirs: Mapping[int, float]

    @property
    def paired(self) -> Paired | None:
        return paired(self.ours, self.theirs)


def compare_runs(first: Path, second: Path) -> tuple[Grid, tuple[str, ...]]:
    """The table of what both runs measured, and the lines under it.

    Raises:
        RunError: one of them is no run, or not finished; or they share no seed or no measure.
    """
    runs = [read_run(folder) for folder in (first, second)]
    ours, theirs = (_over_seeds(run) for run in runs)
    measures, others = list(_measures(ours, theirs)), _others(ours, theirs)
    if not measures:
        raise RunError("\n".join([f"{first} and {second} have no measure in common.", *others]))
    common = sorted(set(ours["seeds"]) & set(theirs["seeds"]))
    if not common:
        raise RunError(
            f"{first} and {second} have no seed in common ({_listed(ours['seeds'])}; {_listed(theirs['seeds'])}), and "
            "runs are compared seed by seed. Run one of them under the other's seeds: --seeds N, or --set seed=N."
        )
    tasks = {measure.name: measure.task for measure in measures if measure.task is not None}
    lines = (f"A: {first}", f"B: {second}", *_reading(common, ours, theirs), *others, *published_lines(tasks))
    return _grid(measures), lines


def _over_seeds(run: RunRecord) -> Mapping[str, Any]:
    """A run's scores over its seeds; those of a run under one seed alone in the same form."""
    if run.over_seeds is not None:
        return run.over_seeds
    if run.scores is None:
        raise RunError(f"{run.folder} is not finished, so it has no scores yet; `triptych run` goes on with it.")
    recipe = yaml.safe_load(run.recipe_text)
    return over_seeds({int(recipe["seed"]): run.scores}, _built_in(recipe))


def _built_in(recipe: Mapping[str, Any]) -> dict[str, TaskSpec]:
    """The run's tasks that come with the project: of those, published numbers are known."""
    given = {name: task for name, task in recipe.get("tasks", {}).items() if name in TASKS and not task.get("kind")}
    return {name: spec for name, task in given.items() if (spec := _changed(name, task)) is not None}


def _changed(name: str, given: Mapping[str, Any]) -> TaskSpec | None:
    """A built-in task with the recipe's changes; None where another version wrote what this one does not read."""
    try:
        return BuiltInTask.model_validate_json(json.dumps(given)).spec(name)
    except (ValidationError, RecipeError):
        return None


def _measures(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[Measure]:
    for name, task in ours["tasks"].items():
        if name in theirs["tasks"] and not _differing(task, theirs["tasks"][name]):
            other = theirs["tasks"][name]["metrics"]
            yield from (
                Measure(task, name, metric, _values(entry), _values(other[metric]))
                for metric, entry in task["metrics"].items()
                if metric in other
            )
    if ours["joint"] and theirs["joint"] and _same_tasks(ours, theirs):
        yield Measure(None, "joint", _JOINT, _values(ours["joint"]), _values(theirs["joint"]))
    for corpus, entry in ours["losses"].items():
        other = theirs["losses"].get(corpus)
        if other and loss_name(other) == loss_name(entry):
            yield Measure(None, corpus, loss_name(entry), _values(entry), _values(other))


def _values(entry: Mapping[str, Any] | None) -> dict[int, float]:
    return {int(seed): value for seed, value in entry["values"].items()} if entry else {}


def _differing(task: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """What of two tasks of one name would make a difference of their scores mean nothing."""
    found = [f"{key} {task[key]} and {other[key]}" for key in _SAME if task[key] != other[key]]
    contents = _contents(task, other)
    if not found and len(contents) > 1 and None not in contents:
        return [f"the texts or labels of its {task['split']} rows are not the same"]
    return found


def _contents(task: Mapping[str, Any], other: Mapping[str, Any]) -> set[str | None]:
    """What the rows were that were scored; None of a run that older code wrote."""
    return {task.get("content"), other.get("content")}


def _same_tasks(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    """Whether both joint scores are means over the same; further splits, as `mnli (dev_mismatched)`, are in neither."""
    own, others = ({name: task for name, task in run["tasks"].items() if " (" not in name} for run in (ours, theirs))
    return own.keys() == others.keys() and not any(_differing(task, others[name]) for name, task in own.items())


def _others(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """What is not compared, and why; and what is not known of the rest."""
    lines = []
    for name in dict.fromkeys([*ours["tasks"], *theirs["tasks"]]):
        if name not in ours["tasks"] or name not in theirs["tasks"]:
            lines.append(f"not compared: {name}, which only {'A' if name in ours['tasks'] else 'B'} has")
        elif found := _differing(ours["tasks"][name], theirs["tasks"][name]):
            lines.append(f"not compared: {name}, which was scored otherwise: {'; '.join(found)}")
        elif None in _contents(ours["tasks"][name], theirs["tasks"][name]):
            lines.append(
                f"{name}: whether both were scored on the same rows is not known: an older run does not say it"
            )
    if ours["joint"] and theirs["joint"] and not _same_tasks(ours, theirs):
        lines.append("not compared: joint, since the tasks behind it are not the same")
    return lines


def _reading(common: list[int], ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """How the table is to be read."""
    lines = [f"compared under {_listed(common)}"]
    lines += [
        f"{which} also has {_listed(rest)}, which {'B' if which == 'A' else 'A'} has not: left out"
        for which, found in (("A", ours), ("B", theirs))
        if (rest := sorted(set(found["seeds"]) - set(common)))
    ]
    if len(common) == 1:
        return [*lines, "one seed alone does not tell a difference from noise: run both with --seeds 5"]
    return [
        *lines,
        "within noise: the 95 % interval of the mean difference over seeds (paired, Student's t) holds 0. It knows the "
        "noise of seeds, not that of the choice of rows",
    ]


def _grid(measures: list[Measure]) -> Grid:
    found = [_cells(measure, paired) for measure in measures if (paired := measure.paired)]
    return Grid(
        title="A and B, paired by seed (* primary metric)",
        header=("task", "metric", "A", "B", "B - A", "std. error", "95 % interval", "published", ""),
        rows=tuple(cells for cells, _ in found),
        words=frozenset({0, 1, 7, 8}),
        standings=tuple(standing for _, standing in found),
    )


def _cells(measure: Measure, found: Paired) -> tuple[tuple[str, ...], Standing]:
    task, metric = measure.task, measure.metric
    low, high = found.interval or (None, None)
    standing = _standing(found, metric)
    words = found.verdict if standing == "plain" else f"outside noise: B {standing}"
    cells = (
        wording.task_name(measure.name, bool(task and task["reduced"])),
        f"{metric}*" if task and metric == task["primary"] else metric,
        wording.score(sum(measure.ours[seed] for seed in found.seeds) / len(found.seeds)),
        wording.score(sum(measure.theirs[seed] for seed in found.seeds) / len(found.seeds)),
        wording.change(found.difference),
        wording.score(found.standard_error),
        wording.ABSENT if low is None else f"{wording.change(low)} to {wording.change(high)}",
        published_cell(task, metric) if task else "",
        words,
    )
    return cells, standing


def _standing(found: Paired, metric: str) -> Standing:
    if found.verdict != "outside noise":
        return "plain"
    falls = metric.endswith(" loss") or metric in LOWER_IS_BETTER
    return "worse" if (found.difference < 0) != falls else "better"


def _listed(seeds: list[int]) -> str:
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
