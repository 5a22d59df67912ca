"""What is to be said under the table of a task's scores."""

from collections.abc import Mapping
from typing import Any

from finetune.tasks.encode import Encoded
from finetune.tasks.spec import TRAIN
from pipeline import wording


def task_notes(encoded: Encoded, scores: Mapping[str, Any], length: int) -> list[str]:
    """Alarms, rows that the training set gives away, and sequences that were cut.

    Args:
        scores: the fields of `TaskScores`.
        length: what the sequences were cut to.
    """
    name, split, rows = encoded.spec.name, encoded.split, len(encoded)
    found = list(scores["alarms"])
    if scores["leaked"]:
        found.append(
            f"{name}: {scores['leaked']:,} of {rows:,} {split} rows also stand in {TRAIN}"
            + _without(scores["primary"], scores["without_leaks"])
        )
    if encoded.truncated:
        found.append(f"{name}: {encoded.truncated:,} of {rows:,} rows of {split} are cut to {length} tokens")
    return found


def _without(primary: str, metrics: Mapping[str, float] | None) -> str:
    return f"; without them {primary} is {wording.score(metrics[primary])}" if metrics else ""
