"""Runs on two ranks, in processes of their own that torchrun starts, and the losses by which they are compared."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(sys.executable)
TRIPTYCH = ("--no-python", HERE.with_name("triptych"))


def on_two_ranks(house: Any, *words: object) -> str:
    """Start a program, `*TRIPTYCH` or `-m MODULE`, on two ranks in the house's folder; what it printed."""
    command = [HERE.with_name("torchrun"), "--standalone", "--nproc_per_node", "2", *words]
    done = subprocess.run(command, cwd=house.base, env=house.environment, capture_output=True, text=True, timeout=580)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def zero(stage: int | str) -> tuple[str, str]:
    """The settings that ask for a stage of ZeRO."""
    return "engine.name=zero", f"engine.ds_config=ds_configs/zero{stage}.json"


def as_words(*sets: str) -> list[str]:
    """Changes of the recipe as the command line takes them."""
    return [word for change in sets for word in ("--set", change)]


def run_under_zero(house: Any, stage: int, name: str, *sets: str, only: str = "") -> Any:
    """Run the house's recipe on two ranks under a stage of ZeRO; the run's folder."""
    folder = house.folder(name)
    words = ["run", house.file, "--run-dir", folder.root, *as_words(*sets, *zero(stage))]
    on_two_ranks(house, *TRIPTYCH, *words, *(["--only", only] if only else []))
    return folder


def losses(folder: Any, stage: str) -> list[float]:
    """The loss of each step of a run's stage that was logged."""
    lines = folder.stage(stage).metrics.read_text(encoding="utf-8").splitlines()
    return [record["loss"] for record in map(json.loads, lines) if record["kind"] == "step"]
