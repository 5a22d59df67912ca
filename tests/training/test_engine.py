"""One optimizer step under PlainEngine: what the gradient is, whatever the micro-batches."""

import numpy as np
import pytest
import torch
from torch import nn

from model.batch import FlatBatch, Selection
from training.batching import draw_step, flat_batch
from training.distributed import World
from training.engine import Autocast, MicroBatch, PlainEngine, Reader, weighted_loss
from training.optimizer import AdamW

STEP = 2


def gradient_of(toy, budget, dropout=0.0):
    """The step's whole gradient, its number of micro-batches and its sums S_k, accumulated at one budget."""
    mixture, net = toy.mixture("every"), toy.network(dropout)
    engine = toy.plain_engine(net, mixture)
    batches = [flat_batch(mixture, part) for part in draw_step(mixture, STEP, budget).parts]
    counts = np.sum([[s.count for s in batch.selections] for batch in batches], axis=0)
    coefficients = [w / c for w, c in zip(mixture.weights(STEP, 10), counts, strict=True)]
    sums = engine.accumulate([MicroBatch(batch, 0) for batch in batches], coefficients)
    gradient = torch.cat([p.grad.reshape(-1) for _, p in net.named_parameters()])
    return gradient, len(batches), sums


@pytest.mark.parametrize("budget", [150, 75, 45, 23])
def test_the_gradient_is_the_same_however_the_step_is_cut_into_micro_batches(toy, budget):
    """Oracle: the step as a single micro-batch. A mean of micro-batch means differs by some percent."""
    whole, one, sums = gradient_of(toy, 10_000)
    cut, many, cut_sums = gradient_of(toy, budget)
    assert one == 1
    assert many >= 200 // budget
    assert (cut - whole).norm() <= 1e-6 * whole.norm()
    assert cut_sums == pytest.approx(sums, rel=1e-6)


def test_micro_batches_of_the_test_above_are_many_and_unequal(toy):
    """Else it could not tell a global mean from a mean of means."""
    mixture = toy.mixture("every")
    for budget, fewest in ((75, 3), (23, 10)):
        batches = [flat_batch(mixture, part) for part in draw_step(mixture, STEP, budget).parts]
        assert len(batches) >= fewest
        assert len({batch.selections[0].count for batch in batches}) > 1


