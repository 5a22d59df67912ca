"""Rates by layer: the formulas of the papers, and that what stands still does so bit for bit, under every engine."""

import json

import pytest
import torch

from training.batching import draw_step, flat_batch
from training.checkpoint import StageFolder, load_weights
from training.engine import MicroBatch
from training.optimizer import AdamW
from training.rates import LayerRates, gradual, scales_of, sequential

DEPTHS = {"encoder:embeddings": 3, "encoder:block-0": 2, "encoder:block-1": 1, "pooler": 0, "head:a": 0, "head:mlm": 0}
STEPS, EVERY = 12, 3


def moving(rates, step):
    return {name for name, factor in rates.factors(step).items() if factor > 0}


def test_each_lower_layers_rate_is_that_of_the_one_above_divided_by_the_decay():
    """Howard, Ruder 2018, section 3.1: 1, 1/2.6, 1/2.6², …"""
    found = LayerRates(scales_of(DEPTHS, 2.6)).factors(0)
    assert found["head:a"] == found["head:mlm"] == found["pooler"] == 1.0
    assert found["encoder:block-1"] == pytest.approx(1 / 2.6)
    assert found["encoder:block-0"] == pytest.approx(1 / 6.76)
    assert found["encoder:embeddings"] == pytest.approx(1 / 17.576)


def test_without_a_decay_all_layers_move_alike():
    assert set(LayerRates(scales_of(DEPTHS, None)).factors(7).values()) == {1.0}


@pytest.mark.parametrize(("step", "layers"), [(0, 0), (9, 0), (10, 1), (19, 1), (20, 2), (29, 2), (30, 3), (99, 3)])
def test_gradual_unfreezing_adds_a_layer_from_the_top_after_every_so_many_steps(step, layers):
    """Howard, Ruder 2018, section 3.3: nothing that moved once stands still again."""
    from_the_top = ["encoder:block-1", "encoder:block-0", "encoder:embeddings"]
    rates = LayerRates(scales_of(DEPTHS, None), gradual(DEPTHS, 10))
    assert moving(rates, step) == {"pooler", "head:a", "head:mlm", *from_the_top[:layers]}


@pytest.mark.parametrize(
    ("step", "stand"),
    [
        (0, {"head:mlm", "encoder:block-1", "encoder:block-0", "encoder:embeddings"}),
        (4, {"head:mlm", "encoder:block-1", "encoder:block-0", "encoder:embeddings"}),
        (5, {"encoder:embeddings"}),
        (8, {"encoder:embeddings"}),
        (9, set()),
    ],
)
def test_sequential_unfreezing_is_new_heads_then_all_but_the_embeddings_then_all(step, stand):
    """Chronopoulou et al. 2019, section 3: an LM head that was trained before waits with the hidden layers."""
    rates = LayerRates(scales_of(DEPTHS, None), sequential(DEPTHS, head=5, encoder=9, known={"head:mlm"}))
    assert moving(rates, step) == set(DEPTHS) - stand


def test_rates_and_unfreezing_go_together():
    rates = LayerRates(scales_of(DEPTHS, 2.0), gradual(DEPTHS, 10))
    assert rates.factors(20) == {**dict.fromkeys(DEPTHS, 1.0), "encoder:block-1": 0.5, "encoder:block-0": 0.25,
                                 "encoder:embeddings": 0.0}  # fmt: skip


def test_a_network_cut_by_layer_counts_depth_from_the_top_and_the_tied_head_moves_with_the_embeddings(toy):
    groups = toy.network().groups(by_layer=True)
    depths = {group.name: group.depth for group in groups}
    assert [name for name in depths if name.startswith("encoder")] == list(DEPTHS)[:3]
    assert {name: depths[name] for name in DEPTHS} == DEPTHS
    names = [name for group in groups for name, _ in group.parameters]
    assert sorted(names) == sorted(name for name, _ in toy.network().named_parameters())
    mlm = next(group for group in groups if group.name == "head:mlm")
    assert not [name for name, _ in mlm.parameters if "decoder" in name]


def test_the_final_norm_of_a_pre_norm_encoder_moves_with_the_last_block(toy):
    config = toy.EncoderConfig(60, layers=2, hidden=16, heads=2, feed_forward=32, positions=32, norm="pre")
    groups = toy.Network(config, []).groups(by_layer=True)
    assert {group.name: group.depth for group in groups}["encoder:final_norm"] == 1


def moved_at(root):
    return [set(entry["moved"]) for entry in json.loads((root / "witness.json").read_text())]


def expected_to_move(toy, root):
    """By the formula, and of the heads those that counted."""
    rates = toy.layer_rates(EVERY)
    seen = json.loads((root / "witness.json").read_text())
    heads = [{"pooler", *(f"head:{name}" for name in entry["active"])} for entry in seen]
    return [
        {name for name in moving(rates, step) if name.startswith("encoder")} | heads[step] for step in range(len(seen))
    ]


def test_frozen_weights_stay_bit_equal_until_their_step_and_move_from_it_on(toy, tmp_path):
    toy.train(tmp_path, toy.plan(STEPS, layers=toy.layer_rates(EVERY)), witness=STEPS)
    assert moved_at(tmp_path) == expected_to_move(toy, tmp_path)


def test_the_first_step_of_a_layer_is_its_share_of_the_rate(toy):
    """After a first step AdamW has moved each weight by rate · factor, where the gradient is far above epsilon."""
    mixture = toy.mixture("every")
    net = toy.network(dropout=0.0)
    before = {name: value.clone() for name, value in net.named_parameters()}
    engine = toy.plain_engine(net, mixture, settings=AdamW(1e-2, weight_decay=0.0, epsilon=1e-12), by_layer=True)
    batch = flat_batch(mixture, draw_step(mixture, 0, 10_000).parts[0])
    engine.accumulate([MicroBatch(batch, 0)], [1.0] * 4)
    depths = {group.name: group.depth for group in net.groups(by_layer=True)}
    engine.step(1e-3, frozenset(net.active), LayerRates(scales_of(depths, 2.6)).factors(0))
    after = dict(net.named_parameters())
    for name, depth in (("encoder.blocks.1", 1), ("encoder.blocks.0", 2), ("encoder.embeddings", 3), ("pooler", 0)):
        weight = next(key for key in after if key.startswith(name) and key.endswith("weight"))
        largest = (after[weight] - before[weight]).abs().max()
        assert float(largest.detach()) == pytest.approx(1e-3 * 2.6**-depth, rel=1e-3)


@pytest.mark.slow
def test_layer_rates_and_unfreezing_are_the_same_under_every_engine(toy, run_ranks, lines, tmp_path):
    kinds = ("plain", "zero0", "zero1", "zero2", "zero3")
    jobs = [
        {"kind": kind, "root": str(tmp_path / kind), "steps": STEPS, "witness": STEPS, "unfreeze_every": EVERY}
        for kind in kinds
    ]
    run_ranks(jobs, ranks=2, timeout=560)
    plain = load_weights(StageFolder(tmp_path / "plain").checkpoint(STEPS) / "weights.safetensors")
    for kind in kinds:
        assert moved_at(tmp_path / kind) == expected_to_move(toy, tmp_path / "plain"), kind
        weights = load_weights(StageFolder(tmp_path / kind).checkpoint(STEPS) / "weights.safetensors")
        for name, value in plain.items():
            assert torch.allclose(weights[name], value, atol=1e-4), (kind, name)
        for found, expected in zip(lines(tmp_path / kind), lines(tmp_path / "plain"), strict=True):
            assert found["loss"] == pytest.approx(expected["loss"], rel=1e-5)
