"""MASS as a recipe: its decoder learns, rides along, is exported, and trains the same under every engine."""

import json
import subprocess
import sys
from pathlib import Path

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


@pytest.mark.slow
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


@pytest.fixture(scope="module")
def shared(shared_house):
    """The recipe under another name, with a stream beside it; of three micro-batches two ranks run one of nothing."""
    beside = SPANS.replace("[mass]", "[mlm]").replace("400", "100").replace("source:", "name: beside, source:")
    text = shared_house.file.read_text(encoding="utf-8").replace(PAIRS, f"{SPANS}\n      - {beside}")
    file = shared_house.base / "mass.yaml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def alone(shared, shared_house):
    """The plain engine on one rank, dropout on."""
    return trained(shared, shared_house, "mass-alone", 1)


def trained(file, house, name, ranks, *sets):
    """The first stage's losses and weights after a run by the command line."""
    folder, program = house.folder(name), Path(sys.executable).with_name("triptych")
    words = [program, "run", file, "--run-dir", folder.root, "--only", "general", *sets]
    torchrun = [Path(sys.executable).with_name("torchrun"), "--standalone", f"--nproc_per_node={ranks}", "--no-python"]
    command = [*torchrun, *words] if ranks > 1 else words
    done = subprocess.run(
        command, cwd=house.base, env=house.environment, capture_output=True, text=True, timeout=560, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return losses(folder, "general"), load_weights(carried_weights(folder.stage("general")))


@pytest.mark.slow
@pytest.mark.parametrize("stage", [1, 3])
def test_zero_on_two_ranks_trains_the_decoder_as_the_plain_engine_on_one(shared, shared_house, alone, stage):
    sets = ("--set", "engine.name=zero", "--set", f"engine.ds_config=ds_configs/zero{stage}.json")
    curve, weights = trained(shared, shared_house, f"mass-zero{stage}", 2, *sets)
    expected_curve, expected = alone
    assert curve == pytest.approx(expected_curve, rel=1e-5)
    assert weights.keys() == expected.keys()
    assert any(name.startswith("heads.decoder.blocks.1.cross") for name in weights)
    for name, value in expected.items():
        assert (weights[name] - value).abs().max() <= 1e-3, name
