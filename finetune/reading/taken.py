"""What a layout takes out of a row."""

from dataclasses import dataclass

from finetune.reading.row import Row
from finetune.reading.row_values import as_text
from finetune.tasks.example import Example
from finetune.tasks.spec import TaskSpec


@dataclass(frozen=True)
class Taken:
    """An example and where it stands.

    Attributes:
        place: file and line.
        example: None for a row that is left out since it has no label; its id is empty where the row has none.
    """

    place: str
    example: Example | None


def hides(spec: TaskSpec, split: str) -> bool:
    """Whether what stands in the split's label column, if anything, is not read."""
    return split in spec.hidden


def own_id(spec: TaskSpec, row: Row) -> str:
    """The row's own id; empty where it has none."""
    return as_text(row.values[spec.id]) if spec.id and spec.id in row.values else ""
