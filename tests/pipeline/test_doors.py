"""The stage scripts `python -m tokenization|pretrain|finetune RECIPE`, alone and under the deepspeed launcher."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow


def door(house: Any, *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *map(str, words)],
        cwd=house.base, env=house.environment, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip


def test_the_doors_one_after_the_other_give_what_run_gives(house: Any, done: Any, lasting: Any) -> None:
    folder = house.folder("tiny")  # the default: runs/<recipe name> where one stands
    told = door(house, "tokenization", "tiny.yaml")
    assert told.returncode == 0, told.stderr
    assert "general: 60 documents" in told.stdout
    assert not folder.root.exists()

    early = door(house, "finetune", "tiny.yaml")
    assert early.returncode == 1
    assert early.stderr == "triptych: stage domain starts from general, which is not finished; run that one first.\n"

    first = door(house, "pretrain", "tiny.yaml")
    assert first.returncode == 0, first.stderr
    assert [path.name for path in (folder.root / "stages").iterdir()] == ["general"]
    assert not folder.scores.exists()

    last = door(house, "finetune", "tiny.yaml")
    assert last.returncode == 0, last.stderr
    assert "Forgetting ledger" in last.stdout
    assert lasting(folder.root) == lasting(done.root)


def test_a_mistake_at_a_door_is_one_message(house: Any) -> None:
    told = door(house, "pretrain", "tiny.yaml", "--set", "seed=minus")
    assert told.returncode == 1
    assert told.stderr.startswith("triptych: --set seed=minus: seed: given 'minus'; must be a whole number")
    assert "Traceback" not in told.stderr


def test_the_deepspeed_launcher_starts_a_door_on_two_ranks(house: Any, done: Any) -> None:
    launcher = Path(sys.executable).with_name("deepspeed")
    told = subprocess.run(
        [launcher, "--num_gpus", "2", "--module", "pretrain", "tiny.yaml",
         "--set", "engine.name=zero", "--set", "engine.ds_config=ds_configs/zero1.json"],
        cwd=house.base, env={**house.environment, "DS_ACCELERATOR": "cpu"},
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stdout + told.stderr
    assert '"ranks": 2' in house.folder("tiny").stage("general").manifest.read_text()
