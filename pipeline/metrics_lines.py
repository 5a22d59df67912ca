"""What a line of `metrics.jsonl` says, as typed records."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenization.errors import RunError
from training.objective import perplexity

_BY_TOKEN = ("/causal", "/mass")  # the autoregressive objectives, as older lines name them


@dataclass(frozen=True)
class TermLine:
    """One objective of one stream in one step: its mean loss over `count` labels, and its weight.

    Attributes:
        perplexity: where the objective is autoregressive; lines from before it was written have it by its loss.
    """

    loss: float
    count: int
    weight: float
    perplexity: float | None


@dataclass(frozen=True)
class StepLine:
    """One optimizer step.

    Attributes:
        terms: by `stream/objective`; objectives without a label in this step are left out.
        tokens: real tokens of the step, over all ranks.
        rate: the learning rate.
        time: seconds since the epoch when the line was written, or None.
        seconds: what the step took, or None.
    """

    step: int
    loss: float
    terms: Mapping[str, TermLine]
    tokens: int
    rate: float | None
    grad_norm: float | None
    time: float | None
    seconds: float | None


@dataclass(frozen=True)
class EvaluationLine:
    """One evaluation: `scores[task][metric]`, and the mean of the primary metrics where there is one."""

    step: int
    scores: Mapping[str, Mapping[str, float]]
    joint: float | None
    time: float | None


Line = StepLine | EvaluationLine


def line_of(record: Mapping[str, Any]) -> Line | None:
    """The typed form of a record; None for a kind that is neither a step nor an evaluation."""
    if record["kind"] == "step":
        return _step(record)
    if record["kind"] == "evaluation":
        return _evaluation(record)
    return None


def read_lines(path: Path) -> list[Line]:
    """All steps and evaluations of a metrics file, in order; an absent file has none.

    Raises:
        RunError: a line is damaged; the file and the line's number are named.
    """
    return [line for line in _parse(path, enumerate(whole_lines(path), start=1)) if line is not None]


def last_lines(path: Path) -> tuple[StepLine | None, EvaluationLine | None]:
    """The last step and the last evaluation, parsing from the end no further than needed."""
    numbered = reversed(list(enumerate(whole_lines(path), start=1)))
    step, evaluation = None, None
    for line in _parse(path, numbered):
        if isinstance(line, StepLine):
            step = step or line
        elif isinstance(line, EvaluationLine):
            evaluation = evaluation or line
        if step and evaluation:
            break
    return step, evaluation


def whole_lines(path: Path) -> list[bytes]:
    """The lines that end in a newline: the tail of a file being written, or cut by a kill, is no line yet."""
    return path.read_bytes().split(b"\n")[:-1] if path.exists() else []


def _parse(path: Path, numbered: Any) -> Iterator[Line | None]:
    for number, text in numbered:
        try:
            yield line_of(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunError(
                f"{path}, line {number}: not a line that a run writes ({type(error).__name__}: {error}). "
                "Run the stage again with the same command: it cuts the file back to its last checkpoint."
            ) from None


def _step(record: Mapping[str, Any]) -> StepLine:
    clock = record.get("clock", {})
    terms = {
        name: TermLine(float(term["loss"]), int(term["count"]), float(term.get("weight", 1.0)), _perplexity(name, term))
        for name, term in record.get("terms", {}).items()
        if term["count"] and term["loss"] is not None
    }
    return StepLine(
        step=int(record["step"]),
        loss=float(record["loss"]),
        terms=terms,
        tokens=int(record.get("tokens", 0)),
        rate=record.get("rate"),
        grad_norm=record.get("grad_norm"),
        time=clock.get("time"),
        seconds=clock.get("seconds"),
    )


def _perplexity(name: str, term: Mapping[str, Any]) -> float | None:
    if "perplexity" not in term and name.endswith(_BY_TOKEN):
        return perplexity(float(term["loss"]))
    return term.get("perplexity")


def _evaluation(record: Mapping[str, Any]) -> EvaluationLine:
    scores = {
        task: {metric: float(value) for metric, value in metrics.items() if value is not None}
        for task, metrics in record["scores"].items()
    }
    return EvaluationLine(int(record["step"]), scores, record.get("joint"), record.get("clock", {}).get("time"))
