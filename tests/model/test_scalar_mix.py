"""The learned mean of the layers: its formula, that it learns, and what it leaves alone."""

import math

import pytest
import torch

from model.batch import FlatBatch
from model.config import EncoderConfig, HeadSpec
from model.design import HeadDesign
from model.network import Network
from model.public import of_network, read_public, write_public
from model.public_load import load_into
from model.scalar_mix import ScalarMix, mixes_in

MIX, BESIDE = HeadDesign(layers="mix"), HeadDesign(layers="beside_words")
LENGTHS = (5, 3, 7)
FIRST = (0, 5, 8)


def network(config: EncoderConfig, design: HeadDesign, kind: str = "classification") -> Network:
    net = Network(config, [HeadSpec("task", kind, 3, design)], seed=1)
    for group in net.groups():
        for _, parameter in group.parameters:
            parameter.requires_grad_(group.name == "head:task")
    return net


def layers_of(net: Network, batch: FlatBatch, rows: list[int]) -> torch.Tensor:
    """The rows of every layer, by hooks on the blocks."""
    found: list[torch.Tensor] = []
    modules = [net.encoder.embeddings, *net.encoder.blocks]
    hooks = [module.register_forward_hook(lambda _m, _i, out: found.append(out)) for module in modules]
    net.encoder(batch, net._implementation(torch.device("cpu")))
    for hook in hooks:
        hook.remove()
    return torch.stack(found)[:, rows]


def test_the_mix_is_gamma_times_the_mean_by_shares() -> None:
    mix = ScalarMix(3)
    with torch.no_grad():
        mix.scores.copy_(torch.tensor([0.0, math.log(2.0), math.log(5.0)]))  # shares 1/8, 2/8, 5/8
        mix.gamma.fill_(4.0)
    layers_KMD = torch.tensor([[[8.0, 0.0]], [[0.0, 4.0]], [[1.0, 1.0]]])
    assert torch.allclose(mix(layers_KMD), torch.tensor([[4 * (8 / 8 + 5 / 8), 4 * (8 / 8 + 5 / 8)]]))


def test_a_new_mix_is_the_plain_mean_of_the_embeddings_and_all_blocks(config, ragged, select) -> None:
    net = network(config, MIX).eval()
    batch = ragged(LENGTHS, [select("task", FIRST)])
    (logits_MC,) = net(batch)
    head = net.heads["task"].head.linear
    assert torch.allclose(logits_MC, head(layers_of(net, batch, list(FIRST)).mean(0)), atol=1e-6)


def test_shares_learn_and_sum_to_one_and_the_frozen_encoder_stays_bit_for_bit(config, ragged, select) -> None:
    net = network(config, MIX)
    before = {name: value.clone() for name, value in net.encoder.state_dict().items()}
    batch = ragged(LENGTHS, [select("task", FIRST)])
    optimizer = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(batch)[0], torch.tensor([0, 1, 2])).backward()
        mix = net.heads["task"].mixes["input"]
        assert mix.scores.grad.abs().min() > 0
        assert mix.gamma.grad.abs() > 0
        optimizer.step()
    learned = mixes_in(net.state_dict())["task"]["input"]
    assert len(learned.shares_K) == config.layers + 1
    assert sum(learned.shares_K) == pytest.approx(1.0)
    assert max(learned.shares_K) > 1.01 / (config.layers + 1)
    assert learned.gamma != 1.0
    for name, value in net.encoder.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_beside_words_reads_the_word_embedding_before_the_last_layer(config, ragged, select) -> None:
    net = network(config, BESIDE, "tagging").eval()
    batch = ragged(LENGTHS, [select("task", (1, 2, 6))])
    (logits_MC,) = net(batch)
    words_MD = net.encoder.embeddings.word.weight[batch.tokens_T[[1, 2, 6]]]
    last_MD = layers_of(net, batch, [1, 2, 6])[-1]
    assert torch.allclose(logits_MC, net.heads["task"].head.linear(torch.cat([words_MD, last_MD], 1)), atol=1e-6)


@pytest.mark.parametrize("design", [MIX, BESIDE], ids=str)
def test_no_rows_keep_every_parameter_of_the_head_in_the_graph(config, ragged, select, design) -> None:
    net = network(config, design)
    net(ragged(LENGTHS, [select("task", ())]))[0].sum().backward()
    assert all(parameter.grad is not None for parameter in net.heads["task"].parameters())


def test_a_head_that_mixes_is_written_and_read_with_its_design(config, ragged, select, tmp_path) -> None:
    net = network(config, MIX).eval()
    write_public(of_network(net), tmp_path)
    public = read_public(tmp_path)
    again = Network(public.config, public.heads, seed=None).eval()
    load_into(again, public)
    batch = ragged(LENGTHS, [select("task", FIRST)])
    assert torch.equal(net(batch)[0], again(batch)[0])
