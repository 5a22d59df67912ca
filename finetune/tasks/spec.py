"""A task is data: one frozen literal that says where its rows are and what its labels mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

Kind = Literal["classification", "regression", "tagging"]
Format = Literal["auto", "tsv", "jsonl", "parquet", "conll"]
Scheme = Literal["bio", "iob1"]

KINDS: tuple[str, ...] = get_args(Kind)
FORMATS: tuple[str, ...] = get_args(Format)
SCHEMES: tuple[str, ...] = get_args(Scheme)
OUTSIDE = "O"


@dataclass(frozen=True)
class TaskSpec:
    """A labelled task.

    Attributes:
        name: also the name of its head and, unless the recipe says otherwise, of its stream.
        kind: a class per sequence, a score per sequence, or a tag per word.
        fields: the column of the text, or the two of a pair; for tagging the column of the words.
        label: the column of the label (for tagging, of the tags).
        files: path of each split, relative to the data folder.
        labels: label names in id order; empty for regression. In a two-class task the last one is the positive.
        label_values: what the files hold → label name, where that differs. Labels are matched as text.
        metrics, primary: names of `metric_names.METRICS_OF_KIND`; the primary one selects checkpoints.
        range: lowest and highest score of a regression.
        hidden: splits whose labels are not given; what stands in their label column is not read.
        format: "auto" goes by the file's ending.
        columns: names of the columns of files that have no header row.
        scheme: how the tags of the files are written; ids are always BIO.
        limit: rows per split to keep, a fixed random subset; scores on such a split are marked as reduced.
        reduced: the files hold only a part of the published task; every score of it is marked as reduced.
    """

    name: str
    kind: Kind
    fields: tuple[str, ...]
    label: str
    files: Mapping[str, str]
    labels: tuple[str, ...] = ()
    label_values: Mapping[str, str] = field(default_factory=dict)
    metrics: tuple[str, ...] = ("accuracy",)
    primary: str = "accuracy"
    range: tuple[float, float] | None = None
    hidden: tuple[str, ...] = ()
    format: Format = "auto"
    columns: tuple[str, ...] = ()
    scheme: Scheme = "bio"
    limit: Mapping[str, int] = field(default_factory=dict)
    reduced: bool = False
    citation: str = ""
    version: int = 1

    @property
    def is_pair(self) -> bool:
        return len(self.fields) == 2

    @property
    def outputs(self) -> int:
        """Logits of the task's head: one per label, or one score."""
        return 1 if self.kind == "regression" else len(self.labels)

    @property
    def score_range(self) -> tuple[float, float]:
        """The range of a regression; the head works on the unit interval between the two."""
        assert self.range is not None, f"{self.name} is no regression"
        return self.range
