"""TensorBoard's event files, derived from `metrics.jsonl`.

The lines are the truth. Events are rebuilt whole from them whenever a writer starts, so what a resume has cut back
from the lines is gone from the curves too.
"""

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event  # type: ignore[import-untyped]
from tensorboard.compat.proto.summary_pb2 import Summary  # type: ignore[import-untyped]
from tensorboard.summary.writer.record_writer import RecordWriter  # type: ignore[import-untyped]

from pipeline.metrics_lines import Line, StepLine, line_of, read_lines
from tokenization.atomic import aside

FOLDER = "tensorboard"


class TensorBoardWriter:
    """Rebuilds a stage's event file, then adds to it as the stage goes on. For rank 0 alone."""

    def __init__(self, stage_folder: Path) -> None:
        self._records = RecordWriter(derive(stage_folder).open("ab"))

    def add(self, record: Mapping[str, Any]) -> None:
        """Add the record that has just gone into `metrics.jsonl`."""
        line = line_of(record)
        if line is not None:
            self._records.write(_event(line).SerializeToString())
            self._records.flush()

    def close(self) -> None:
        self._records.close()


def derive(stage_folder: Path) -> Path:
    """Rebuild a stage's event file from its metrics lines, replacing any older one.

    Returns:
        The event file, in `STAGE_FOLDER/tensorboard`.

    Raises:
        RunError: a metrics line is damaged.
    """
    lines = read_lines(stage_folder / "metrics.jsonl")
    # A new name each time: a TensorBoard that is looking on takes it for the next file, not for a broken one.
    name = f"events.out.tfevents.{time.time_ns():020d}.{os.getpid()}"
    with aside(stage_folder / FOLDER) as folder:
        folder.mkdir()
        records = RecordWriter((folder / name).open("wb"))
        first = next((line.time for line in lines if line.time is not None), 0.0)
        records.write(Event(wall_time=first, file_version="brain.Event:2").SerializeToString())
        for line in lines:
            records.write(_event(line).SerializeToString())
        records.close()
    return stage_folder / FOLDER / name


def scalars(line: Line) -> Iterator[tuple[str, float]]:
    """The curves that a line has a point of, as (tag, value)."""
    if isinstance(line, StepLine):
        yield "loss/total", line.loss
        for name, term in line.terms.items():
            yield f"loss/{name}", term.loss
            yield f"weight/{name}", term.weight
            if term.perplexity is not None:
                yield f"perplexity/{name}", term.perplexity
        optional = {"step/rate": line.rate, "step/grad_norm": line.grad_norm, "step/tokens": line.tokens}
        if line.seconds:
            optional["step/tokens_per_second"] = line.tokens / line.seconds
        yield from ((tag, value) for tag, value in optional.items() if value is not None)
    else:
        for task, metrics in line.scores.items():
            yield from ((f"evaluation/{task}/{metric}", value) for metric, value in metrics.items())
        if line.joint is not None:
            yield "evaluation/joint", line.joint


def _event(line: Line) -> Event:
    values = [Summary.Value(tag=tag, simple_value=value) for tag, value in scalars(line)]
    return Event(wall_time=line.time or 0.0, step=line.step, summary=Summary(value=values))
