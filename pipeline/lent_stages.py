"""Stages that another run has finished already: taken over where their identity is the same.

The files are hard links (copies on another file system): nothing that stands whole is ever changed in place, so neither
run can harm the other's.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from pipeline.decisions import decide_stage
from pipeline.materials import Materials
from pipeline.recipe.stage import Stage
from pipeline.run_folder import RunFolder
from tokenization.atomic import aside
from tokenization.errors import RunError
from training.manifest import read_record


def take_over(materials: Materials, folder: RunFolder, stage: Stage, others: Sequence[RunFolder]) -> RunFolder | None:
    """Link in a stage that one of the other runs has finished under the same identity; returns that run.

    Nothing is done where the stage was begun here.
    """
    own = folder.stage(stage.name)
    if read_record(own) is not None:
        return None
    for other in others:
        if other.stage(stage.name).manifest.is_file() and _is_same(materials, folder, other, stage):
            with aside(own.root) as target:
                _link_tree(other.stage(stage.name).root.resolve(), target)
            return other
    return None


def refuse_no_runs(others: Sequence[RunFolder]) -> None:
    """Refuse folders to share with that are no run directories.

    Raises:
        RunError: with the folder.
    """
    for other in others:
        if not other.recipe.is_file():
            raise RunError(f"--share {other.root}: no run directory; give one that `triptych run` has written")


def _is_same(materials: Materials, folder: RunFolder, other: RunFolder, stage: Stage) -> bool:
    """Whether the other run's stage is what this recipe asks for; what it reads must be what stands here."""
    if decide_stage(materials, other, stage, False).action != "skip":
        return False
    for name in stage.reads:
        own, its = (read_record(run.stage(name)) for run in (folder, other))
        if own is None or its is None or own["carry"]["hash"] != its["carry"]["hash"]:
            return False
    return True


def _link_tree(source: Path, target: Path) -> None:
    target.mkdir()
    for path in sorted(source.rglob("*")):
        place = target / path.relative_to(source)
        if path.is_dir():
            place.mkdir(parents=True, exist_ok=True)
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, place)
        except OSError:
            shutil.copy2(path, place)
