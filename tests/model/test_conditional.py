"""Conditional LayerNorm: the plain encoder at the start, the formula after it, and the right task's offsets.

Shape letters: T tokens, R rows, D width, E width of a task's vector, J conditions and none, K norms, S scale and shift.
"""

import json
from dataclasses import replace

import pytest
import torch

from model.conditional import WIDTH, Condition, ConditionalNorms, Norm, Shifts, norms_of
from model.config import EncoderConfig, HeadSpec
from model.network import Network
from model.public import CONFIG, HEADS, of_network, read_public, write_public
from model.public_card import CARD
from model.public_load import load_into
from model.weights_file import read_safetensors
from tokenization.errors import CheckpointError

SPECS = (HeadSpec("news", "classification", 5), HeadSpec("mood", "classification", 3), HeadSpec("plain", "tagging", 4))
CONDITIONS = (Condition("news", "news", 1), Condition("mood", "mood", 4))
LENGTHS = (6, 9, 4, 7)


@pytest.fixture
def network(config):
    return Network(config, SPECS, seed=3, conditions=CONDITIONS).eval()


@pytest.fixture
def batch(ragged, select):
    """A sequence of each task with norms of its own, of one without, and of a place that nobody here has."""
    selections = [select("news", [0]), select("mood", [6]), select("plain", range(15, 26))]
    return replace(ragged(LENGTHS, selections), conditions_N=torch.tensor([1, 4, 0, 2]))


