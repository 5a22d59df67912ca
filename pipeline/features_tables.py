"""The table that `triptych features` ends with."""

from collections.abc import Mapping
from typing import Any

from pipeline import wording
from pipeline.tables import Grid


def feature_grid(found: Mapping[str, Any]) -> Grid:
    """A row for each task and split that was scored, by its primary metric."""
    rows = tuple(_cells(shown, task) for shown, task in found["tasks"].items())
    return Grid(
        title=f"A light classifier on stored vectors (pool {found['pool']}, layer {found['layer']})",
        header=("task", "metric", "score", "majority", "above", "rows", "vectors", "fit"),
        rows=rows,
        words=frozenset({0, 1}),
        standings=tuple("plain" for _ in rows),
    )


def _cells(shown: str, task: Mapping[str, Any]) -> tuple[str, ...]:
    score = task["metrics"][task["primary"]]
    return (
        wording.task_name(shown, task["reduced"]),
        task["primary"],
        wording.score(score),
        wording.score(task["majority"]),
        wording.change(score - task["majority"]),
        wording.count(task["rows"]),
        "stored" if task["stored"] else f"{task['seconds']['vectors']:.1f} s",
        f"{task['seconds']['fit']:.1f} s",
    )
