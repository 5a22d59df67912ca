"""Initial weights: a pure function of (seed, name), with the stated distribution."""

import math

import torch
from torch import nn

from model.config import EncoderConfig, HeadSpec
from model.network import Network

MLM = HeadSpec("mlm", "mlm", 61)
STANDARD_DEVIATION = 0.02


def test_adding_a_head_or_reordering_changes_no_other_weight(config):
    small = Network(config, [MLM], seed=5).state_dict()
    large = Network(config, [HeadSpec("topic", "classification", 4), MLM], seed=5).state_dict()
    assert set(small) < set(large)
    assert all(torch.equal(small[name], large[name]) for name in small)


def test_the_global_generator_plays_no_part(config):
    torch.manual_seed(1)
    first = Network(config, [MLM], seed=5).state_dict()
    torch.manual_seed(2)
    second = Network(config, [MLM], seed=5).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_another_seed_changes_every_matrix(config):
    first, second = (Network(config, [MLM], seed=seed).state_dict() for seed in (5, 6))
    assert not any(torch.equal(first[name], second[name]) for name in first if first[name].ndim > 1)


def test_two_matrices_of_one_shape_differ(config):
    blocks = Network(config, ()).encoder.blocks
    assert not torch.equal(blocks[0].attention.out.weight, blocks[1].attention.out.weight)


def test_biases_are_zero_layer_norms_one_and_matrices_normal():
    config = EncoderConfig(2000, layers=1, hidden=64, heads=2, feed_forward=64)
    network = Network(config, [HeadSpec("mlm", "mlm", 2000)])
    for module in network.modules():
        if isinstance(module, nn.LayerNorm):
            assert module.weight.eq(1).all()
            assert module.bias.eq(0).all()
        if isinstance(module, nn.Linear):
            assert module.bias.eq(0).all()
    assert network.heads["mlm"].bias.eq(0).all()
    word = network.encoder.embeddings.word.weight.detach()
    assert abs(float(word.mean())) < 5 * STANDARD_DEVIATION / math.sqrt(word.numel())
    assert abs(float(word.std()) / STANDARD_DEVIATION - 1) < 5 / math.sqrt(2 * word.numel())


def test_a_network_without_a_seed_takes_loaded_weights_and_keeps_its_tie(config):
    seeded, unset = Network(config, [MLM], seed=5), Network(config, [MLM], seed=None)
    unset.load_state_dict(seeded.state_dict())
    assert unset.heads["mlm"].decoder is unset.encoder.embeddings.word.weight
    assert all(torch.equal(value, unset.state_dict()[name]) for name, value in seeded.state_dict().items())
    assert [name for name, _ in unset.named_parameters()] == [name for name, _ in seeded.named_parameters()]
