"""MASS as a recipe: its decoder learns, rides along, is exported, and trains the same under every engine."""

import pytest
import torch

from model.config import HeadSpec
from model.design import HeadDesign
from model.public import of_network, read_public, write_public
from model.public_load import load_into
from pipeline.decisions import decide_by_settings, decide_stage
from pipeline.export import export_run
from pipeline.lineage import head_specs, known_heads, with_lm_head_stage
from pipeline.recipe.identity import identity
from pipeline.stage_identity import brought, identity_of
from pipeline.stage_run import carried_weights
from tests.pipeline.two_ranks import losses, run_under_zero
from tokenization.atomic import write_json
from tokenization.errors import RecipeError
from training.checkpoint import load_weights

PAIRS = "{source: {pairs_of: general, length: 48}, objectives: [mlm, nsp], amount: {tokens: 400}}"
SPANS = "{source: {blocks_of: general, length: 32}, objectives: [mass], amount: {tokens: 400}}"
ONE = HeadDesign(depth=1)
SMALL = ("general.steps=40", "domain.steps=3", "multitask.steps=3", "multitask.sampling=every")


@pytest.fixture
def mass(house):
    """The tiny recipe with MASS as its first stage, under a small decoder."""
    house.rewrite(PAIRS, SPANS)
    house.rewrite("optimizer: {rate: 1e-2}", "optimizer: {rate: 1e-2}\ndecoder: {layers: 1}")
    return house


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


def test_the_decoder_of_a_checkpoint_is_kept_through_stages_that_write_nothing(mass):
    made, folder = mass.materials("made"), mass.base / "public"
    write_public(of_network(made.network([HeadSpec("decoder", "decoder", made.encoder.vocab_size, ONE)])), folder)
    made.tokenizer.save(folder)
    head, _, rest = mass.file.read_text(encoding="utf-8").partition("encoder: {layers")
    rest = rest[rest.index("\n") :].replace("\ndecoder: {layers: 1}", "")
    head = head.replace("{train: {corpora: [general], size: 160}}", "{from: public}")
    mass.file.write_text(f"{head}encoder: {{from: public}}{rest}", encoding="utf-8")
    taken = mass.materials("taken")
    taken = taken.with_recipe(with_lm_head_stage(taken.recipe, taken.public))
    network, given = taken.network(head_specs(taken, "lm-head")), taken.public.tensors
    load_into(network, taken.public)
    names = [name for name in given if name.startswith("heads.decoder.")]
    assert len(names) > 10
    assert all(torch.equal(given[name], network.state_dict()[name]) for name in names)
    assert brought(taken) == {"brought": {"decoder": ONE.depth}}
    # A run made before the decoder was kept has a network without it: its stages are none that go on.
    stage, run = taken.recipe.stages[0], mass.folder("taken")
    now = identity_of(taken, run, stage)
    before = {key: value for key, value in now.items() if key != "brought"}
    for then, action in ((now, "skip"), (before, "refuse")):
        record = {"identity": then, "steps": stage.steps, "state": {"step": stage.steps}}
        write_json(run.stage(stage.name).manifest, record)
        assert decide_stage(taken, run, stage, False).action == action
        assert decide_by_settings(taken, run, stage, False).action == action
    # Where other sizes are asked for, it is another decoder, which the checkpoint does not bring.
    larger = mass.materials("taken", "decoder.layers=3")
    assert not brought(larger)
    assert "decoder" not in known_heads(larger.recipe, larger.recipe.stage("general"), larger.public)
    assert [spec.design.depth for spec in head_specs(larger, "general") if spec.kind == "decoder"] == [3]


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
def beside(shared_house, tmp_path_factory):
    """A house of its own with a stream beside that of MASS; of three micro-batches two ranks run one of nothing."""
    house = type(shared_house)(tmp_path_factory.mktemp("beside"))
    other = SPANS.replace("[mass]", "[mlm]").replace("400", "100").replace("source:", "name: beside, source:")
    text = shared_house.file.read_text(encoding="utf-8").replace(PAIRS, f"{SPANS}\n      - {other}")
    house.file.write_text(text, encoding="utf-8")
    (house.base / "data").symlink_to(shared_house.base / "data")
    return house


@pytest.fixture(scope="module")
def alone(beside):
    """The plain engine on one rank, dropout on."""
    return beside.run("alone", only="general")


@pytest.mark.slow
@pytest.mark.parametrize("stage", [1, 3])
def test_zero_on_two_ranks_trains_the_decoder_as_the_plain_engine_on_one(beside, alone, stage):
    both = run_under_zero(beside, stage, f"zero{stage}", only="general")
    assert losses(both, "general") == pytest.approx(losses(alone, "general"), rel=1e-5)
    weights, expected = (load_weights(carried_weights(folder.stage("general"))) for folder in (both, alone))
    assert weights.keys() == expected.keys()
    assert any(name.startswith("heads.decoder.blocks.1.cross") for name in weights)
    for name, value in expected.items():
        assert (weights[name] - value).abs().max() <= 1e-3, name
