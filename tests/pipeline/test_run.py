"""Running a recipe again and otherwise: what is skipped, gone on with, moved aside or refused.

The oracle is nearly always the uninterrupted run's own bytes.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from model.config import EncoderConfig
from pipeline.run_folder import RunFolder
from pipeline.stage_run import tell_attention
from tokenization.errors import CheckpointError, RecipeError, RunError
from training.checkpoint import load_weights
from training.distributed import World

Lasting = Callable[[Path], dict[str, bytes]]


def manifest(folder: RunFolder, stage: str) -> dict[str, Any]:
    return json.loads(folder.stage(stage).manifest.read_text())


def copy(house: Any, done: RunFolder, name: str) -> RunFolder:
    """A copy of the finished run, to be changed."""
    shutil.copytree(done.root, house.folder(name).root)
    return house.folder(name)


def test_a_run_leaves_its_result_in_the_places_that_are_promised(done: RunFolder) -> None:
    assert done.report.is_file()
    assert not done.lock.exists()
    assert {path.name for path in done.export.iterdir()} >= {"config.json", "model.safetensors", "tokenizer.json"}
    for stage in ("general", "domain", "multitask"):
        assert done.stage(stage).manifest.is_file()
        assert len(done.stage(stage).saved_steps()) == 2
    assert not [path for path in done.root.rglob(".aside-*")]


def test_the_same_recipe_gives_the_same_bytes_in_another_folder(
    shared_house: Any, done: RunFolder, lasting: Lasting
) -> None:
    other = shared_house.run("other")
    assert lasting(other.root) == lasting(done.root)


def test_a_run_that_the_public_format_has_no_place_for_ends_with_its_table_and_report(
    shared_house: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shared_house.run("pre", "encoder.norm=pre", "multitask.steps=8", report=True)
    printed = capsys.readouterr().out
    assert "no exported model: the public BERT format has no place for encoder.norm: pre" in printed
    assert "Forgetting ledger" in printed
    assert folder.report.is_file()
    assert folder.scores.is_file()
    assert not folder.export.exists()


def test_a_second_run_skips_every_stage_and_changes_nothing(
    shared_house: Any, done: RunFolder, lasting: Lasting, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copy(shared_house, done, "second")
    before, clocks = lasting(folder.root), folder.stage("general").metrics.read_bytes()
    capsys.readouterr()
    shared_house.run("second")
    printed = capsys.readouterr().out
    assert [line for line in printed.splitlines() if ": skip, finished" in line and "steps" in line] == [
        "general: skip, finished, 8 steps",
        "domain: skip, finished, 6 steps",
        "multitask: skip, finished, 40 steps",
    ]
    assert "Forgetting ledger" in printed
    assert lasting(folder.root) == before
    assert folder.stage("general").metrics.read_bytes() == clocks  # not even the clock was written again


def test_from_moves_a_stage_and_what_follows_aside_and_gives_the_same_result(
    shared_house: Any, done: RunFolder, lasting: Lasting
) -> None:
    folder = copy(shared_house, done, "from")
    shared_house.run("from", first="domain")
    aside = folder.root / "aside" / "001"
    kept = {path: content for path, content in lasting(folder.root).items() if not path.startswith("aside")}
    assert kept == lasting(done.root)
    # Nothing is deleted: what was there lies aside, in the same layout.
    moved = {path: content for path, content in lasting(done.root).items() if not path.startswith("stages/general")}
    assert lasting(aside) == moved


def test_from_and_only_name_the_stages_when_given_another(shared_house: Any, done: RunFolder) -> None:
    for choice in ({"first": "domian"}, {"only": "domian"}):
        with pytest.raises(
            RecipeError, match=r"no stage is called 'domian'; stages: general, domain, multitask.*'domain'"
        ):
            shared_house.run("done", **choice)


def test_stages_run_one_by_one_with_only_give_what_one_run_gives(
    shared_house: Any, done: RunFolder, lasting: Lasting
) -> None:
    folder = shared_house.run("only", only="general")
    assert folder.stage("general").manifest.is_file()
    assert not folder.stage("domain").root.exists()
    assert not folder.scores.exists()  # two stages are missing
    for stage in ("domain", "multitask"):
        shared_house.run("only", only=stage)
    assert lasting(folder.root) == lasting(done.root)


def test_only_needs_a_finished_parent(shared_house: Any) -> None:
    with pytest.raises(RunError, match="stage domain starts from general, which is not finished"):
        shared_house.run("orphan", only="domain")


def test_extend_needs_to_be_said_and_goes_on_as_if_the_steps_had_been_asked_for_at_once(
    shared_house: Any, lasting: Lasting
) -> None:
    # A constant rate: a schedule over more steps would make the first ones another run.
    constant = ("schedule.kind=constant", "schedule.warmup=0")
    shared_house.run("grown", *constant, "domain.steps=4", only="general")
    shared_house.run("grown", *constant, "domain.steps=4", only="domain")
    with pytest.raises(RunError, match=r"finished at 4 steps, now 6: go on with --extend"):
        shared_house.run("grown", *constant, only="domain")
    grown = shared_house.run("grown", *constant, only="domain", extend=True)
    for stage in ("general", "domain"):
        at_once = shared_house.run("at-once", *constant, only=stage)
    weights = Path("stages/domain/checkpoints/step-00000006/weights.safetensors")
    assert (grown.root / weights).read_bytes() == (at_once.root / weights).read_bytes()
    assert manifest(grown, "domain")["boundary"] == manifest(at_once, "domain")["boundary"]
    with pytest.raises(RunError, match="finished at 6 steps; the recipe now asks for 4"):
        shared_house.run("grown", *constant, "domain.steps=4", only="domain", extend=True)


def test_other_mathematics_is_refused_with_the_fields_and_leaves_the_folder_as_it_was(
    shared_house: Any, done: RunFolder, lasting: Lasting
) -> None:
    folder = copy(shared_house, done, "mathematics")
    before, recipe = lasting(folder.root), folder.recipe.read_bytes()
    changes = ("domain.optimizer.rate=0.002", "domain.replay.weight=0.25")
    with pytest.raises(RunError) as caught:
        shared_house.run("mathematics", *changes)
    told = str(caught.value)
    assert "stage.optimizer.rate: 0.01 then, 0.002 now" in told
    assert "0.25" in told
    assert "--from domain" in told
    assert str(folder.stage("domain").root) in told
    assert lasting(folder.root) == before
    assert folder.recipe.read_bytes() == recipe  # it still describes what stands there


@pytest.mark.parametrize("change", ["seed=2", "encoder.dropout=0.2", "general.general-pairs.amount.tokens=300"])
def test_seed_dropout_and_amounts_are_mathematics(shared_house: Any, done: RunFolder, change: str) -> None:
    with pytest.raises(RunError, match="made under other settings"):
        shared_house.run("done", change)


def test_changed_text_is_refused_even_under_the_same_path(house: Any) -> None:
    house.run("r", only="general")
    text = house.base / "data" / "general.txt"
    text.write_text(text.read_text() + "\nanna sees the whale .\nboris sails .\n")
    with pytest.raises(RunError, match=r"data\.general: .* then, .* now"):
        house.run("r", only="general")


@pytest.mark.parametrize(
    ("device", "told"),
    [
        (
            "cuda",
            "general: attention: padded (scaled_dot_product_attention); flat cannot run: its kernel computes in bf16 "
            "or fp16, this is float32, and its kernel has no dropout, encoder.dropout is 0.1; it can with precision: "
            "bf16 and encoder.dropout: 0",
        ),
        ("cpu", None),
    ],
)
def test_on_a_gpu_a_stage_says_its_attention_and_what_another_would_take(house: Any, device: str, told: Any) -> None:
    said: list[str] = []
    recipe = house.recipe()
    context: Any = SimpleNamespace(
        materials=SimpleNamespace(
            recipe=recipe, encoder=EncoderConfig(160, layers=1, hidden=16, heads=2, feed_forward=8)
        ),
        world=World(0, 1, torch.device(device)),
        watch=SimpleNamespace(say=said.append),
    )
    tell_attention(context, recipe.stage("general"))
    assert said == ([told] if told else [])


def test_execution_may_change_within_a_stage_and_the_result_agrees(shared_house: Any) -> None:
    changes = (
        "engine.micro_batch_tokens=160", "engine.threads=1", "logging.every=2", "checkpoint.every=4",
        "checkpoint.keep_last=1", "encoder.attention=padded", "encoder.dropout=0",
    )  # fmt: skip
    whole = shared_house.run("whole", "encoder.dropout=0", only="general")
    with shared_house.killed_at("general", 7):
        shared_house.run("changed", "encoder.dropout=0", only="general")
    changed = shared_house.run("changed", *changes, only="general")
    execution = manifest(changed, "general")["execution"]["engine"]
    assert (execution["micro_batch_tokens"], execution["threads"]) == (160, 1)
    attention = manifest(changed, "general")["execution"]["attention"]
    assert attention == "padded (batched products); as the recipe says"
    assert manifest(changed, "general")["state"] == manifest(whole, "general")["state"]
    # Micro-batches are cut otherwise, so sums come in another order: equal up to float32's rounding.
    ours, theirs = (
        load_weights(run.stage("general").checkpoint(8) / "weights.safetensors") for run in (changed, whole)
    )
    for name, expected in theirs.items():
        torch.testing.assert_close(ours[name], expected, rtol=0, atol=2e-5, msg=name)


def test_how_often_is_saved_changes_no_weight_score_or_line(
    shared_house: Any, done: RunFolder, lasting: Lasting
) -> None:
    folder = shared_house.run("seldom", "checkpoint.every=7", "checkpoint.keep_last=1")
    ours, theirs = lasting(folder.root), lasting(done.root)
    same = {path for path in theirs if path.split("/")[0] in ("evaluation", "export") or path.endswith("metrics.jsonl")}
    assert len(same) >= 8
    assert [path for path in same if ours[path] != theirs[path]] == []


@pytest.mark.parametrize(("stage", "step"), [("general", 3), ("general", 7), ("domain", 2), ("multitask", 24)])
def test_a_run_that_breaks_off_goes_on_to_the_same_bytes(
    shared_house: Any, done: RunFolder, lasting: Lasting, stage: str, step: int
) -> None:
    name = f"broken-{stage}-{step}"
    with shared_house.killed_at(stage, step):
        shared_house.run(name)
    assert lasting(shared_house.run(name).root) == lasting(done.root)


def test_the_folder_of_another_recipe_is_refused(shared_house: Any, done: RunFolder) -> None:
    with pytest.raises(RunError, match=r"is the run directory of recipe 'tiny', not of 'huge'.*--run-dir"):
        shared_house.run("done", "name=huge")


def test_a_folder_held_by_another_process_names_it(shared_house: Any) -> None:
    folder = shared_house.folder("held")
    folder.root.mkdir(parents=True)
    with open(folder.lock, "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        json.dump({"pid": os.getpid(), "host": "elsewhere", "command": "triptych run tiny"}, handle)
        handle.flush()
        with pytest.raises(RunError, match=rf"in use by process {os.getpid()} on elsewhere \(triptych run tiny\)"):
            shared_house.run("held")


def test_a_lock_left_by_a_dead_process_is_taken_over(shared_house: Any) -> None:
    folder = shared_house.folder("dead")
    folder.root.mkdir(parents=True)
    folder.lock.write_text('{"pid": 1, "host": "elsewhere", "command": "triptych run tiny"}')
    shared_house.run("dead", only="general")
    assert folder.stage("general").manifest.is_file()
    assert not folder.lock.exists()


def test_a_damaged_checkpoint_is_refused_by_name_and_the_one_before_it_goes_on(
    shared_house: Any, done: RunFolder, lasting: Lasting
) -> None:
    folder = copy(shared_house, done, "damaged")
    stage = folder.stage("multitask")
    stage.manifest.unlink()
    weights = stage.checkpoint(40) / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8])
    with pytest.raises(CheckpointError, match=rf"{weights}: missing, cut short or altered.*Move .*aside"):
        shared_house.run("damaged")
    stage.checkpoint(40).rename(stage.root / "moved")
    shared_house.run("damaged")
    shutil.rmtree(stage.root / "moved")
    assert lasting(folder.root) == lasting(done.root)


def test_curves_of_a_stage_that_goes_on_hold_each_step_once(shared_house: Any) -> None:
    board = ("logging.tensorboard=true",)
    with shared_house.killed_at("general", 7):  # two steps past the last checkpoint
        shared_house.run("curves", *board, only="general")
    folder = shared_house.run("curves", *board, only="general")
    reader = EventAccumulator(str(folder.stage("general").root / "tensorboard")).Reload()
    assert [event.step for event in reader.Scalars("loss/total")] == list(range(1, 9))
