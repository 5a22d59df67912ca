"""The tables a run ends with: each task's scores beside the majority baseline, and the forgetting ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline import wording
from training.objective import perplexity

Standing = Literal["plain", "primary", "better", "worse"]
_STYLES: dict[Standing, str] = {"plain": "", "primary": "bold", "better": "green", "worse": "red"}


@dataclass(frozen=True)
class Grid:
    """A table before it is text, colours or HTML.

    Attributes:
        header, rows: cells as they are shown; every row is as long as the header.
        words: columns of words, set flush left; the others hold numbers, flush right.
        standings: one per row; for `better` and `worse` it is the last cell that is meant.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: frozenset[int]
    standings: tuple[Standing, ...]


def task_grid(scores: Mapping[str, Any]) -> Grid | None:
    """One row per task and metric, the primary one marked with `*`; None when no task was scored.

    Which step was best is left out where no training is told of.
    """
    found = [
        (_metric_cells(name, task, metric), metric == task.get("primary"))
        for name, task in scores.get("tasks", {}).items()
        for metric in task["metrics"]
    ]
    if not found:
        return None
    whole = Grid(
        title="Scores (* primary metric)",
        header=("task", "metric", "score", "majority", "above", "rows", "best", "at step", "remark"),
        rows=tuple(cells for cells, _ in found),
        words=frozenset({0, 1, 8}),
        standings=tuple("primary" if primary else "plain" for _, primary in found),
    )
    trained = any("best" in task for task in scores["tasks"].values())
    return whole if trained else _without(whole, ("best", "at step"))


def _without(grid: Grid, names: Sequence[str]) -> Grid:
    """The grid without some of its columns."""
    kept = [index for index, name in enumerate(grid.header) if name not in names]
    return replace(
        grid,
        header=tuple(grid.header[index] for index in kept),
        rows=tuple(tuple(row[index] for index in kept) for row in grid.rows),
        words=frozenset(place for place, index in enumerate(kept) if index in grid.words),
    )


def _metric_cells(name: str, task: Mapping[str, Any], metric: str) -> tuple[str, ...]:
    value, primary = task["metrics"][metric], metric == task.get("primary")
    majority = task.get("majority") if primary else None
    above = value - majority if value is not None and majority is not None else None
    return (
        wording.task_name(name, bool(task.get("reduced"))),
        f"{metric}*" if primary else metric,
        wording.score(value),
        wording.score(majority),
        wording.change(above),
        wording.count(task.get("rows")),
        wording.score(task.get("best") if primary else None),
        wording.count(task.get("best_step") if primary else None),
        _without_leaks(task, metric),
    )


def _without_leaks(task: Mapping[str, Any], metric: str) -> str:
    """The score without the rows that the training set gives away."""
    if not task.get("leaked") or not task.get("without_leaks"):
        return ""
    return f"{wording.score(task['without_leaks'][metric])} without {wording.count(task['leaked'])} leaked rows"


def ledger_grid(scores: Mapping[str, Any]) -> Grid | None:
    """One row per measure, one column per stage boundary, and how the last value shown differs from the first."""
    ledger = scores.get("ledger") or {}
    rows = ledger.get("rows", [])
    if not rows:
        return None
    columns = tuple(ledger["columns"])
    cells, standings = zip(*(_ledger_cells(row, len(columns)) for row in rows), strict=True)
    return Grid(
        title="Forgetting ledger (value after each stage)",
        header=("measure", "unit", "better is", *columns, "last - first", ""),
        rows=cells,
        words=frozenset({0, 1, 2, 4 + len(columns)}),
        standings=standings,
    )


def _ledger_cells(row: Mapping[str, Any], columns: int) -> tuple[tuple[str, ...], Standing]:
    values = (list(row["values"]) + [None] * columns)[:columns]
    shown = [value for value in values if value is not None]
    delta = shown[-1] - shown[0] if len(shown) > 1 else None
    standing = _standing(delta, row["better"])
    word = "" if delta is None else "same" if standing == "plain" else standing
    cells = (row["name"], row.get("unit", ""), row["better"], *map(wording.score, values), wording.change(delta), word)
    return cells, standing


def _standing(delta: float | None, better: str) -> Standing:
    """Differences that the table's three decimals do not show are none."""
    if delta is None or abs(delta) < 0.0005:
        return "plain"
    return "better" if (delta > 0) == (better == "higher") else "worse"


def remarks(scores: Mapping[str, Any]) -> tuple[str, ...]:
    """What stands under the tables: the joint score, the entropies that the LM losses are held against, the notes."""
    lines = (
        []
        if scores.get("joint") is None
        else [f"joint (mean of the primary metrics): {wording.score(scores['joint'])}"]
    )
    lines += [_below_entropy(name, value, scores) for name, value in scores.get("unigram_entropy", {}).items()]
    lines += _perplexities(scores)
    return (*lines, *_suite_lines(scores.get("suite")), *scores.get("notes", []))


