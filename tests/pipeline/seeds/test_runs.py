"""A run under several seeds: what is repeated and what shared, and that each seed is the run it says it is.

The oracle is nearly always the bytes of a run under that one seed; of the statistics, numpy.
"""

import json
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file

from pipeline.cli import main
from pipeline.recipe.recipe import Recipe, Seeds
from pipeline.run_folder import RunFolder
from pipeline.seeds.runs import further_seeds, recipe_of_seed, repeated_stages, seed_folder, with_seeds
from pipeline.status import status_text
from tokenization.errors import RecipeError, RunError
from training.checkpoint import load_weights

Lasting = Callable[[Path], dict[str, bytes]]
DYING = Path(__file__).parent.parent / "dying.py"

# What is under way when the kill comes, and how often its files are touched at least.
MOMENTS = (
    ("*/seeds/2/stages/multitask/metrics.jsonl", 2),
    ("*/seeds/2/stages/multitask/checkpoints/.aside-*", 15),
    ("*/seeds/3/stages/multitask/*manifest.json*", 2),
    ("*/evaluation/*seeds.json*", 2),
)
WEIGHTS = "stages/multitask/checkpoints/step-00000040/weights.safetensors"


@pytest.fixture(scope="module")
def three(shared_house: Any) -> RunFolder:
    """The recipe under three seeds, finished; to be read, or copied."""
    return shared_house.run("three", "seeds=3")


def copied(house: Any, folder: RunFolder, name: str) -> RunFolder:
    shutil.copytree(folder.root, house.folder(name).root, symlinks=True)
    return house.folder(name)


def over_seeds(folder: RunFolder) -> dict[str, Any]:
    return json.loads(folder.seeds.read_text())


def trained(content: dict[str, bytes]) -> dict[str, bytes]:
    """What a further seed has too: all but the exported model."""
    return {path: found for path, found in content.items() if not path.startswith("export/")}


def unlabelled(recipe: Recipe, seeds: Seeds) -> Recipe:
    return recipe.model_copy(update={"stages": recipe.stages[:2], "seeds": seeds})


def test_the_first_seed_is_the_run_without_further_seeds(three: RunFolder, done: RunFolder, lasting: Lasting) -> None:
    content = lasting(three.root)
    first = {path: found for path, found in content.items() if not path.startswith("seeds/")}
    assert first.pop("evaluation/seeds.json")
    assert first == lasting(done.root)


def test_stages_without_labels_are_shared_and_the_others_begin_from_them(three: RunFolder) -> None:
    for seed in (2, 3):
        folder = seed_folder(three, seed)
        for stage in ("general", "domain"):
            assert folder.stage(stage).root.is_symlink()
            assert folder.stage(stage).root.samefile(three.stage(stage).root)
        ours, theirs = (json.loads(run.stage("multitask").manifest.read_text()) for run in (folder, three))
        assert ours["identity"]["parent"] == theirs["identity"]["parent"]
        assert (ours["identity"]["seed"], theirs["identity"]["seed"]) == (seed, 1)
    assert len({(run.root / WEIGHTS).read_bytes() for run in (three, *(seed_folder(three, s) for s in (2, 3)))}) == 3


def test_a_further_seed_of_the_labelled_stage_is_the_run_that_gives_that_stage_its_seed(
    shared_house: Any, three: RunFolder, lasting: Lasting
) -> None:
    alone = lasting(shared_house.run("stage-seed", "multitask.seed=2").root)
    ours = lasting(seed_folder(three, 2).root)
    stage = {path for path in alone if path.startswith("stages/multitask/")}
    assert WEIGHTS in stage
    assert [path for path in stage if ours[path] != alone[path]] == []


def test_where_every_stage_is_repeated_each_seed_is_byte_for_byte_the_run_of_that_seed(
    shared_house: Any, lasting: Lasting
) -> None:
    folder = shared_house.run("every-seed", "seeds={count: 2, all: true}")
    alone = shared_house.run("seed-2", "seed=2")
    assert lasting(seed_folder(folder, 2).root) == trained(lasting(alone.root))
    assert over_seeds(folder)["shared"] == []


