"""Cross-view training, rates by layer and unfreezing on two ranks under DeepSpeed: the curves of PlainEngine on one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SETS = (
    "multitask.parent=null",
    "multitask.steps=12",
    "multitask.evaluate=null",
    "multitask.optimizer.layer_decay=2.6",
    "multitask.unfreeze={kind: gradual, every: 4}",
    "multitask.streams=[{source: {task: topic}, amount: {examples: 6}}, {source: {task: names}, amount: {examples: 6}},"
    "{name: views, source: {text_of: [names]}, objectives: [{view_consistency: {task: names}}], amount: {examples: 5}}"
    "]",
)


def losses(root):
    lines = (root / "stages" / "multitask" / "metrics.jsonl").read_text().splitlines()
    return [record["loss"] for record in map(json.loads, lines) if record["kind"] == "step"]


@pytest.fixture(scope="module")
def alone(shared_house):
    return shared_house.run("views-alone", *SETS, only="multitask").root


@pytest.mark.parametrize("stage", [2])
def test_views_and_layers_train_under_zero_as_under_the_plain_engine(shared_house, alone, stage):
    root = shared_house.base / "runs" / f"views-zero{stage}"
    sets = (*SETS, "engine.name=zero", f"engine.ds_config=ds_configs/zero{stage}.json")
    words = [word for change in sets for word in ("--set", change)]
    here = Path(sys.executable)
    command = [here.with_name("torchrun"), "--standalone", "--nproc_per_node", "2", "--no-python"]
    command += [here.with_name("triptych"), "run", shared_house.file, "--run-dir", root, "--only", "multitask", *words]
    done = subprocess.run(
        command, cwd=shared_house.base, env=shared_house.environment, capture_output=True, text=True, timeout=560
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert losses(root) == pytest.approx(losses(alone), rel=1e-5)
