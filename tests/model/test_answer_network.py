"""The stochastic answer network. Oracle: the paper's formulae for one pair at a time, with torch's GRU written out."""

import pytest
import torch

from model.answer_network import AnswerNetwork, averaged
from model.initialise import initialise
from model.reading import Reading

WIDTH = 6


def network_of(kind="classification", size=3, steps=4, rate=0.0, seed=2):
    network = AnswerNetwork(kind, WIDTH, size, steps, rate)
    initialise(network, seed, deviation=0.7)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "bias" in name:
                parameter.copy_(torch.linspace(-0.5, 0.5, len(parameter)))
    return network.eval()


def gru(cell, given, state):
    """Cho et al. 2014, as torch writes it."""
    from_given = cell.weight_ih @ given + cell.bias_ih
    from_state = cell.weight_hh @ state + cell.bias_hh
    (reset_g, update_g, new_g), (reset_s, update_s, new_s) = from_given.chunk(3), from_state.chunk(3)
    reset, update = (reset_g + reset_s).sigmoid(), (update_g + update_s).sigmoid()
    return (1 - update) * (new_g + reset * new_s).tanh() + update * state


def step_by_step(network, premise, hypothesis):
    """The probabilities that each turn gives for one pair."""
    state = (hypothesis @ network.start.weight[0]).softmax(0) @ hypothesis
    found = []
    for _ in range(network.steps):
        read = (premise @ (network.attend.weight @ state)).softmax(0) @ premise
        features = torch.cat([state, read, (state - read).abs(), state * read])
        found.append((network.linear.weight @ features + network.linear.bias).softmax(0))
        state = gru(network.turn, read, state)
    return torch.stack(found)


def pairs(lengths, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [tuple(torch.randn(count, WIDTH, generator=generator) for count in pair) for pair in lengths]


def reading_of(texts):
    rows = torch.cat([text for pair in texts for text in pair])
    sides = torch.cat([torch.full((len(text),), side) for pair in texts for side, text in enumerate(pair)])
    return Reading(rows, torch.tensor([0, *(len(one) + len(other) for one, other in texts)]).cumsum(0), sides)


def test_what_it_says_is_the_mean_of_the_turns_of_the_paper():
    network, texts = network_of(), pairs([(3, 2), (1, 4), (5, 1)])
    shares = network(reading_of(texts)).softmax(1)
    expected = torch.stack([step_by_step(network, *pair).mean(0) for pair in texts])
    assert torch.allclose(shares, expected, atol=1e-6)
    first = torch.stack([step_by_step(network, *pair)[0] for pair in texts])
    assert (shares - first).abs().max() > 1e-2, "the turns must differ, or their mean says nothing"


def test_the_premise_is_read_and_the_hypothesis_asks():
    network, texts = network_of(), pairs([(3, 2)])
    turned = [(other, one) for one, other in texts]
    assert not torch.allclose(network(reading_of(texts)), network(reading_of(turned)), atol=1e-3)


def test_one_turn_needs_no_gru():
    network, texts = network_of(steps=1), pairs([(2, 2)])
    assert torch.allclose(network(reading_of(texts)).softmax(1)[0], step_by_step(network, *texts[0])[0], atol=1e-6)


def test_in_training_each_answer_is_the_mean_of_some_turns_never_of_none_and_in_answering_of_all():
    network, texts = network_of(rate=0.6), pairs([(3, 2)] * 200)
    texts = [texts[0]] * 200
    turns = step_by_step(network, *texts[0])
    network.train()
    network.dropout.p = 0.0  # only predictions are left out
    shares = network(reading_of(texts)).softmax(1).detach()
    subsets = [[k for k in range(4) if mask >> k & 1] for mask in range(1, 16)]
    means = torch.stack([turns[subset].mean(0) for subset in subsets]).detach()
    distances = (shares[:, None] - means).abs().amax(2)
    assert distances.amin(1).max() < 1e-5
    assert len(distances.argmin(1).unique()) > 5
    network.eval()
    assert torch.allclose(network(reading_of(texts)).softmax(1), turns.mean(0).expand(200, 3), atol=1e-6)


def test_of_classes_probabilities_are_averaged_of_labels_each_one_s_and_of_scores_the_scores():
    logits = [torch.tensor([[0.0, 2.0]]), torch.tensor([[4.0, -1.0]]), torch.tensor([[9.0, 9.0]])]
    kept = torch.tensor([[True, True, False]])
    shares = averaged("classification", logits, kept).softmax(1)
    assert torch.allclose(shares, (logits[0].softmax(1) + logits[1].softmax(1)) / 2)
    several = averaged("multilabel", logits, kept).sigmoid()
    assert torch.allclose(several, (logits[0].sigmoid() + logits[1].sigmoid()) / 2)
    assert torch.equal(averaged("regression", logits, kept), (logits[0] + logits[1]) / 2)


@pytest.mark.parametrize("kind", ["classification", "multilabel"])
def test_far_apart_logits_do_not_overflow(kind):
    logits = [torch.tensor([[300.0, -300.0]], requires_grad=True) for _ in range(2)]
    found = averaged(kind, logits, torch.ones(1, 2, dtype=torch.bool))
    found.sum().backward()
    assert found.isfinite().all()
    assert all(one.grad.isfinite().all() for one in logits)