def test_the_spread_of_each_score_is_that_of_the_seeds_own_scores(three: RunFolder) -> None:
    found = over_seeds(three)
    runs = [three, seed_folder(three, 2), seed_folder(three, 3)]
    scores = [json.loads(run.scores.read_text()) for run in runs]
    assert found["seeds"] == [1, 2, 3]
    assert found["repeated"] == ["multitask"]
    assert set(found["tasks"]) == {"topic", "alike", "names"}
    for name, task in found["tasks"].items():
        for metric, entry in task["metrics"].items():
            values = [one["tasks"][name]["metrics"][metric] for one in scores]
            assert list(entry["values"].values()) == values
            assert entry["mean"] == pytest.approx(np.mean(values))
            assert entry["sd"] == pytest.approx(np.std(values, ddof=1))
            assert entry["median"] == np.median(values)
            assert entry["standard_error"] == pytest.approx(np.std(values, ddof=1) / 3**0.5)
            assert (entry["lowest"], entry["highest"]) == (min(values), max(values))
    assert found["joint"]["mean"] == pytest.approx(np.mean([one["joint"] for one in scores]))


def test_the_table_of_seeds_is_printed_last_and_stands_in_the_report(
    shared_house: Any, three: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    copied(shared_house, three, "table")
    folder = shared_house.run("table", "seeds=3", report=True)
    printed = capsys.readouterr().out
    assert printed.index("Forgetting ledger") < printed.index("Scores over 3 seeds (* primary metric)")
    assert "the exported model is that of seed 1" in printed
    report = folder.report.read_text()
    assert "Scores over 3 seeds" in report
    assert "This run is not finished" not in report


def test_a_seed_that_breaks_off_goes_on_to_the_same_bytes(
    shared_house: Any, done: RunFolder, three: RunFolder, lasting: Lasting
) -> None:
    folder = copied(shared_house, done, "broken-seed")
    with shared_house.killed_at("multitask", 24):  # the first seed is finished: it is the second that gets there
        shared_house.run("broken-seed", "seeds=3")
    assert not seed_folder(folder, 2).stage("multitask").manifest.is_file()
    assert "seed 2:\n  multitask  at step 24 of 40\n" in status_text(folder.root)
    assert "seed 3: not started\n" in status_text(folder.root)
    assert lasting(shared_house.run("broken-seed", "seeds=3").root) == lasting(three.root)


def test_more_seeds_than_before_add_those_that_are_missing(
    shared_house: Any, three: RunFolder, lasting: Lasting, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copied(shared_house, three, "four")
    curves = seed_folder(folder, 3).stage("multitask").metrics
    before = curves.read_bytes()
    capsys.readouterr()
    shared_house.run("four", "seeds=4")
    printed = capsys.readouterr().out
    assert printed.count("multitask: skip, finished, 40 steps") == 3
    assert "seed 4: repeats multitask\nmultitask: start, nothing saved yet" in printed
    assert curves.read_bytes() == before
    assert over_seeds(folder)["seeds"] == [1, 2, 3, 4]
    assert over_seeds(folder)["tasks"]["topic"]["metrics"]["accuracy"]["values"].keys() == {"1", "2", "3", "4"}
    kept = {path: found for path, found in lasting(folder.root).items() if not path.startswith("seeds/4/")}
    kept.pop("evaluation/seeds.json")
    assert kept.items() <= lasting(three.root).items()


def test_from_moves_the_stage_of_every_seed_aside_at_once_and_leaves_what_is_shared(
    shared_house: Any, three: RunFolder, lasting: Lasting
) -> None:
    folder = copied(shared_house, three, "again")
    with shared_house.killed_at("multitask", 3):
        shared_house.run("again", "seeds=3", first="multitask")
    for run in (folder, seed_folder(folder, 2), seed_folder(folder, 3)):
        assert (run.root / "aside" / "001" / WEIGHTS).is_file()
        assert not run.stage("multitask").manifest.exists()
    assert seed_folder(folder, 3).stage("domain").root.is_symlink()
    finished = lasting(shared_house.run("again", "seeds=3").root)
    assert {path: found for path, found in finished.items() if "aside/" not in path} == lasting(three.root)


def test_links_are_taken_away_rather_than_moved_aside(three: RunFolder, shared_house: Any) -> None:
    folder = copied(shared_house, three, "links")
    further = seed_folder(folder, 2)
    assert further.set_aside(["domain", "multitask"], start=False) == further.root / "aside" / "001"
    assert not further.stage("domain").root.is_symlink()
    assert not (further.root / "aside" / "001" / "stages" / "domain").exists()
    assert folder.stage("domain").manifest.is_file()


def test_to_share_what_was_repeated_or_the_reverse_is_refused_before_anything_changes(
    shared_house: Any, three: RunFolder, lasting: Lasting
) -> None:
    folder = copied(shared_house, three, "otherwise")
    before, recipe = lasting(folder.root), folder.recipe.read_bytes()
    with pytest.raises(RunError, match=r"seeds/2/stages/general: made under other settings:\n.*seed: 1 then, 2 now"):
        shared_house.run("otherwise", "seeds={count: 3, all: true}")
    assert lasting(folder.root) == before
    assert folder.recipe.read_bytes() == recipe


def test_a_further_seed_is_an_ordinary_run_directory(three: RunFolder) -> None:
    further = seed_folder(three, 2)
    told = CliRunner().invoke(main, ["plan", str(further.recipe), "--run-dir", str(further.root)])
    assert told.exit_code == 0, told.output
    assert told.output.count("SKIP") == 6  # the tokenizer, two corpora, three stages
    assert "evaluation: done" in status_text(further.root)


def test_the_model_of_a_further_seed_is_exported_from_its_run_directory(three: RunFolder, tmp_path: Path) -> None:
    further = seed_folder(three, 2)
    told = CliRunner().invoke(main, ["export", str(further.root), "--to", str(tmp_path / "model")])
    assert told.exit_code == 0, told.output
    carried = json.loads(further.stage("multitask").manifest.read_text())["carry"]["file"]
    weights = load_weights(further.stage("multitask").root / carried)
    exported = load_file(tmp_path / "model" / "model.safetensors")
    name = "bert.embeddings.LayerNorm.weight"
    ours = next(tensor for key, tensor in weights.items() if key.endswith("embeddings.norm.weight"))
    assert torch.equal(exported[name], ours)


def test_plan_says_what_would_be_done_under_each_seed_and_touches_nothing(shared_house: Any, three: RunFolder) -> None:
    before = sorted(three.root.rglob("*"))
    told = CliRunner().invoke(
        main, ["plan", str(shared_house.file), "--run-dir", str(three.root), "--seeds", "4"], env={"TRIPTYCH_DATA": ""}
    )
    assert told.exit_code == 0, told.output
    assert told.output.splitlines()[-3:] == [
        "seed 2, multitask: SKIP, finished, 40 steps",
        "seed 3, multitask: SKIP, finished, 40 steps",
        "seed 4, multitask: START, after domain",
    ]
    assert sorted(three.root.rglob("*")) == before


def test_status_tells_each_seed(three: RunFolder) -> None:
    assert "\nseed 2: finished\nseed 3: finished\nevaluation: done\n" in status_text(three.root)


def test_scores_over_seeds_go_when_the_first_seed_has_other_scores(
    shared_house: Any, three: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copied(shared_house, three, "outdated")
    shared_house.run("outdated")
    assert folder.seeds.is_file()  # nothing changed
    found = over_seeds(folder)
    found["tasks"]["topic"]["metrics"]["accuracy"]["values"]["1"] -= 0.1
    folder.seeds.write_text(json.dumps(found))
    shared_house.run("outdated")
    assert not folder.seeds.exists()
    assert "scores over several seeds: taken away" in capsys.readouterr().out
    folder.seeds.write_text("{")  # damaged: they are made anew
    shared_house.run("outdated", "seeds=3")
    assert over_seeds(folder) == over_seeds(three)


@pytest.mark.slow
def test_seeds_killed_at_random_moments_end_in_the_same_bytes(
    shared_house: Any, command: Any, lasting: Lasting, done: RunFolder, three: RunFolder
) -> None:
    folder, luck = copied(shared_house, done, "killed-seeds"), random.Random(20260801)
    words = ["run", shared_house.file, "--run-dir", folder.root, "--seeds", "3"]
    for pattern, touches in MOMENTS:
        dying = [sys.executable, DYING, pattern, luck.randint(1, touches), *words]
        killed = subprocess.run(
            [str(word) for word in dying], cwd=shared_house.base, env=shared_house.environment, capture_output=True
        )
        assert killed.returncode == -signal.SIGKILL, (pattern, killed.stdout)
    process = command(shared_house, *words)
    printed = process.communicate(timeout=200)[0]
    assert process.returncode == 0, printed
    assert lasting(folder.root) == lasting(three.root)


def test_a_shared_stage_alone_begins_no_further_seed(shared_house: Any) -> None:
    folder = shared_house.run("shared-alone", "seeds=3", only="general")
    assert folder.stage("general").manifest.is_file()
    assert not (folder.root / "seeds").exists()


def test_labelled_stages_and_all_that_descend_from_them_are_repeated(shared_house: Any) -> None:
    recipe = shared_house.recipe("seeds=2", "general.streams=[{source: {task: topic}, amount: {examples: 4}}]")
    assert repeated_stages(recipe) == ("general", "domain", "multitask")
    apart = shared_house.recipe("seeds=2", "domain.parent=", "multitask.parent=general")
    assert repeated_stages(apart) == ("multitask",)
    assert repeated_stages(shared_house.recipe("seeds={count: 2, all: true}")) == ("general", "domain", "multitask")
    assert repeated_stages(shared_house.recipe()) == ()


def test_a_recipe_without_labels_is_refused_unless_every_stage_is_repeated(shared_house: Any) -> None:
    recipe = shared_house.recipe()
    with pytest.raises(RecipeError, match=r"5 seeds are asked for, but no stage has a labelled stream.*--seeds all:5"):
        repeated_stages(unlabelled(recipe, Seeds(count=5)))
    assert repeated_stages(unlabelled(recipe, Seeds(count=5, all=True))) == ("general", "domain")


def test_shared_stages_keep_their_seed_and_repeated_ones_move_on_with_one_of_their_own_too(shared_house: Any) -> None:
    recipe = shared_house.recipe("seed=10", "seeds=3", "domain.seed=5", "multitask.seed=100")
    assert further_seeds(recipe) == (11, 12)
    moved = recipe_of_seed(recipe, 12)
    assert [moved.seed_of(stage) for stage in moved.stages] == [10, 5, 102]
    plain = recipe_of_seed(shared_house.recipe("seeds=3"), 3)
    assert [plain.seed_of(stage) for stage in plain.stages] == [1, 1, 3]
    assert moved.seeds == Seeds()


def test_the_command_line_s_number_goes_before_the_recipe_s_and_keeps_what_is_repeated(shared_house: Any) -> None:
    recipe = shared_house.recipe("seeds={count: 2, all: true}")
    assert with_seeds(recipe, None).seeds == Seeds(count=2, all=True)
    assert with_seeds(recipe, "8").seeds == Seeds(count=8, all=True)
    assert with_seeds(shared_house.recipe("seeds=2"), "8").seeds == Seeds(count=8)
    assert with_seeds(shared_house.recipe(), "all:3").seeds == Seeds(count=3, all=True)


def test_the_recipe_takes_every_stage_s_repetition_as_the_command_line_does(shared_house: Any) -> None:
    assert shared_house.recipe("seeds=all:3").seeds == Seeds(count=3, all=True)


@pytest.mark.parametrize("given", ["0", "-1", "five", "all", "all:", "all: 5", "1.5", ""])
def test_other_forms_of_seeds_are_refused_with_the_two_there_are(shared_house: Any, given: str) -> None:
    with pytest.raises(RecipeError, match=r"--seeds .*: give a number of seeds, 1 or more, such as 5 .* or all:5"):
        with_seeds(shared_house.recipe(), given)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("seeds=0", r"seeds\.count: given 0; must be at least 1"),
        ("seeds=many", r"seeds: given 'many'; must be a number.* all:5"),
        ("seeds=all", r"seeds: given 'all'; must be a number of seeds, .* \{count: 5, all: true\}.* all:5"),
        ("seeds=all:0", r"seeds: given 'all:0'; must be a number of seeds"),
        ("seeds={count: 2, al: true}", r"seeds\.al is not a setting.*'all'"),
    ],
)
def test_the_recipe_s_seeds_are_checked_like_every_setting(shared_house: Any, given: str, told: str) -> None:
    with pytest.raises(RecipeError, match=told):
        shared_house.recipe(given)
