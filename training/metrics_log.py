"""Metrics as JSON lines; on resume they are cut back to the checkpoint, so that a rerun writes the same lines."""

import json
from pathlib import Path
from typing import Any

from tokenization.atomic import write_text


class MetricsLog:
    """Appends records to a stage's metrics file. Only `record["clock"]` depends on when and how fast it ran.

    Args:
        quiet: write nothing (ranks other than the first).
        step: lines of later steps, and a half-written last line, are cut off first.
    """

    def __init__(self, path: Path, step: int, quiet: bool) -> None:
        self._path, self._quiet = path, quiet
        if not quiet:
            cut_back(path, step)

    def write(self, record: dict[str, Any]) -> None:
        """Append one record; NaN and infinity, which JSON lacks, become strings."""
        if not self._quiet:
            with open(self._path, "a", encoding="utf-8") as handle:
                handle.write(json.dumps(_plain(record), sort_keys=True) + "\n")


def cut_back(path: Path, step: int) -> None:
    """Leave only the whole lines of steps up to `step`; whoever derives something from the lines does this first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, "".join(line + "\n" for line in kept_lines(path, step)))


def kept_lines(path: Path, step: int) -> list[str]:
    """The whole lines of a metrics file up to and including a step."""
    if not path.is_file():
        return []
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            break
        if record["step"] > step:
            break
        kept.append(line)
    return kept


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    return value
