"""Objectives of rows that are answered together. Oracles: closed forms, torch, and the heads of transformers."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from finetune.encoding.encode import encode_examples
from finetune.encoding.encoded import ENDS, STARTS
from finetune.objectives import objective_of
from finetune.tasks.example import Example, Span
from model.batch import Selection
from training.address import key_of

KEY = key_of("any")
GROUPED = ("ranking", "choice", "span")


@pytest.fixture(params=["ranking", "choice"])
def candidates(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(params=GROUPED)
def spec(request):
    return request.getfixturevalue(request.param)


def count_of(labels, groups):
    return Selection("s", "o", "h", torch.arange(len(labels)), labels, groups).count


def test_equal_scores_cost_the_logarithm_of_the_number_of_candidates(candidates):
    groups = torch.tensor([0, 2, 7])
    labels = torch.tensor([0, 1, 0, 0, 1, 0, 0])
    term = objective_of(candidates).term(torch.full((7, 1), 3.0), labels, groups)
    assert float(term.sum) == pytest.approx(math.log(2) + math.log(5))
    assert term.count == count_of(labels, groups) == 2


def test_candidates_cost_as_much_as_a_class_among_as_many(candidates):
    scores, right = torch.randn(4, 5), torch.tensor([0, 4, 2, 2])
    labels = F.one_hot(right, 5).flatten()
    term = objective_of(candidates).term(scores.view(-1, 1), labels, torch.arange(0, 21, 5))
    assert float(term.sum) == pytest.approx(float(F.cross_entropy(scores, right, reduction="sum")), abs=1e-5)


def test_a_group_s_cost_does_not_depend_on_longer_groups_beside_it(candidates):
    scores, labels = torch.randn(9, 1), torch.tensor([0, 1, 0, 0, 0, 0, 1, 1, 0])
    objective = objective_of(candidates)
    alone = [
        objective.term(scores[a:b], labels[a:b], torch.tensor([0, b - a])).sum for a, b in ((0, 2), (2, 7), (7, 9))
    ]
    whole = objective.term(scores, labels, torch.tensor([0, 2, 7, 9]))
    assert float(whole.sum) == pytest.approx(float(sum(alone)), abs=1e-6)


def test_the_rows_of_an_item_are_one_group(candidates, tokenizer):
    examples = [
        Example("0", (), (), 1, (("a", "b"), ("a", "c"))),
        Example("1", (), (), 0, (("d", "e"), ("d", "f"), ("d", "g"))),
    ]
    encoded = encode_examples(candidates, "train", examples, tokenizer, 16)
    objective = objective_of(candidates)
    sequences, rows = objective.apply(encoded.take(np.array([1, 0]), np.array([3, 4])), KEY)
    assert sequences.tokens_T[rows.rows_M].tolist() == [tokenizer.cls] * 5
    assert rows.groups_G1.tolist() == [0, 3, 5]
    assert rows.labels_M.tolist() == [1, 0, 0, 0, 1]
    assert (objective.name, objective.head) == (candidates.kind, candidates.name)


def test_a_span_is_read_off_cls_and_the_context(span, tokenizer):
    examples = [Example(str(n), ("q", "ab cd"), (), (Span("cd", 3),)) for n in range(2)]
    encoded = encode_examples(span, "train", examples, tokenizer, 16)
    _, rows = objective_of(span).apply(encoded.take(np.arange(2), np.arange(2)), KEY)
    assert rows.rows_M.tolist() == [0, 3, 4, 5, 6, 8, 11, 12, 13, 14]
    assert rows.labels_M.tolist() == [0, 0, 0, STARTS, ENDS] * 2
    assert rows.groups_G1.tolist() == [0, 5, 10]


def test_equal_scores_of_a_window_cost_the_logarithm_of_its_rows(span):
    labels = torch.tensor([0, STARTS, 0, ENDS, STARTS | ENDS, 0])
    groups = torch.tensor([0, 4, 6])
    term = objective_of(span).term(torch.zeros(6, 2), labels, groups)
    assert float(term.sum) == pytest.approx(math.log(4) + math.log(2))
    assert term.count == count_of(labels, groups) == 2


def test_a_span_costs_the_mean_of_its_start_and_its_end(span):
    logits = torch.randn(6, 2)
    labels = torch.tensor([0, 0, STARTS, 0, ENDS, 0])
    term = objective_of(span).term(logits, labels, torch.tensor([0, 6]))
    known = (F.cross_entropy(logits[:, 0], torch.tensor(2)) + F.cross_entropy(logits[:, 1], torch.tensor(4))) / 2
    assert float(term.sum) == pytest.approx(float(known), abs=1e-6)


@pytest.mark.parametrize("groups", [None, [0]])
def test_no_groups_cost_nothing_and_keep_the_graph_alive(spec, groups):
    logits = torch.zeros(0, spec.outputs, requires_grad=True)
    nothing = torch.empty(0, dtype=torch.int64)
    term = objective_of(spec).term(logits, nothing, None if groups is None else torch.tensor(groups))
    assert (float(term.sum.detach()), term.count) == (0.0, 0)
    term.sum.backward()
    assert logits.grad.shape == logits.shape


def test_an_ignored_group_neither_counts_nor_pulls(spec):
    right = STARTS | ENDS if spec.kind == "span" else 1
    logits = torch.randn(7, spec.outputs, requires_grad=True)
    labels, groups = torch.tensor([right, 0, -100, -100, -100, 0, right]), torch.tensor([0, 2, 5, 7])
    term = objective_of(spec).term(logits, labels, groups)
    term.sum.backward()
    assert term.count == count_of(labels, groups) == 2
    assert logits.grad[2:5].abs().sum() == 0
    assert (logits.grad[[0, 1, 5, 6]].abs().sum(1) > 0).all()


def test_the_sum_is_taken_in_float32_under_half_precision_logits(spec):
    right = STARTS | ENDS if spec.kind == "span" else 1
    logits = torch.randn(300, spec.outputs).bfloat16()
    labels = torch.tensor([right, 0, 0] * 100)
    half, full = (
        objective_of(spec).term(kind, labels, torch.arange(0, 301, 3)).sum for kind in (logits, logits.float())
    )
    assert half.dtype == torch.float32
    assert torch.equal(half, full)