def _suite_lines(suite: Mapping[str, Any] | None) -> list[str]:
    """A suite's average, over what, and how it differs from the board's."""
    if suite is None:
        return []
    title, counted = suite["title"], suite["counted"]
    if suite["value"] is None:
        return [f"{title}: no average, since none of its tasks was scored"]
    absent = [name for name in suite["missing"] if name.partition(" (")[0] not in counted]  # else a half is missing
    number = "all its tasks" if not suite["missing"] else f"{len(counted)} of {len(counted) + len(absent)} tasks"
    lines = [f"{title} average: {wording.score(suite['value'])} over {number}: {', '.join(counted)}"]
    if suite["missing"]:
        lines.append(f"{title}: not in the average, which is not the board's: {', '.join(suite['missing'])}")
    if suite["reduced"]:
        lines.append(f"{title}: reduced sets, whose scores are not the board's: {', '.join(suite['reduced'])}")
    return lines


def _below_entropy(corpus: str, entropy: float, scores: Mapping[str, Any]) -> str:
    """The last held-out loss of a corpus beside what a model that ignores context could reach."""
    row, loss = last_loss(scores, corpus)
    told = f"{corpus}: held-out {row.get('asked', 'MLM')} loss {wording.score(loss)}"
    also = f" (perplexity {wording.score(perplexity(loss))})" if row.get("perplexity") else ""
    side = "below" if loss <= entropy else "above"
    return (
        f"{told}{also} is {wording.score(abs(entropy - loss))} nats {side} "
        f"the unigram entropy of the same text, {wording.score(entropy)}"
    )


def _perplexities(scores: Mapping[str, Any]) -> list[str]:
    """Those of what the last boundary measured, but of the losses that the entropies stand beside."""
    told = [last_loss(scores, corpus)[0] for corpus in scores.get("unigram_entropy", {})]
    rows = [row for row in (scores.get("ledger") or {}).get("rows", []) if row.get("perplexity") and row not in told]
    return [
        f"{row['name']} {wording.score(loss)}, perplexity {wording.score(perplexity(loss))}"
        for row in rows
        if (loss := row["values"][-1]) is not None
    ]


def last_loss(scores: Mapping[str, Any], corpus: str) -> tuple[Mapping[str, Any], float]:
    """The ledger's row that tells the last held-out loss of a corpus, and that loss."""
    rows = [row for row in scores["ledger"]["rows"] if row.get("corpus") == corpus]
    told = [(place, row) for row in rows for place, value in enumerate(row["values"]) if value is not None]
    place, row = max(told, key=lambda found: found[0])
    return row, row["values"][place]


def grids(scores: Mapping[str, Any]) -> tuple[Grid, ...]:
    """The tables there are, in the order in which they are shown."""
    return tuple(grid for grid in (task_grid(scores), ledger_grid(scores)) if grid is not None)


def scores_text(scores: Mapping[str, Any]) -> str:
    """`evaluation/scores.json` as plain text, the same for the same scores, ending in a newline."""
    return grids_text(grids(scores), remarks(scores))


def grids_text(tables: Sequence[Grid], under: Sequence[str]) -> str:
    """Tables and the lines under them as plain text."""
    blocks = [grid_text(grid) for grid in tables]
    return "\n\n".join(blocks + (["\n".join(under)] if under else [])) + "\n"


def grid_text(grid: Grid) -> str:
    """A grid as aligned plain text; wide (East Asian) characters count as two."""
    lines = [grid.header, *grid.rows]
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, tuple("-" * width for width in widths))
    return "\n".join([grid.title, *(_text_line(cells, widths, grid.words) for cells in lines)])


def _text_line(cells: tuple[str, ...], widths: list[int], words: frozenset[int]) -> str:
    padded = []
    for column, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        room = " " * (width - cell_len(cell))
        padded.append(cell + room if column in words else room + cell)
    return "  ".join(padded).rstrip()


def print_scores(scores: Mapping[str, Any], console: Console | None = None) -> None:
    """Print the tables of a run's scores."""
    print_grids(grids(scores), remarks(scores), console)


def print_grids(tables: Sequence[Grid], under: Sequence[str], console: Console | None = None) -> None:
    """Print tables and the lines under them: with rules and colours on a terminal, as plain text elsewhere."""
    console = console or Console()
    if not console.is_terminal:
        console.file.write(grids_text(tables, under))
        return
    for grid in tables:
        console.print(_rich_table(grid))
    for line in under:
        console.print(Text(line))


def _rich_table(grid: Grid) -> Table:
    table = Table(title=Text(grid.title), title_justify="left")
    for column, name in enumerate(grid.header):
        table.add_column(Text(name), justify="left" if column in grid.words else "right")
    for cells, standing in zip(grid.rows, grid.standings, strict=True):
        last = len(cells) - 1
        whole = standing == "primary"
        table.add_row(*(Text(c, style=_STYLES[standing] if whole or i == last else "") for i, c in enumerate(cells)))
    return table
