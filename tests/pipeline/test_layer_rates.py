"""Rates by layer in a run: what a stage's settings mean for the weights of each part of the encoder."""

import json

import pytest
import torch

from pipeline.layer_rates import rate_notes
from tokenization.errors import RecipeError
from training.checkpoint import load_weights

EVERY_STEP = ("checkpoint.keep_last=20", "multitask.steps=16", "multitask.evaluate=null")
PARTS = ("encoder.embeddings.", "encoder.blocks.0.", "pooler.", "heads.topic.", "heads.mlm.")


def moved(folder, step):
    """The parts that differ at a step from what the stage began with; a new head has begun at its own."""
    before = load_weights(folder.stage("domain").checkpoint(6) / "weights.safetensors")
    after = load_weights(folder.stage("multitask").checkpoint(step) / "weights.safetensors")
    return {
        part
        for part in PARTS
        if any(
            name not in before or not torch.equal(before[name], after[name])
            for name in after
            if name[: len(part)] == part
        )
    }


def test_gradual_unfreezing_moves_the_layers_of_a_stage_from_the_top(house):
    folder = house.run("gradual", *EVERY_STEP, "multitask.unfreeze={kind: gradual, every: 6}")
    heads = {"pooler.", "heads.topic.", "heads.mlm."}
    assert moved(folder, 5) == heads
    assert moved(folder, 10) == heads | {"encoder.blocks.0."}
    assert moved(folder, 15) == set(PARTS)


def test_sequential_unfreezing_lets_a_trained_lm_head_and_pooler_wait_with_the_blocks(house):
    """The general stage trained MLM and NSP; the tasks' heads are new."""
    folder = house.run("sequential", *EVERY_STEP, "multitask.unfreeze={kind: sequential, head: 5, encoder: 10}")
    assert moved(folder, 5) == {"heads.topic."}
    assert moved(folder, 10) == set(PARTS) - {"encoder.embeddings."}
    assert moved(folder, 15) == set(PARTS)
    lines = [json.loads(line) for line in folder.stage("multitask").metrics.read_text().splitlines()]
    gammas = [line["terms"]["aux/mlm"]["weight"] for line in lines if line["kind"] == "step"]
    assert gammas == pytest.approx([0.2 * 0.5 ** (step / 15) for step in range(16)], rel=1e-12)  # SiATL's gamma(t)


def test_plan_tells_what_moves_at_what_share_of_the_rate_and_when(house):
    sets = ("multitask.optimizer.layer_decay=2", "multitask.unfreeze={kind: gradual, every: 15}")
    materials = house.materials("planned", *sets)
    notes = rate_notes(materials, materials.recipe.stage("multitask"))
    assert "encoder:embeddings: 0.25 of the rate, from step 30" in notes
    assert "encoder:block-0: 0.5 of the rate, from step 15" in notes
    assert rate_notes(materials, materials.recipe.stage("general")) == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("{kind: gradual, every: 40}", "unfreeze.every: given 40, and the stage has 40 steps: no layer"),
        ("{kind: sequential, head: 5, encoder: 50}", "unfreeze.encoder: given 50, .* the embeddings would never move"),
        ("{kind: sequential, head: 5, encoder: 2}", r"the embeddings \(step 2\) cannot move before the blocks"),
        ("{kind: sudden, every: 5}", "given 'sudden'; allowed: 'gradual'"),
    ],
)
def test_layers_that_would_never_move_in_their_order_are_refused(house, given, words):
    with pytest.raises(RecipeError, match=words):
        house.recipe(f"multitask.unfreeze={given}")


def test_a_frozen_encoder_cannot_be_unfrozen(house):
    with pytest.raises(RecipeError, match=r"unfreeze does not go with freeze: \[encoder\]"):
        house.recipe("multitask.freeze=[encoder]", "multitask.unfreeze={kind: gradual, every: 5}")


def test_a_layer_decay_of_a_stage_whose_layers_stand_still_is_refused_and_an_inherited_one_passes(house):
    frozen, words = "multitask.freeze=[encoder]", r"optimizer.layer_decay does not go with freeze: \[encoder\]"
    with pytest.raises(RecipeError, match=words):
        house.recipe(frozen, "multitask.optimizer.layer_decay=2.6")
    assert house.recipe(frozen, "optimizer.layer_decay=2.6").stage("multitask").optimizer.layer_decay == 2.6
