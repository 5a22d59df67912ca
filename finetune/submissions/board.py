"""A board is data: which files it reads, how each is laid out, and how our labels are called there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from finetune.tasks.spec import TaskSpec
from finetune.tasks.table import find_task

Form = Literal["tsv", "lines", "dict"]
Answer = Literal["label", "score", "place", "text", "spans"]

HEADER = ("index", "prediction")
DECIMALS = 3
"""Of a score in a TSV; as jiant writes STS-B."""


@dataclass(frozen=True)
class AnswerFile:
    """One file of a submission.

    Attributes:
        name: what the board calls it.
        task, split: whose answers it holds.
        form: a TSV with a header, one JSON object a line, or one JSON object of id → answer.
        answer: a label's name, a score, the place of the right candidate, a text, or the spans of each type.
        key: where a line's answer stands.
        places: candidates of an example, at most.
        text_ids: ids are strings; else whole numbers.
        counted: ids are 0, 1, 2 …; else they are copied from the test file.
        id_pattern: what an id looks like, as far as it is known without the test file.
        filler: the constant answer of `--fill-missing`.
        optional: the board's average does without it.
        also: other names that the suite's own programs write; the board's is not documented.
        former: names under which it was handed in and scored 0 → why.
    """

    name: str
    task: str
    split: str = "test"
    form: Form = "lines"
    answer: Answer = "label"
    key: str = "label"
    places: int = 0
    text_ids: bool = False
    counted: bool = True
    id_pattern: str = ""
    filler: str = ""
    optional: bool = False
    also: tuple[str, ...] = ()
    former: Mapping[str, str] = field(default_factory=dict)

    @property
    def spec(self) -> TaskSpec:
        """The task."""
        return find_task(self.task)

    @property
    def rows(self) -> int | None:
        """The official number of answers; None where no source is sure of it."""
        return self.spec.rows.get(self.split)

    @property
    def names(self) -> dict[str, str]:
        """Our name of each label → the board's, which is what stands in the task's own files."""
        in_files = {name: value for value, name in self.spec.label_values.items()}
        return {name: in_files.get(name, name) for name in self.spec.labels}


@dataclass(frozen=True)
class Board:
    """What a suite's site takes as one zip.

    Attributes:
        name: its key in `BOARDS`.
        title: as people call it.
        whole: every file is needed; else what is missing scores nothing.
        rows_fixed: the official numbers of rows never changed; else the test file at hand decides.
        source: where the names and forms come from.
    """

    name: str
    title: str
    files: tuple[AnswerFile, ...]
    whole: bool
    rows_fixed: bool
    source: str