class Table(nn.Module):
    """Gives back fixed logits, one row of the table per selected row, times a parameter."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.register_buffer("table_T2", torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0], [3.0, 0.0]]))

    def forward(self, batch):
        return tuple(self.scale * self.table_T2[s.rows_M] for s in batch.selections)


def batch_of(*selections):
    one = torch.zeros(4, dtype=torch.int64)
    return FlatBatch(one, one, one, torch.tensor([0, 4]), selections)


def asks(rows, labels):
    return Selection("s", "o", "h", torch.tensor(rows, dtype=torch.int64), torch.tensor(labels, dtype=torch.int64))


def test_the_loss_is_the_sum_of_weighted_sums_over_counts(toy):
    """By hand: cross-entropies ln 2, ln(1 + 1/e) and ln(1 + e²), two questions weighing 0.5/2 and 3/1."""
    batch = batch_of(asks([0, 1], [0, 0]), asks([2], [0]))
    objectives = [toy.Parity("a"), toy.Parity("b")]
    loss, sums = weighted_loss(Table()(batch), batch, objectives, [0.5 / 2, 3 / 1])
    first, second = np.log(2) + np.log1p(np.exp(-1)), np.log1p(np.exp(2))
    assert [float(s) for s in sums] == pytest.approx([first, second])
    assert float(loss.detach()) == pytest.approx(0.5 * first / 2 + 3 * second)


def test_ignored_labels_neither_cost_nor_count(toy):
    whole, padded = batch_of(asks([0, 1], [0, 1])), batch_of(asks([0, 1, 3, 3], [0, 1, -100, -100]))
    assert padded.selections[0].count == whole.selections[0].count == 2
    losses = [weighted_loss(Table()(batch), batch, [toy.Parity("a")], [0.5])[0] for batch in (whole, padded)]
    assert float(losses[0].detach()) == float(losses[1].detach())


def test_a_question_without_rows_costs_nothing_and_keeps_its_place_in_the_graph(toy):
    net, batch = Table(), batch_of(asks([], []))
    loss, (total,) = weighted_loss(net(batch), batch, [toy.Parity("a")], [0.0])
    loss.backward()
    assert float(total) == 0.0
    assert float(net.scale.grad) == 0.0


class Group:
    name, heads = "all", None

    def __init__(self, module):
        self.parameters = tuple(module.named_parameters())


def engine_of(module, toy, **settings):
    return PlainEngine(module, [Group(module)], [toy.Parity("a")], AdamW(1.0, **settings), toy.ALONE, bf16=False)


@pytest.mark.parametrize("repeats", [1, 4])
def test_clipping_is_once_on_the_whole_steps_gradient(toy, repeats):
    """AdamW's first moment after a step is (1 - β₁) times the clipped gradient, whose norm is the bound.

    Clipped per micro-batch, four of them would add up to four times the bound.
    """
    net = Table()
    engine = engine_of(net, toy, clip=0.01, betas=(0.9, 0.98))
    turns = [MicroBatch(batch_of(asks([3], [1])), 0)] * repeats
    engine.accumulate(turns, [1.0])
    gradient = float(net.scale.grad)
    norm = engine.step(0.1, frozenset())
    assert norm == pytest.approx(abs(gradient))
    assert norm > 0.01 * repeats
    assert float(dict(engine.moments())["scale"].first) == pytest.approx(0.1 * 0.01, rel=1e-3)


@pytest.mark.parametrize("clip", [None, 1e6])
def test_a_gradient_below_the_bound_or_without_one_is_left_as_it_is(toy, clip):
    net = Table()
    engine = engine_of(net, toy, clip=clip)
    engine.accumulate([MicroBatch(batch_of(asks([3], [1])), 0)], [1.0])
    gradient = float(net.scale.grad)
    engine.step(0.1, frozenset())
    assert float(dict(engine.moments())["scale"].first) == pytest.approx(0.1 * gradient)


def test_gradients_do_not_leak_into_the_next_step(toy):
    net = Table()
    engine = engine_of(net, toy)
    turn = MicroBatch(batch_of(asks([3], [1])), 0)
    engine.accumulate([turn], [1.0])
    first = float(net.scale.grad)
    engine.step(0.0, frozenset())
    engine.accumulate([turn], [1.0])
    assert float(net.scale.grad) == pytest.approx(first)


def test_noise_depends_on_the_micro_batchs_seed_alone(toy):
    mixture = toy.mixture("every")
    batch = flat_batch(mixture, draw_step(mixture, 0, 10_000).parts[0])
    engine = toy.plain_engine(toy.network(dropout=0.5), mixture)

    def sums(seed):
        torch.rand(3)  # whatever else was drawn meanwhile
        return engine.accumulate([MicroBatch(batch, seed)], [1.0] * 4).tolist()

    assert sums(1) == sums(1)
    assert sums(1) != sums(2)


def test_inference_is_without_dropout_and_without_gradients_and_training_goes_on_after_it(toy):
    mixture = toy.mixture("every")
    batch = flat_batch(mixture, draw_step(mixture, 0, 10_000).parts[0])
    engine = toy.plain_engine(toy.network(dropout=0.5), mixture)
    turn = MicroBatch(batch, 7)
    before = engine.accumulate([turn], [1.0] * 4)
    first, second = engine.infer(batch), engine.infer(batch)
    assert all(torch.equal(a, b) and not a.requires_grad for a, b in zip(first, second, strict=True))
    assert engine.accumulate([turn], [1.0] * 4).tolist() == before.tolist()


def test_a_reader_answers_as_the_engine_does(toy):
    mixture = toy.mixture("every")
    batch = flat_batch(mixture, draw_step(mixture, 0, 10_000).parts[0])
    net = toy.network(dropout=0.5)
    expected = toy.plain_engine(net, mixture).infer(batch)
    found = Reader(net, toy.ALONE, bf16=False).infer(batch)
    assert all(torch.equal(a, b) for a, b in zip(expected, found, strict=True))


def test_autocast_runs_matrix_products_in_bf16_over_fp32_weights():
    layer, x = nn.Linear(3, 2), torch.ones(1, 3)
    assert Autocast(layer, torch.device("cpu"), bf16=True)(x).dtype == torch.bfloat16
    assert Autocast(layer, torch.device("cpu"), bf16=False)(x).dtype == torch.float32
    assert layer.weight.dtype == torch.float32


def test_a_world_of_one_sums_gathers_and_waits_by_itself():
    world = World(0, 1, torch.device("cpu"))
    assert world.sum(np.array([1.0, 2.0])).tolist() == [1.0, 2.0]
    assert world.gather("x") == ["x"]
    assert world.chief
    world.wait()
