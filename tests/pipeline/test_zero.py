"""Whole recipes on two ranks under DeepSpeed ZeRO 0-3 against PlainEngine on one: same curves, same scores."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

STAGES = ("general", "domain", "multitask")
SMALL = ("multitask.steps=16", "checkpoint.every=8")


def sets(*changes: str) -> list[str]:
    return [word for change in (*SMALL, *changes) for word in ("--set", change)]


def zero(stage: int) -> list[str]:
    return sets("engine.name=zero", f"engine.ds_config=ds_configs/zero{stage}.json")


def on_two_ranks(house: Any, *words: object) -> str:
    """Start a command of ours on two ranks by torchrun; what it printed."""
    torchrun = Path(sys.executable).with_name("torchrun")
    command = [torchrun, "--standalone", "--nproc_per_node", "2", *words]
    done = subprocess.run(command, cwd=house.base, env=house.environment, capture_output=True, text=True, timeout=560)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def triptych() -> list[object]:
    return ["--no-python", Path(sys.executable).with_name("triptych")]


def losses(root: Path, stage: str) -> list[float]:
    lines = (root / "stages" / stage / "metrics.jsonl").read_text().splitlines()
    return [record["loss"] for record in map(json.loads, lines) if record["kind"] == "step"]


def assert_same_run(ours: Path, theirs: Path) -> None:
    for stage in STAGES:
        assert losses(ours, stage) == pytest.approx(losses(theirs, stage), rel=1e-5), stage
    found, expected = (json.loads((run / "evaluation" / "scores.json").read_text()) for run in (ours, theirs))
    assert found["data"] == expected["data"]
    assert found["joint"] == pytest.approx(expected["joint"], abs=1e-3)
    for name, task in expected["tasks"].items():
        assert found["tasks"][name]["metrics"] == pytest.approx(task["metrics"], abs=1e-3)
    for row, other in zip(found["ledger"]["rows"], expected["ledger"]["rows"], strict=True):
        assert row["values"] == pytest.approx(other["values"], abs=1e-3)


@pytest.fixture(scope="module")
def alone(shared_house: Any) -> Path:
    """The plain engine on one rank, dropout on."""
    return shared_house.run("alone", *SMALL).root


@pytest.mark.parametrize("stage", [0, 1, 2, 3])
def test_zero_on_two_ranks_gives_the_plain_run_of_one(shared_house: Any, alone: Path, stage: int) -> None:
    root = shared_house.base / "runs" / f"zero{stage}"
    printed = on_two_ranks(shared_house, *triptych(), "run", shared_house.file, "--run-dir", root, *zero(stage))
    assert printed.count("Forgetting ledger") == 1  # one rank speaks
    manifest = json.loads((root / "stages" / "multitask" / "manifest.json").read_text())
    assert manifest["execution"]["ranks"] == 2
    assert manifest["execution"]["engine"]["name"] == "zero"
    assert_same_run(root, alone)


def test_doors_ranks_and_engines_may_change_between_stages(shared_house: Any, alone: Path) -> None:
    root = shared_house.base / "runs" / "changing"
    recipe = [shared_house.file, "--run-dir", root]
    on_two_ranks(shared_house, "-m", "pretrain", *recipe, *zero(2))
    assert [path.name for path in sorted((root / "stages").iterdir())] == ["general"]
    on_two_ranks(shared_house, *triptych(), "run", *recipe, *zero(3), "--only", "domain")
    on_two_ranks(shared_house, "-m", "finetune", *recipe, *sets())
    engines = [
        json.loads((root / "stages" / stage / "manifest.json").read_text())["execution"]["engine"]["name"]
        for stage in STAGES
    ]
    assert engines == ["zero", "zero", "plain"]
    assert_same_run(root, alone)


def test_a_stage_begun_under_zero_goes_on_plain_on_one_rank(shared_house: Any, alone: Path) -> None:
    root = shared_house.base / "runs" / "begun"
    on_two_ranks(shared_house, *triptych(), "run", shared_house.file, "--run-dir", root, *zero(1), "--only", "general")
    # As if it had been stopped before its end: the last checkpoint and the manifest are not there yet.
    stage = shared_house.folder("begun").stage("general")
    stage.manifest.unlink()
    assert stage.saved_steps() == [8]
    shared_house.run("begun", *SMALL)
    assert_same_run(root, alone)
