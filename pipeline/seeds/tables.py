"""The table of scores over several seeds, and the published numbers that stand beside ours."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console

from pipeline import wording
from pipeline.tables import Grid, print_grids


def seed_grid(over_seeds: Mapping[str, Any]) -> Grid:
    """One row per task and metric, the primary one marked with `*`; then the held-out losses."""
    found = [
        (_task_cells(name, metric, task), metric == task["primary"])
        for name, task in over_seeds["tasks"].items()
        for metric, entry in task["metrics"].items()
        if entry
    ]
    found += [(_loss_cells(corpus, entry), False) for corpus, entry in over_seeds["losses"].items()]
    return Grid(
        title=f"Scores over {len(over_seeds['seeds'])} seeds (* primary metric)",
        header=("task", "metric", "mean", "sd", "median", "min", "max", "majority", "published"),
        rows=tuple(cells for cells, _ in found),
        words=frozenset({0, 1, 8}),
        standings=tuple("primary" if primary else "plain" for _, primary in found),
    )


def seed_remarks(over_seeds: Mapping[str, Any]) -> tuple[str, ...]:
    """What stands under the table: the joint score, what the seeds are of, where the published numbers come from."""
    joint, seeds = over_seeds["joint"], over_seeds["seeds"]
    lines = [f"joint: mean {wording.score(joint['mean'])}, sd {wording.score(joint['sd'])}"] if joint else []
    lines.append(
        f"seeds {', '.join(map(str, seeds))}; repeated: {', '.join(over_seeds['repeated'])}; "
        f"shared by all: {', '.join(over_seeds['shared']) or 'none'}"
    )
    lines.append(
        f"sd has n - 1 in its denominator; the exported model is that of seed {seeds[0]}, and "
        "`triptych export RUN/seeds/<seed> --to DIR` exports another"
    )
    return (*lines, *published_lines(over_seeds["tasks"]))


def published_lines(tasks: Mapping[str, Any]) -> Iterator[str]:
    """A line for each published number, with its source."""
    for name, task in tasks.items():
        for entry in task["published"]:
            yield (
                f"published, {name} {entry['metric']}: {wording.score(entry['value'])}, {entry['system']} on "
                f"{entry['split']} ({entry['source']})"
            )


def published_cell(task: Mapping[str, Any], metric: str) -> str:
    """The first published number of a metric, with whose it is and on which split."""
    found = next((entry for entry in task["published"] if entry["metric"] == metric), None)
    return f"{wording.score(found['value'])} {found['system']}, {found['split']}" if found else ""


def print_seeds(over_seeds: Mapping[str, Any], console: Console | None = None) -> None:
    """Print the table and what stands under it."""
    print_grids((seed_grid(over_seeds),), seed_remarks(over_seeds), console)


def _task_cells(name: str, metric: str, task: Mapping[str, Any]) -> tuple[str, ...]:
    primary = metric == task["primary"]
    return (
        wording.task_name(name, task["reduced"]),
        f"{metric}*" if primary else metric,
        *_spread_cells(task["metrics"][metric]),
        wording.score(task["majority"] if primary else None),
        published_cell(task, metric),
    )


def _loss_cells(corpus: str, entry: Mapping[str, Any]) -> tuple[str, ...]:
    return (corpus, loss_name(entry), *_spread_cells(entry), wording.ABSENT, "")


def loss_name(entry: Mapping[str, Any]) -> str:
    """Which loss a corpus's entry is of; older files do not say."""
    return str(entry.get("measure", "held-out LM loss"))


def _spread_cells(entry: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(wording.score(entry[key]) for key in ("mean", "sd", "median", "lowest", "highest"))
