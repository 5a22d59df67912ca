"""Heads that answer once a run. Oracles: closed forms on small numbers, runs one by one, and their order."""

import pytest
import torch

from model.config import EncoderConfig, HeadSpec
from model.design import HeadDesign
from model.heads import build_head
from model.initialise import initialise
from model.pooling_heads import AttentionHead, ConcatHead
from model.reading import Reading
from model.runs import Runs, runs_of

WIDTH, CLASSES = 8, 3
POOLS = ("concat", "attention", "san", "siamese")
KINDS = {"classification": CLASSES, "multilabel": CLASSES, "regression": 1, "ranking": 1}
LENGTHS = (4, 7, 2, 5)


def head_of(pool, kind="classification", dropout=0.0, seed=3):
    config = EncoderConfig(11, layers=1, hidden=WIDTH, heads=2, feed_forward=8, dropout=dropout)
    spec = HeadSpec("task", kind, KINDS[kind], HeadDesign(pool=pool, steps=3))
    head = build_head(spec, config, torch.empty(11, WIDTH))
    initialise(head, seed, deviation=0.5)
    return head.eval()


def reading_of(lengths, seed=0):
    """Runs whose first two thirds, at least one row, are of side 0, and the others, at least one, of side 1."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(sum(lengths), WIDTH, generator=generator)
    sides = [torch.arange(length) >= max(1, min(length - 1, 2 * length // 3)) for length in lengths]
    return Reading(rows, torch.tensor([0, *lengths]).cumsum(0), torch.cat(sides).long())


def run_of(reading, place):
    rows = slice(reading.runs_P1[place], reading.runs_P1[place + 1])
    length = reading.runs_P1[place + 1] - reading.runs_P1[place]
    return Reading(reading.rows_MD[rows], torch.tensor([0, int(length)]), reading.sides_M[rows])


def test_a_concatenation_is_the_first_row_the_maximum_and_the_mean():
    head = ConcatHead(2, 6, rate=0.0)
    with torch.no_grad():
        head.linear.weight.copy_(torch.eye(6))
        head.linear.bias.zero_()
    rows = torch.tensor([[1.0, -2.0], [3.0, -8.0], [2.0, -5.0], [7.0, 0.0]])
    logits = head(Reading(rows, torch.tensor([0, 3, 4]), torch.zeros(4, dtype=torch.int64)))
    expected = torch.tensor([[1.0, -2, 3, -2, 2, -5], [7.0, 0, 7, 0, 7, 0]])
    assert torch.equal(logits, expected)


def test_attention_weights_the_rows_of_a_run_by_the_softmax_of_their_scores():
    head = AttentionHead(2, 2, rate=0.0)
    with torch.no_grad():
        head.score.weight.copy_(torch.tensor([[1.0, 0.0]]))
        head.linear.weight.copy_(torch.eye(2))
        head.linear.bias.zero_()
    ln3 = torch.log(torch.tensor(3.0)).item()
    rows = torch.tensor([[0.0, 4.0], [ln3, 8.0], [500.0, 1.0], [500.0, 3.0]])
    logits = head(Reading(rows, torch.tensor([0, 2, 4]), torch.zeros(4, dtype=torch.int64)))
    expected = torch.tensor([[0.75 * ln3, 0.25 * 4 + 0.75 * 8], [500.0, 2.0]])  # 500 would overflow without the maximum
    assert torch.allclose(logits, expected)


def test_pooled_numbers_equal_torch_s_of_each_run_and_so_do_their_gradients():
    reading = reading_of(LENGTHS)
    rows = reading.rows_MD.requires_grad_()
    runs, parts = Runs(rows, torch.tensor(LENGTHS)), rows.split(LENGTHS)
    scores = rows[:, 0]
    ours = torch.cat([runs.sum(rows), runs.mean(), runs.max(), runs.attended(scores)])
    shares = [part.softmax(0) for part in scores.split(LENGTHS)]
    theirs = torch.cat(
        [
            torch.stack([part.sum(0) for part in parts]),
            torch.stack([part.mean(0) for part in parts]),
            torch.stack([part.max(0).values for part in parts]),
            torch.stack([share @ part for share, part in zip(shares, parts, strict=True)]),
        ]
    )
    assert torch.allclose(ours, theirs, atol=1e-6)
    weights = torch.randn_like(ours)
    mine, other = (torch.autograd.grad((value * weights).sum(), rows, retain_graph=True)[0] for value in (ours, theirs))
    assert torch.allclose(mine, other, atol=1e-5)


def test_a_side_without_rows_is_zero():
    reading = Reading(torch.ones(3, 2), torch.tensor([0, 1, 3]), torch.tensor([0, 0, 1]))
    other = runs_of(reading, 1)
    assert other.lengths_P.tolist() == [0, 1]
    assert other.mean().tolist() == [[0.0, 0.0], [1.0, 1.0]]
    assert other.attended(other.rows_MD[:, 0]).tolist() == [[0.0, 0.0], [1.0, 1.0]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pool", POOLS)
def test_an_answer_depends_neither_on_the_runs_beside_it_nor_on_their_order(pool, kind):
    head, reading = head_of(pool, kind), reading_of(LENGTHS)
    together = head(reading)
    alone = torch.cat([head(run_of(reading, place)) for place in range(len(LENGTHS))])
    assert together.shape == (len(LENGTHS), KINDS[kind])
    assert torch.allclose(together, alone, atol=1e-6)
    turned = [run_of(reading, place) for place in (2, 0, 3, 1)]
    rows, sides = (torch.cat([getattr(run, name) for run in turned]) for name in ("rows_MD", "sides_M"))
    offsets = torch.tensor([0, *(len(run.rows_MD) for run in turned)]).cumsum(0)
    assert torch.allclose(head(Reading(rows, offsets, sides)), together[[2, 0, 3, 1]], atol=1e-6)


@pytest.mark.parametrize("pool", POOLS)
def test_every_row_of_a_run_reaches_its_answer_and_no_other(pool):
    head, reading = head_of(pool), reading_of(LENGTHS)
    rows = reading.rows_MD.requires_grad_()
    weights = torch.randn(CLASSES, generator=torch.Generator().manual_seed(1))
    (gradient,) = torch.autograd.grad((head(reading)[1] * weights).sum(), rows)
    touched = gradient.abs().sum(1) > 0
    assert touched.tolist() == [False] * 4 + [True] * 7 + [False] * 7


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pool", POOLS)
def test_no_runs_give_no_answers_and_every_weight_a_gradient_of_zero(pool, kind):
    head = head_of(pool, kind).train()
    rows = torch.zeros(0, WIDTH, requires_grad=True)
    logits = head(Reading(rows, torch.zeros(1, dtype=torch.int64), torch.zeros(0, dtype=torch.int64)))
    assert logits.shape == (0, KINDS[kind])
    logits.sum().backward()
    assert all(parameter.grad is not None for parameter in head.parameters())
    assert not any(parameter.grad.any() for parameter in head.parameters())
    assert rows.grad is not None


@pytest.mark.parametrize("pool", POOLS)
def test_a_head_works_on_half_precision_rows_and_under_autocast(pool):
    head, reading = head_of(pool), reading_of(LENGTHS)
    plain = head(reading)
    half = Reading(reading.rows_MD.bfloat16(), reading.runs_P1, reading.sides_M)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = head(half)
    assert torch.allclose(cast.float(), plain, atol=0.1)
