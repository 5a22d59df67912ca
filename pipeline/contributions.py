"""What each stream gave to a stage: steps, examples, tokens and targets. Loads nothing that is slow to load."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline import wording
from pipeline.run_record import RunRecord
from pipeline.tables import Grid


@dataclass(frozen=True)
class Contribution:
    """A stream's part in a stage so far.

    Attributes:
        steps: optimizer steps that drew it; None of a run that did not count them yet.
        examples, tokens: items, and real tokens of the source.
        targets: objective → labels that counted: predicted tokens, or answered examples.
    """

    stream: str
    steps: int | None
    examples: int
    tokens: int
    targets: Mapping[str, int]

    def __str__(self) -> str:
        drawn = "" if self.steps is None else f"{wording.count(self.steps)} steps, "
        counts = f"{wording.count(self.examples)} examples, {wording.count(self.tokens)} tokens"
        return f"{self.stream}: {drawn}{counts}; targets {self.targets_text}"

    @property
    def targets_text(self) -> str:
        return ", ".join(f"{name} {wording.count(labels)}" for name, labels in self.targets.items()) or wording.ABSENT


def contributions(state: Mapping[str, Any]) -> tuple[Contribution, ...]:
    """Of a stage's control state as JSON, in the order that it has there: by name."""
    labels: Mapping[str, int] = state.get("labels", {})
    return tuple(
        Contribution(
            stream=name,
            steps=state.get("steps", {}).get(name),
            examples=examples,
            tokens=state.get("tokens", {}).get(name, 0),
            targets={key.removeprefix(f"{name}/"): n for key, n in labels.items() if key.rpartition("/")[0] == name},
        )
        for name, examples in state.get("items", {}).items()
    )


def stream_grid(run: RunRecord) -> Grid | None:
    """The finished stages' streams, for the report; None where none is finished."""
    rows: Sequence[tuple[str, ...]] = [
        (
            stage.name,
            found.stream,
            wording.count(found.steps),
            wording.count(found.examples),
            wording.count(found.tokens),
            found.targets_text,
        )
        for stage in run.stages
        for found in contributions((stage.manifest or {}).get("state", {}))
    ]
    if not rows:
        return None
    return Grid(
        title="Streams",
        header=("stage", "stream", "steps", "examples", "tokens", "targets"),
        rows=tuple(rows),
        words=frozenset({0, 1, 5}),
        standings=tuple("plain" for _ in rows),
    )
