"""Stages that another run has finished already: taken over where their identity is the same.

The files are hard links (copies on another file system): nothing that stands whole is ever changed in place, so neither
run can harm the other's.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.decisions import decide_stage
from pipeline.materials import Materials
from pipeline.recipe.stage import Stage
from pipeline.run_folder import RunFolder
from tokenization.atomic import aside
from tokenization.errors import RunError
from training.manifest import read_record


def lenders(
    materials: Materials, folder: RunFolder, stages: Sequence[Stage], others: Sequence[RunFolder]
) -> dict[str, RunFolder]:
    """Stage → the other run that has finished it under the same identity, where it was not begun here.

    Args:
        stages: in the recipe's order; what they read stands here, or is among them.
    """
    standing: dict[str, RunFolder] = {}
    for stage in stages if others else ():
        if read_record(folder.stage(stage.name)) is not None:
            continue
        read = {name: standing.get(name, folder) for name in stage.reads}
        same = (other for other in others if _is_same(materials, other, stage, read))
        if found := next(same, None):
            standing[stage.name] = found
    return standing


def take_over(folder: RunFolder, name: str, other: RunFolder) -> None:
    """Link in a stage that another run has finished."""
    with aside(folder.stage(name).root) as target:
        _link_tree(other.stage(name).root.resolve(), target)


def refuse_no_runs(others: Sequence[RunFolder]) -> None:
    """Refuse folders to share with that are no run directories.

    Raises:
        RunError: with the folder.
    """
    for other in others:
        if not other.recipe.is_file():
            raise RunError(f"--share {other.root}: no run directory; give one that `triptych run` has written")


def _is_same(materials: Materials, other: RunFolder, stage: Stage, read: Mapping[str, RunFolder]) -> bool:
    """Whether the other run's stage is what this recipe asks for; what it reads must be what stands in `read`."""
    if not other.stage(stage.name).manifest.is_file():
        return False
    if decide_stage(materials, other, stage, False).action != "skip":
        return False
    for name, folder in read.items():
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
