"""What is to be said of a task under the table of scores."""

from collections.abc import Mapping
from typing import Any

from finetune.encoding.encoded import Encoded
from finetune.reading.carve import carved_note
from finetune.tasks.spec import TRAIN
from pipeline import wording


def training_notes(train: Encoded) -> list[str]:
    """Where a task's development set comes from, and rows that nothing is learned from."""
    name, rows = train.spec.name, len(train)
    found = [note] if (note := carved_note(train.spec)) else []
    if train.dropped:
        found.append(f"{name}: {train.dropped:,} rows of {train.split} have no label and are left out")
    if train.untrained:
        found.append(
            f"{name}: {train.untrained:,} of {rows:,} rows of {train.split} teach nothing, since their text does not "
            "hold the answer"
        )
    return found


def task_notes(encoded: Encoded, scores: Mapping[str, Any], length: int) -> list[str]:
    """Alarms, rows that the training set gives away or that were left out, and sequences that were cut.

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
    if encoded.dropped:
        found.append(f"{name}: {encoded.dropped:,} rows of {split} have no label and are left out")
    if encoded.truncated:
        found.append(f"{name}: {encoded.truncated:,} of {rows:,} rows of {split} are cut to {length} tokens")
    if encoded.targets is not None and encoded.targets.lowercase:
        found.append(f"{name}: references are in lower case, as all that a vocabulary in lower case can write")
    return found


def _without(primary: str, metrics: Mapping[str, float] | None) -> str:
    return f"; without them {primary} is {wording.score(metrics[primary])}" if metrics else ""