def learned(network, seed=5):
    """The network with offsets as they may be after training."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        weight = network.conditional.offsets.weight
        weight.copy_(torch.randn(weight.shape, generator=generator))
    return network


def difference(mine, theirs):
    return max(float((x - y).abs().max().detach()) for x, y in zip(mine, theirs, strict=True))


@pytest.mark.parametrize("norm", ["post", "pre"])
@pytest.mark.parametrize("autocast", [False, True])
def test_at_the_start_all_logits_equal_those_of_the_plain_encoder_bit_for_bit(config, batch, norm, autocast):
    config = replace(config, norm=norm)
    plain = Network(config, SPECS, seed=3).eval()
    conditioned = Network(config, SPECS, seed=3, conditions=CONDITIONS).eval()
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        expected, found = plain(batch), conditioned(batch)
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(found, expected, strict=True))


def test_a_norm_is_the_formula_with_the_shifted_scale_and_shift(config):
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    norm = Norm(config, place=2).double()
    with torch.no_grad():
        norm.weight.copy_(drawn(config.hidden))
        norm.bias.copy_(drawn(config.hidden))
    rows_RD, table_JKSD = drawn(5, config.hidden), drawn(3, 4, 2, config.hidden)
    condition_R = torch.tensor([2, 0, 1, 2, 1])
    found_RD = norm(rows_RD, Shifts(table_JKSD, condition_R))
    for row, condition, found_D in zip(rows_RD, condition_R.tolist(), found_RD, strict=True):
        standard_D = (row - row.mean()) / (row.var(unbiased=False) + config.layer_norm_eps).sqrt()
        scale_D, shift_D = norm.weight + table_JKSD[condition, 2, 0], norm.bias + table_JKSD[condition, 2, 1]
        assert float((found_D - (standard_D * scale_D + shift_D)).abs().max().detach()) <= 1e-12


def test_offsets_are_each_tasks_vector_times_each_norms_two_matrices(config):
    norms = learned(Network(config, SPECS, conditions=CONDITIONS)).conditional
    shifts = norms(torch.tensor([4, 0, 1, 3]), torch.tensor([2, 1, 3, 1]))
    assert shifts.condition_R.tolist() == [2, 2, 0, 1, 1, 1, 0]
    assert not shifts.table_JKSD[0].any()
    matrices_KSDE = norms.offsets.weight.view(norms_of(config), 2, config.hidden, WIDTH)
    for row, name in ((1, "news"), (2, "mood")):
        expected_KSD = matrices_KSDE @ norms.vectors[name].weight[0]
        assert float((shifts.table_JKSD[row] - expected_KSD).abs().max().detach()) <= 1e-6


@pytest.mark.parametrize("norm", ["post", "pre"])
def test_every_norm_of_the_encoder_is_shifted_by_its_own_offsets(config, batch, norm):
    """Each sequence against a plain network whose norms hold the sums."""
    config = replace(config, norm=norm)
    network = learned(Network(config, SPECS, seed=3, conditions=CONDITIONS).eval())
    found = network(batch)
    table_JKSD = network.conditional(batch.conditions_N, batch.lengths_N).table_JKSD
    for place, row in enumerate((1, 2, 0)):  # the last selection is of sequences without offsets
        plain = Network(config, SPECS, seed=3).eval()
        norms = [module for module in plain.encoder.modules() if isinstance(module, Norm)]
        assert sorted(one.place for one in norms) == list(range(norms_of(config)))
        with torch.no_grad():
            for one in norms:
                one.weight += table_JKSD[row, one.place, 0]
                one.bias += table_JKSD[row, one.place, 1]
        assert difference([found[place]], [plain(batch)[place]]) <= 1e-5


def test_sequences_without_a_condition_get_the_plain_norms_bit_for_bit(config, network, batch):
    plain, found = Network(config, SPECS, seed=3).eval()(batch), learned(network)(batch)
    assert torch.equal(found[2], plain[2])
    assert not torch.equal(found[0], plain[0])
    without = learned(network)(replace(batch, conditions_N=None))
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(without, plain, strict=True))


def test_matrices_learn_in_the_first_step_vectors_in_the_second_and_conditions_then_differ(network, batch):
    vectors = [network.conditional.vectors[name].weight for name in ("news", "mood")]
    offsets = network.conditional.offsets.weight
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    sum((logits**2).sum() for logits in network(batch)).backward()
    rows_KSD = offsets.grad.abs().sum(1).view(norms_of(network.config), 2, -1)
    assert (rows_KSD.sum(2) > 0).all(), "a norm learns nothing"
    assert not any(vector.grad.any() for vector in vectors)
    optimizer.step()
    optimizer.zero_grad()
    sum((logits**2).sum() for logits in network(batch)).backward()
    assert all(vector.grad.any() for vector in vectors)
    here, other = network(batch)[0], network(replace(batch, conditions_N=torch.tensor([4, 4, 0, 2])))[0]
    assert not torch.equal(here, other)


@pytest.mark.parametrize("lengths", [(), (1,)])
def test_a_batch_without_conditions_leaves_the_graph_alive_with_zero_gradients(network, ragged, select, lengths):
    idle = [select(spec.name, []) for spec in SPECS]
    sum(logits.sum() for logits in network.train()(ragged(lengths, idle))).backward()
    assert all(p.grad is not None and not p.grad.any() for p in network.conditional.parameters())


def test_the_conditions_are_a_group_of_the_heads_of_their_tasks_and_rest_when_none_of_these_runs(network, batch):
    group = network.groups()[-1]
    assert (group.name, group.heads) == ("conditional", {"news", "mood"})
    assert {name for name, _ in group.parameters} == {
        "conditional.vectors.news.weight",
        "conditional.vectors.mood.weight",
        "conditional.offsets.weight",
    }
    network.active = ("plain",)
    calls = []
    network.conditional.register_forward_hook(lambda *_: calls.append(1))
    network(replace(batch, selections=batch.selections[2:]))
    assert not calls


def test_a_tasks_vector_is_drawn_alike_whatever_stands_beside_it_and_offsets_start_at_zero(config, network):
    alone = Network(config, SPECS, seed=3, conditions=CONDITIONS[1:])
    assert torch.equal(alone.conditional.vectors["mood"].weight, network.conditional.vectors["mood"].weight)
    assert network.conditional.vectors["mood"].weight.any()
    assert not network.conditional.offsets.weight.any()


def test_no_conditions_no_parameters(config, network):
    plain = Network(config, SPECS, seed=3)
    assert plain.conditions == ()
    names = {name for name, _ in plain.named_parameters()}
    assert {name for name, _ in network.named_parameters()} - names == {
        name for name, _ in network.named_parameters() if name.startswith("conditional.")
    }
    assert plain.state_dict().keys() == names


def test_norms_are_counted_as_the_encoder_has_them():
    for norm in ("post", "pre"):
        config = EncoderConfig(61, layers=5, hidden=16, heads=2, feed_forward=16, norm=norm)
        encoder = Network(config, SPECS).encoder
        assert norms_of(config) == sum(isinstance(module, Norm) for module in encoder.modules())
        assert ConditionalNorms(config, CONDITIONS).norms == norms_of(config)


def test_exported_conditions_come_back_and_the_public_file_stays_plain(network, batch, tmp_path):
    write_public(of_network(learned(network)), tmp_path)
    assert {"conditional.offsets.weight", "conditional.vectors.mood.weight"} <= set(read_safetensors(tmp_path / HEADS))
    assert not any("condition" in name for name in read_safetensors(tmp_path / "model.safetensors"))
    read = read_public(tmp_path)
    assert read.conditions == CONDITIONS
    again = Network(read.config, read.heads, seed=None, conditions=read.conditions).eval()
    report = load_into(again, read)
    assert (report.new, report.dropped) == ((), ())
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(again(batch), network(batch), strict=True))


def test_a_damaged_list_of_conditions_is_told_with_its_file(network, tmp_path):
    write_public(of_network(network), tmp_path)
    card = json.loads((tmp_path / CARD).read_text())
    (tmp_path / CARD).write_text(json.dumps({**card, "conditions": [{"name": "news"}]}))
    with pytest.raises(CheckpointError, match=CARD):
        read_public(tmp_path)
    assert (tmp_path / CONFIG).is_file()
