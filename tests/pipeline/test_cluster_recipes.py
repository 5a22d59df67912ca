"""The launch scripts under recipes/cluster, run as Slurm runs them: with bash, and Slurm's variables set."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parents[2] / "recipes" / "cluster" / "tokenize.sbatch"
PARTS = 3
Running = subprocess.Popen[str]


def finished(jobs: Sequence[Running]) -> list[str]:
    """What each job printed."""
    printed = [job.communicate(timeout=200)[0] for job in jobs]
    assert [job.returncode for job in jobs] == [0] * len(jobs), printed
    return printed


@pytest.fixture
def submit(house: Any) -> Callable[..., Running]:
    """Start the script as a job: a task of an array, if it is given a number."""

    def start(run: str, task: int | None = None) -> Running:
        environment = {
            **house.environment,
            "PATH": f"{Path(sys.executable).parent}:{house.environment['PATH']}",
            "RECIPE": str(house.file),
            "RUN_DIR": str(house.base / run / "r"),
            "PARTS": str(PARTS),
            **({} if task is None else {"SLURM_ARRAY_TASK_ID": str(task)}),
        }
        return subprocess.Popen(
            ["bash", SCRIPT],
            cwd=house.base,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return start


def test_an_array_of_jobs_and_one_to_finish_it_leave_the_bytes_of_one_job(
    house: Any, submit: Callable[..., Running]
) -> None:
    """Documents of differing weights are of differing shards: four here, and a fifth for the other corpus."""
    text = (house.base / "data" / "general.txt").read_text().split("\n\n")
    for number in range(4):
        (house.base / "data" / f"{number}.txt").write_text("\n\n".join([*text[number::4], text[0].strip()]) + "\n")
    sources = ", ".join(f"{{path: {number}.txt, weight: {1 + number % 2}}}" for number in range(4))
    house.rewrite("{files: general.txt,", f"{{files: [{sources}], clean: {{exact: true}},")

    finished([submit("array", task) for task in range(PARTS)])  # looks at all documents, for duplicates
    parts = finished([submit("array", task) for task in (2, 0)])
    parts += finished([submit("array", 1)])  # `--array=1` alone, as after a failure
    (told,) = finished([submit("array")])
    finished([submit("one")])

    assert all(f"general: part {number}/3 is done" in part for number, part in zip((2, 0, 1), parts, strict=True))
    assert "corpus general: going on, 4 of 4 shards done" in told
    ours, theirs = (content(house.base / name / "store") for name in ("array", "one"))
    assert len([name for name in theirs if "general" in name and "/ids-" in name]) == 4
    assert ours == theirs


def content(store: Path) -> dict[str, bytes]:
    """All that stays, but for locks and remembered hashes, whose names are of times and places."""
    files = [path for path in sorted(store.rglob("*")) if path.is_file()]
    kept = [path for path in files if path.relative_to(store).parts[0] in ("corpora", "tokenizers")]
    return {str(path.relative_to(store)): path.read_bytes() for path in kept}


def test_a_job_without_its_recipe_says_what_to_set() -> None:
    done = subprocess.run(["bash", SCRIPT], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "set RECIPE to the recipe to tokenise" in done.stderr


def test_a_task_of_an_array_that_does_not_know_of_how_many_parts_says_what_to_set() -> None:
    environment = {"PATH": "/usr/bin:/bin", "RECIPE": "r", "RUN_DIR": "d", "SLURM_ARRAY_TASK_ID": "3"}
    done = subprocess.run(["bash", SCRIPT], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "set PARTS to the number of parts" in done.stderr
