"""The weights that a finished stage hands on."""

from pathlib import Path

from tokenization import fingerprint
from tokenization.errors import CheckpointError
from training.checkpoint import StageFolder
from training.manifest import read_record


def carried_weights(folder: StageFolder) -> Path:
    """The file of the weights that a finished stage hands on.

    Raises:
        CheckpointError: they are not there, or no longer those that its manifest was written for.
    """
    record = read_record(folder)
    assert record is not None, f"{folder.root} was begun"
    path = folder.root / record["carry"]["file"]
    if not path.is_file() or fingerprint.of_file(path) != record["carry"]["hash"]:
        raise CheckpointError(
            f"{path}: missing, cut short or altered since stage {record['stage']} was finished. "
            f"Rerun that stage with --from {record['stage']}, which moves it and what follows aside."
        )
    return path
