"""Tasks with norms of their own, from `condition: true` to an exported model that answers as the run did."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner

from finetune.answering.dev_batches import dev_batches
from finetune.source import TaskSource
from finetune.tasks.table import TASKS
from model.public import read_public
from pipeline.cli import main
from pipeline.compose import mixture_of
from pipeline.lineage import conditions_of
from pipeline.recipe.identity import identity
from tests.pipeline.two_ranks import losses, run_under_zero
from tokenization.errors import RecipeError
from training.address import key_of
from training.checkpoint import load_weights

STAGES = """
stages:
  - name: first
    kind: finetune
    steps: 6
    carry: last
    streams:
      - {source: {task: topic}, amount: {examples: 6}}
      - {source: {task: names}, amount: {examples: 6}}
  - name: second
    kind: finetune
    steps: 4
    carry: last
    streams:
      - {source: {task: alike}, amount: {examples: 6}}
"""
BOTH = ("tasks.topic.condition=true", "tasks.alike.condition=true")


@pytest.fixture
def tuned(house: Any) -> Any:
    """The tiny house with two stages of tasks alone, with large enough weights that answers differ."""
    text = house.file.read_text(encoding="utf-8").partition("stages:")[0]
    house.file.write_text(text.replace("positions: 48}", "positions: 48, initializer_range: 0.3}") + STAGES, "utf-8")
    return house


def weights(folder: Any, stage: str, step: int) -> dict[str, torch.Tensor]:
    return load_weights(folder.stage(stage).checkpoint(step) / "weights.safetensors")


def test_a_conditioned_run_starts_as_the_plain_one_and_hands_its_norms_on(tuned: Any) -> None:
    plain, conditioned = tuned.run("plain"), tuned.run("conditioned", *BOTH)
    assert losses(conditioned, "first")[0] == losses(plain, "first")[0]
    assert losses(conditioned, "first")[1:] != losses(plain, "first")[1:]
    assert not any(name.startswith("conditional.") for name in weights(plain, "second", 4))
    first, second = weights(conditioned, "first", 6), weights(conditioned, "second", 4)
    assert {name for name in first if name.startswith("conditional.")} == {
        "conditional.offsets.weight",
        "conditional.vectors.topic.weight",
    }
    assert first["conditional.offsets.weight"].any()
    assert second.keys() - first.keys() >= {"conditional.vectors.alike.weight"}
    # Nothing of stage two touches topic's vector but the decay of all matrices: it was carried, not drawn anew.
    carried, before = second["conditional.vectors.topic.weight"], first["conditional.vectors.topic.weight"]
    assert torch.allclose(carried, before, rtol=1e-2, atol=1e-4)
    assert not torch.equal(second["conditional.offsets.weight"], first["conditional.offsets.weight"])


def test_an_exported_model_answers_as_the_run_did(tuned: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tuned.base)
    folder = tuned.run("conditioned", *BOTH)
    read = read_public(folder.export)
    assert [(one.name, one.place) for one in read.conditions] == [("topic", 1), ("alike", 2)]
    done = CliRunner().invoke(
        main, ["evaluate", str(folder.export), "--data", str(tuned.base / "data"), "--out", "out"]
    )
    assert done.exit_code == 0, done.output
    scores = json.loads(Path("out/scores.json").read_text(encoding="utf-8"))["tasks"]
    measured = json.loads(folder.stage("second").manifest.read_text(encoding="utf-8"))["boundary"]["tasks"]
    assert {name: task["metrics"] for name, task in scores.items()} == {
        name: task["metrics"] for name, task in measured.items()
    }
    for task in ("topic", "alike"):
        ours = (folder.stage("second").root / "predictions" / f"{task}.jsonl").read_text(encoding="utf-8")
        assert Path(f"out/predictions/{task}.jsonl").read_text(encoding="utf-8") == ours


def test_train_and_dev_batches_name_the_tasks_own_condition(tuned: Any) -> None:
    materials = tuned.materials("named", *BOTH)
    for task, place in (("topic", 1), ("alike", 2), ("names", 0)):
        drawn = TaskSource(materials.encoded(task, "train")).draw(torch.arange(3).numpy(), key_of(1))
        batch = dev_batches(materials.encoded(task, "dev"), 200)[0].batch
        for conditions_N in (drawn.conditions_N, batch.conditions_N):
            assert (conditions_N is None) == (place == 0)
            assert place == 0 or set(conditions_N.tolist()) == {place}


def test_a_stage_has_the_conditions_that_were_trained_on_the_way(tuned: Any) -> None:
    materials = tuned.materials("known", *BOTH)
    known = {stage: [one.name for one in conditions_of(materials, stage)] for stage in ("first", "second")}
    assert known == {"first": ["topic"], "second": ["topic", "alike"]}
    assert conditions_of(tuned.materials("none"), "second") == ()


def test_a_condition_is_identity_and_none_leaves_no_trace(tuned: Any) -> None:
    plain, conditioned = (identity(tuned.recipe(*sets), "first") for sets in ((), BOTH))
    assert conditioned["tasks"]["topic"] == {**plain["tasks"]["topic"], "condition": True}
    assert "condition" not in json.dumps(plain)
    assert identity(tuned.recipe(BOTH[1]), "first") == plain


def test_a_task_that_another_ones_head_answers_is_read_in_that_ones_norms(tuned: Any) -> None:
    tuned.rewrite("tasks:\n", "tasks:\n  mnli: {condition: true, length: 32}\n  ax: {length: 32}\n")
    materials = tuned.materials("answered", BOTH[0])
    places = {name: materials.task(name).condition for name in ("mnli", "ax", "topic", "alike")}
    assert places == {"mnli": 1, "ax": 1, "topic": 2, "alike": 0}
    # Of an exported model too, where no recipe names the other task.
    assert TASKS["ax"].read_like(replace(TASKS["mnli"], condition=3)).condition == 3


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("tasks:\n", "tasks:\n  ax: {condition: true, length: 32}\n", r"tasks\.ax\.condition: useless.*mnli"),
        (
            "    steps: 4\n",
            "    steps: 4\n    freeze: [encoder, pooler]\n    stored: true\n",
            r"stored.*task alike has",
        ),
    ],
)
def test_a_condition_that_cannot_be_is_refused_with_the_reason(tuned: Any, old: str, new: str, reason: str) -> None:
    tuned.rewrite(old, new)
    with pytest.raises(RecipeError, match=reason):
        tuned.recipe(*BOTH)


def test_rows_are_not_stored_for_a_head_that_answers_a_conditioned_task_of_an_earlier_stage(tuned: Any) -> None:
    """Two clozes share the language model's head; the second has no norms of its own, and is fine without `stored`."""
    cloze = "cloze={pattern: 'the {mask} : {text}', words: {sea: ship, land: forest}}"
    topic = tuned.file.read_text(encoding="utf-8").partition("  topic:\n")[2].partition("  alike:\n")[0]
    tuned.rewrite("  alike:\n", f"  other:\n{topic}  alike:\n")
    changes = (BOTH[0], f"tasks.topic.{cloze}", f"tasks.other.{cloze}", "second.freeze=[encoder, pooler]")
    streams = "second.streams=[{source: {task: other}, amount: {examples: 6}}]"
    materials = tuned.materials("live", *changes, streams)
    assert mixture_of(materials, materials.recipe.stage("second")).streams
    materials = tuned.materials("stored", *changes, streams, "second.stored=true")
    with pytest.raises(RecipeError, match=r"stages\[second\]\.stored: head mlm also answers topic, whose norms"):
        mixture_of(materials, materials.recipe.stage("second"))


@pytest.mark.slow
@pytest.mark.parametrize("stage", [2])
def test_zero_on_two_ranks_gives_the_plain_run_of_one(tuned: Any, stage: int) -> None:
    plain = tuned.run("plain", *BOTH)
    both = run_under_zero(tuned, stage, "zero", *BOTH)
    for name, steps in (("first", 6), ("second", 4)):
        assert losses(both, name) == pytest.approx(losses(plain, name), rel=1e-5)
        theirs = weights(plain, name, steps)["conditional.offsets.weight"]
        ours = weights(both, name, steps)["conditional.offsets.weight"]
        assert torch.allclose(ours, theirs, rtol=1e-3, atol=1e-5)
