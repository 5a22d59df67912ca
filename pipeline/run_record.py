"""What a run directory says of itself so far: read for the report and for `triptych status`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from tokenization.errors import RunError

State = Literal["finished", "under way", "not started"]


@dataclass(frozen=True)
class StageRecord:
    """One stage of the recipe.

    Attributes:
        folder: `RUN/stages/<name>`; absent when not started.
        steps: steps asked for; None when the recipe does not say.
        manifest: the finished stage's manifest, or None.
    """

    name: str
    kind: str
    folder: Path
    steps: int | None
    manifest: Mapping[str, Any] | None

    @property
    def metrics(self) -> Path:
        return self.folder / "metrics.jsonl"

    @property
    def saved_state(self) -> Mapping[str, Any]:
        """The control state at the stage's end or, under way, at its last checkpoint; empty before the first."""
        if self.manifest is not None:
            return self.manifest["state"]
        for path in sorted(self.folder.glob("checkpoints/step-*/state.json"), reverse=True):
            try:
                return json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue  # just dropped for a newer one, or damaged: whoever resumes from it is told
        return {}

    @property
    def state(self) -> State:
        if self.manifest is not None:
            return "finished"
        return "under way" if self.folder.is_dir() else "not started"


@dataclass(frozen=True)
class RunRecord:
    """A run directory, read once.

    Attributes:
        recipe_text: the resolved recipe as it stands there.
        stages: in the recipe's order.
        environment, scores: None where not written yet.
        over_seeds: scores over several seeds; None where there are none.
        further: how each further seed stands that the recipe asks for or that is there; None where it is not begun.
    """

    folder: Path
    name: str
    recipe_text: str
    stages: tuple[StageRecord, ...]
    environment: Mapping[str, Any] | None
    scores: Mapping[str, Any] | None
    over_seeds: Mapping[str, Any] | None
    further: Mapping[int, "RunRecord | None"]

    @property
    def unfinished(self) -> StageRecord | None:
        """The first stage that is not finished."""
        return next((stage for stage in self.stages if stage.manifest is None), None)


def read_run(folder: Path) -> RunRecord:
    """Read a run directory, finished or not.

    Raises:
        RunError: it is no run directory, or one of its files is damaged.
    """
    recipe_text, recipe = _read_recipe(folder)
    return RunRecord(
        folder=folder,
        name=str(recipe.get("name", folder.name)),
        recipe_text=recipe_text,
        stages=tuple(_stage(folder, stage) for stage in recipe["stages"]),
        environment=_read_json(folder / "environment.json"),
        scores=_read_json(folder / "evaluation" / "scores.json"),
        over_seeds=_read_json(folder / "evaluation" / "seeds.json"),
        further=_further(folder, recipe),
    )


def _read_recipe(folder: Path) -> tuple[str, Mapping[str, Any]]:
    path = folder / "recipe.yaml"
    if not path.is_file():
        raise RunError(
            f"{folder} is not a run directory: it holds no recipe.yaml. "
            "Give the folder that `triptych run` wrote, by default runs/<recipe name>."
        )
    text = path.read_text(encoding="utf-8")
    try:
        recipe = yaml.safe_load(text)
        names = [stage["name"] for stage in recipe["stages"]]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise RunError(f"{path} is damaged ({type(error).__name__}: {error}). Run the recipe again.") from None
    assert len(set(names)) == len(names), "a resolved recipe names each stage once"
    return text, recipe


def _further(folder: Path, recipe: Mapping[str, Any]) -> dict[int, RunRecord | None]:
    """The further seeds, in order."""
    first, count = recipe.get("seed", 1), recipe.get("seeds", {}).get("count", 1)
    present = [path.parent for path in (folder / "seeds").glob("*/recipe.yaml") if path.parent.name.isdecimal()]
    asked: dict[int, RunRecord | None] = dict.fromkeys(range(first + 1, first + count))
    return dict(sorted((asked | {int(path.name): read_run(path) for path in present}).items()))


def _stage(run: Path, stage: Mapping[str, Any]) -> StageRecord:
    folder = run / "stages" / stage["name"]
    return StageRecord(
        name=stage["name"],
        kind=str(stage.get("kind", "")),
        folder=folder,
        steps=stage.get("steps"),
        manifest=_read_json(folder / "manifest.json"),
    )


def _read_json(path: Path) -> Any:
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RunError(f"{path} is damaged ({error}). Move it away and run the recipe again.") from None
