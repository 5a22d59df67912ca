"""Whether a task that bears a built-in name is the built-in one: only then may its scores stand beside the board's."""

from finetune.tasks.hub_splits import is_on_hub
from finetune.tasks.spec import TaskSpec
from finetune.tasks.table import TASKS


def is_namesake(spec: TaskSpec) -> bool:
    """Whether a task bears a built-in name and is another: of another citation, other labels or other official rows.

    The order of the labels does not count, since no score depends on it.
    """
    table = TASKS.get(spec.name)
    return table is not None and _meaning(spec) != _meaning(table)


def other_rows(spec: TaskSpec, split: str, rows: int) -> str | None:
    """How the rows of a split are not the official ones, where files of the user's own stand in for the table's.

    Args:
        rows: what the split holds, rows without a label included.
    """
    table = TASKS.get(spec.name)
    if (
        table is None
        or _place(spec, split) == _place(table, split)
        or (is_on_hub(spec, split) and spec.hub == table.hub)
    ):
        return None
    official = table.rows.get(split)
    if official is None or rows == official:
        return None
    return f"not from the table's files, and {rows:,} rows of {split}, officially {official:,}"


def _meaning(spec: TaskSpec) -> tuple[str, frozenset[str], dict[str, int]]:
    return spec.citation, frozenset(spec.labels), dict(spec.rows)


def _place(spec: TaskSpec, split: str) -> tuple[str, ...]:
    return spec.paths(split) if split in spec.files else ()
