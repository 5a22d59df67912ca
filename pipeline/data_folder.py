"""Where `triptych evaluate` reads its tasks' files."""

import os
from dataclasses import dataclass
from pathlib import Path

from pipeline.recipe.load import load_recipe
from pipeline.run_folder import RunFolder


@dataclass(frozen=True)
class DataFolder:
    """Where the tasks' files lie.

    Attributes:
        origin: where the folder was named, in words.
    """

    path: Path
    origin: str


def find_data_folder(given: Path | None, model: Path) -> DataFolder:
    """The folder that the command line names, else the one the model's run was made from, else TRIPTYCH_DATA."""
    if given is not None:
        return DataFolder(given, "--data")
    run = _run_of(model)
    if run is not None and (own := load_recipe(run.recipe, (), {}).data):
        return DataFolder(Path(own), f"`data:` of {run.recipe}")
    if named := os.environ.get("TRIPTYCH_DATA"):
        return DataFolder(Path(named), "TRIPTYCH_DATA")
    return DataFolder(
        Path(os.curdir), "the working directory, since no data folder was named: give --data or set TRIPTYCH_DATA"
    )


def _run_of(model: Path) -> RunFolder | None:
    """The run that a model is: its folder, or the exported model in it."""
    run = RunFolder(model)
    if not run.recipe.is_file():
        run = RunFolder(model.absolute().parent)
        if run.export != model.absolute():
            return None
    return run if run.recipe.is_file() else None
