"""The manifest of a stage, and the decision what to do with what stands on the disk.

`started.json` is written when a stage begins, `manifest.json` last, by rename. Both hold the stage's identity: what
changes the mathematics. What is merely execution (engine, ranks, micro-batch) is recorded and may differ.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tokenization.differing import differences
from tokenization.errors import CheckpointError
from training.checkpoint import StageFolder

Action = Literal["skip", "resume", "start", "refuse"]
Identity = Mapping[str, Any]


@dataclass(frozen=True)
class Decision:
    """What `run` does with a stage, and why."""

    action: Action
    why: str
    step: int = 0


def decide(folder: StageFolder, identity: Identity, steps: int, extend: bool) -> Decision:
    """Same identity and finished: skip. Checkpoints: resume. Nothing: start. Anything else: refuse, and say why.

    Args:
        identity: the identity the recipe gives this stage now, its parent's content included; without `steps`.
        extend: whether a finished stage may go on to more steps.
    """
    record = read_record(folder)
    if record is None:
        return Decision("start", "nothing saved yet")
    saved = folder.saved_steps()
    if not saved and not folder.manifest.is_file():
        return Decision("start", "begun, but no checkpoint was reached")  # nothing would be lost, whatever was asked
    different = differences(record["identity"], identity)
    if different:
        return Decision("refuse", "made under other settings:\n" + "\n".join(different))
    if folder.manifest.is_file():
        return _decide_finished(record, steps, extend, saved)
    if record["steps"] > steps and saved[-1] > steps:
        return Decision("refuse", f"it has already taken {saved[-1]} steps; the recipe now asks for {steps}")
    if record["steps"] != steps and not extend:
        return Decision("refuse", f"begun for {record['steps']} steps, now {steps}: allow it with --extend")
    return Decision("resume", f"checkpoint at step {saved[-1]} of {steps}", saved[-1])


def _decide_finished(record: Mapping[str, Any], steps: int, extend: bool, saved: list[int]) -> Decision:
    if record["steps"] == steps:
        return Decision("skip", f"finished, {record['state']['step']} steps")
    if steps < record["steps"]:
        return Decision("refuse", f"finished at {record['steps']} steps; the recipe now asks for {steps}")
    if not extend:
        return Decision("refuse", f"finished at {record['steps']} steps, now {steps}: go on with --extend")
    if not saved:
        return Decision("refuse", f"finished at {record['steps']} steps, but no checkpoint is left to go on from")
    return Decision("resume", f"extended from {record['steps']} to {steps} steps", saved[-1])


def read_record(folder: StageFolder) -> dict[str, Any] | None:
    """The manifest if the stage is finished, else the record of its beginning, else None.

    Raises:
        CheckpointError: the file is damaged.
    """
    for path in (folder.manifest, folder.started):
        if path.is_file():
            try:
                return json.loads(path.read_text(encoding="utf-8"))
            except ValueError:
                raise CheckpointError(
                    f"{path}: not readable as JSON. Rerun this stage with --from, which moves it aside."
                ) from None
    return None
