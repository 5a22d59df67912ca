"""What plan and run say of a stage that its numbers do not show."""

from typing import Any

import pytest

from pipeline.compose import mixture_of
from pipeline.plan import outlook
from pipeline.stage_notes import frozen_notes, stage_notes

UNTRAINED = "nothing has trained this encoder"
FREEZE = "{0}.freeze=[encoder, pooler]"


@pytest.mark.parametrize(
    ("sets", "noted"),
    [
        ([], []),
        (["general"], ["general"]),
        (["domain"], []),
        (["general", "domain"], ["general", "domain"]),
        (["general", "domain", "multitask"], ["general", "domain", "multitask"]),
    ],
)
def test_a_frozen_encoder_is_told_of_where_no_stage_before_has_moved_it(
    shared_house: Any, sets: list[str], noted: list[str]
) -> None:
    materials = shared_house.materials("plain", *(FREEZE.format(name) for name in sets))
    found = [stage.name for stage in materials.recipe.stages if frozen_notes(materials, stage)]
    assert found == noted


def test_a_fresh_start_is_untrained_whatever_ran_before(shared_house: Any) -> None:
    materials = shared_house.materials("plain", FREEZE.format("multitask"), "multitask.parent=null")
    assert frozen_notes(materials, materials.recipe.stages[2])


@pytest.mark.usefixtures("done")
def test_plan_and_the_stage_s_start_say_it(shared_house: Any, capsys: pytest.CaptureFixture[str]) -> None:
    sets = (FREEZE.format("general"), "general.steps=1")
    materials = shared_house.materials("frozen", *sets)
    (told, *_) = outlook(materials, shared_house.folder("frozen"), extend=False)
    assert sum(UNTRAINED in line for line in told.streams) == 1
    shared_house.run("frozen", *sets, only="general")
    assert UNTRAINED in " ".join("".join(capsys.readouterr()).split())


@pytest.mark.usefixtures("done")
def test_the_stage_s_start_says_what_never_moves_and_what_is_asked_otherwise_than_trained(
    shared_house: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = "tasks.asked={kind: classification, fields: text, labels: [sea, land], length: 32, "
    asked += "files: {train: topic-train.tsv, dev: topic-dev.tsv}, "
    asked += "prompt: {text: '{text} the', answers: {sea: ship, land: forest}}}"
    still = ("general.steps=2", "general.unfreeze={kind: gradual, every: 1}")
    shared_house.run("assumed", asked, *still, only="general")
    printed = " ".join("".join(capsys.readouterr()).split())
    assert "general: encoder:embeddings: never moves in 2 steps (unfreeze)" in printed
    assert "general: asked: a prompt, and no stage up to here trains the language model from left to right" in printed


@pytest.mark.parametrize(("streams", "noted"), [(1, 1), (2, 0)])
def test_one_task_has_nothing_to_alternate_with_which_is_said(house: Any, streams: int, noted: int) -> None:
    for name in ("names", "alike")[: 3 - streams]:
        house.rewrite(f"      - {{source: {{task: {name}}}, amount: {{examples: 6}}}}\n", "")
    materials = house.materials("r")
    stage = materials.recipe.stages[2]
    notes = [line for line in stage_notes(materials, stage, mixture_of(materials, stage)) if "alternate" in line]
    assert len(notes) == noted


@pytest.mark.parametrize(("amount", "noted"), [("{examples: 30}", 0), ("{examples: 31}", 1), ("{tokens: 9000}", 1)])
def test_a_step_that_takes_more_than_there_is_says_so_once(shared_house: Any, amount: str, noted: int) -> None:
    materials = shared_house.materials("plain", f"multitask.topic.amount={amount}")
    stage = materials.recipe.stages[2]
    notes = [line for line in stage_notes(materials, stage, mixture_of(materials, stage)) if "more than once" in line]
    assert len(notes) == noted
    assert all("topic: a step takes" in line and "there are 30" in line for line in notes)
