"""MASS as a recipe: its decoder learns, rides along, is exported, and trains the same under every engine."""

import json

import pytest
import torch

from model.public import read_public
from pipeline.export import export_run
from pipeline.recipe.identity import identity
from pipeline.stage_run import carried_weights
from tokenization.errors import RecipeError
from training.checkpoint import load_weights

PAIRS = "{source: {pairs_of: general, length: 48}, objectives: [mlm, nsp], amount: {tokens: 400}}"
SPANS = "{source: {blocks_of: general, length: 32}, objectives: [mass], amount: {tokens: 400}}"
SMALL = ("general.steps=40", "domain.steps=3", "multitask.steps=3", "multitask.sampling=every")


@pytest.fixture
def mass(house):
    """The tiny recipe with MASS as its first stage, under a small decoder."""
    house.rewrite(PAIRS, SPANS)
    house.rewrite("optimizer: {rate: 1e-2}", "optimizer: {rate: 1e-2}\ndecoder: {layers: 1}")
    return house


def losses(folder, stage):
    lines = folder.stage(stage).metrics.read_text(encoding="utf-8").splitlines()
    return [record["loss"] for record in map(json.loads, lines) if record["kind"] == "step"]


def test_the_decoder_learns_rides_along_unchanged_and_is_exported(mass, tmp_path):
    folder = mass.run("mass", *SMALL)
    curve = losses(folder, "general")
    assert sum(curve[-5:]) < 0.9 * sum(curve[:5])
    first, last = (load_weights(carried_weights(folder.stage(stage))) for stage in ("general", "multitask"))
    names = [name for name in first if name.startswith("heads.decoder.")]
    assert {name.split(".")[3] for name in names if name.startswith("heads.decoder.blocks.")} == {"0"}
    assert all(torch.equal(first[name], last[name]) for name in names)
    export_run(mass.materials("mass", *SMALL), folder, tmp_path / "export")
    stored = read_public(tmp_path / "export")
    assert [spec.name for spec in stored.heads][:2] == ["mlm", "decoder"]
    assert all(torch.equal(stored.tensors[name], first[name]) for name in names)


def test_the_decoder_s_sizes_are_identity_of_the_stages_that_write_with_it_alone(mass):
    two, three = (mass.recipe(f"decoder.layers={layers}") for layers in (2, 3))
    differing = [stage.name for stage in two.stages if identity(two, stage.name) != identity(three, stage.name)]
    assert differing == ["general"]
    assert "decoder" not in identity(two, "general")  # the usual size, as if it were left out


def test_a_decoder_that_nothing_writes_with_is_refused(house):
    with pytest.raises(RecipeError, match="decoder is given, but no stream writes with one; ask for mass"):
        house.recipe("decoder.layers=3")


def test_mass_is_refused_on_pairs_and_beside_another_objective_that_edits(house):
    with pytest.raises(RecipeError, match="'mass' goes only with blocks_of or text_of, whose text is one stretch"):
        house.recipe("general.streams=[{source: {pairs_of: general}, objectives: [mass], amount: {tokens: 400}}]")
    with pytest.raises(RecipeError, match="two objectives that edit the text"):
        house.recipe("general.streams=[{source: {blocks_of: general}, objectives: [mass, mlm], amount: {tokens: 9}}]")
    shares = SPANS.replace("[mass]", "[{mass: {mask: 0.9, random: 0.2}}]")
    with pytest.raises(RecipeError, match=r"mask \(0.9\) and random \(0.2\) add up to more than 1"):
        house.recipe(f"general.streams=[{shares}]")
