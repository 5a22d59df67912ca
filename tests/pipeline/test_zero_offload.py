"""ZeRO-3 with weights and moments offloaded: trains on two ranks, saves, resumes, and matches the plain engine."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

# A constant rate: a schedule over more steps would make the first ones another run.
CONSTANT = ("schedule.kind=constant", "schedule.warmup=0")
OFFLOAD = ("engine.name=zero", "engine.ds_config=ds_configs/zero3-offload.json")


def on_two_ranks(house: Any, root: Path, *changes: str) -> None:
    torchrun, triptych = (Path(sys.executable).with_name(name) for name in ("torchrun", "triptych"))
    sets = [word for change in (*CONSTANT, *OFFLOAD, *changes) for word in ("--set", change)]
    command = [torchrun, "--standalone", "--nproc_per_node", "2", "--no-python", triptych]
    command += ["run", house.file, "--run-dir", root, "--only", "general", "--extend", *sets]
    done = subprocess.run(command, cwd=house.base, env=house.environment, capture_output=True, text=True, timeout=560)
    assert done.returncode == 0, done.stdout + done.stderr


def losses(root: Path) -> list[float]:
    lines = (root / "stages" / "general" / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)["loss"] for line in lines]


def test_an_offloaded_stage_that_stops_half_way_goes_on_to_the_plain_run_of_one_rank(shared_house: Any) -> None:
    root = shared_house.base / "runs" / "offload"
    on_two_ranks(shared_house, root, "general.steps=4")
    assert len(losses(root)) == 4
    on_two_ranks(shared_house, root)
    alone = shared_house.run("not-offloaded", *CONSTANT, only="general").root
    assert losses(root) == pytest.approx(losses(alone), rel=1e-5)
