"""Whole recipes on two ranks under DeepSpeed ZeRO 0-3 against PlainEngine on one: same curves, same scores."""

import json
from typing import Any

import pytest

from tests.pipeline.two_ranks import TRIPTYCH, as_words, losses, on_two_ranks, zero

pytestmark = pytest.mark.slow

STAGES = ("general", "domain", "multitask")
SMALL = ("multitask.steps=16", "checkpoint.every=8")


def under_zero(stage: int) -> list[str]:
    return as_words(*SMALL, *zero(stage))


def assert_same_run(ours: Any, theirs: Any) -> None:
    for stage in STAGES:
        assert losses(ours, stage) == pytest.approx(losses(theirs, stage), rel=1e-5), stage
    found, expected = (json.loads(run.scores.read_text()) for run in (ours, theirs))
    assert found["data"] == expected["data"]
    assert found["joint"] == pytest.approx(expected["joint"], abs=1e-3)
    for name, task in expected["tasks"].items():
        assert found["tasks"][name]["metrics"] == pytest.approx(task["metrics"], abs=1e-3)
    for row, other in zip(found["ledger"]["rows"], expected["ledger"]["rows"], strict=True):
        assert row["values"] == pytest.approx(other["values"], abs=1e-3)


@pytest.fixture(scope="module")
def alone(shared_house: Any) -> Any:
    """The plain engine on one rank, dropout on."""
    return shared_house.run("alone", *SMALL)


@pytest.mark.parametrize("stage", [0, 1, 2, 3])
def test_zero_on_two_ranks_gives_the_plain_run_of_one(shared_house: Any, alone: Any, stage: int) -> None:
    both = shared_house.folder(f"zero{stage}")
    words = ["run", shared_house.file, "--run-dir", both.root, *under_zero(stage)]
    printed = on_two_ranks(shared_house, *TRIPTYCH, *words)
    assert printed.count("Forgetting ledger") == 1  # one rank speaks
    manifest = json.loads(both.stage("multitask").manifest.read_text())
    assert manifest["execution"]["ranks"] == 2
    assert manifest["execution"]["engine"]["name"] == "zero"
    assert_same_run(both, alone)


def test_doors_ranks_and_engines_may_change_between_stages(shared_house: Any, alone: Any) -> None:
    changing = shared_house.folder("changing")
    recipe = [shared_house.file, "--run-dir", changing.root]
    on_two_ranks(shared_house, "-m", "pretrain", *recipe, *under_zero(2))
    assert [path.name for path in sorted((changing.root / "stages").iterdir())] == ["general"]
    on_two_ranks(shared_house, *TRIPTYCH, "run", *recipe, *under_zero(3), "--only", "domain")
    on_two_ranks(shared_house, "-m", "finetune", *recipe, *as_words(*SMALL))
    manifests = [json.loads(changing.stage(stage).manifest.read_text()) for stage in STAGES]
    assert [manifest["execution"]["engine"]["name"] for manifest in manifests] == ["zero", "zero", "plain"]
    assert_same_run(changing, alone)


def test_a_stage_begun_under_zero_goes_on_plain_on_one_rank(shared_house: Any, alone: Any) -> None:
    begun = shared_house.folder("begun")
    words = ["run", shared_house.file, "--run-dir", begun.root, *under_zero(1), "--only", "general"]
    on_two_ranks(shared_house, *TRIPTYCH, *words)
    # As if it had been stopped before its end: the last checkpoint and the manifest are not there yet.
    stage = begun.stage("general")
    stage.manifest.unlink()
    assert stage.saved_steps() == [8]
    shared_house.run("begun", *SMALL)
    assert_same_run(begun, alone)
