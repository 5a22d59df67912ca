"""Oracle: the losses written out by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from finetune.encoding.encode import encode_examples
from finetune.objectives import Classification, Regression, Tagging, objective_of
from finetune.tasks.example import Example
from training.address import key_of

KEY = key_of("any")


def test_a_class_read_off_the_first_token_costs_ln_2_where_two_logits_are_equal(single, tokenizer):
    examples = [Example("0", ("abc",), (), "sad"), Example("1", ("d",), (), "glad")]
    sequences = encode_examples(single, "train", examples, tokenizer, 16).take(np.arange(2), np.arange(2))
    objective = objective_of(single)
    same, rows = objective.apply(sequences, KEY)
    assert same is sequences
    assert sequences.tokens_T[rows.rows_M].tolist() == [tokenizer.cls] * 2
    term = objective.term(torch.zeros(2, 2), torch.from_numpy(rows.labels_M))
    assert float(term.sum) == pytest.approx(2 * math.log(2))
    assert (term.count, objective.name, objective.head) == (2, "classification", "mood")


def test_a_score_is_compared_on_the_unit_interval(pair, tokenizer):
    examples = [Example("0", ("a", "b"), (), 5.0), Example("1", ("a", "b"), (), 2.5)]
    sequences = encode_examples(pair, "train", examples, tokenizer, 16).take(np.arange(2), np.arange(2))
    objective = objective_of(pair)
    _, rows = objective.apply(sequences, KEY)
    assert rows.labels_M.tolist() == [1.0, 0.5]
    assert rows.labels_M.dtype == np.float32
    term = objective.term(torch.tensor([[0.0], [1.0]]), torch.from_numpy(rows.labels_M))
    assert (float(term.sum), term.count) == (1.25, 2)


def test_a_tag_is_read_off_the_first_piece_of_its_word(tagging, tokenizer):
    examples = [Example("0", (), ("ab", "c"), ("B-PER", "O"))]
    sequences = encode_examples(tagging, "train", examples, tokenizer, 16).take(np.arange(1), np.arange(1))
    _, rows = objective_of(tagging).apply(sequences, KEY)
    assert (rows.rows_M.tolist(), rows.labels_M.tolist()) == ([1, 3], [1, 0])


def test_several_labels_cost_ln_2_each_where_all_logits_are_0_and_a_row_their_mean(multilabel, tokenizer):
    examples = [Example("0", ("abc",), (), ("art",)), Example("1", ("d",), (), ())]
    sequences = encode_examples(multilabel, "train", examples, tokenizer, 16).take(np.arange(2), np.arange(2))
    objective = objective_of(multilabel)
    _, rows = objective.apply(sequences, KEY)
    term = objective.term(torch.zeros(2, 3), torch.from_numpy(rows.labels_M))
    assert float(term.sum) == pytest.approx(2 * math.log(2))
    assert (term.count, objective.name, objective.head) == (2, "multilabel", "topics")


def test_several_labels_cost_what_torch_says_and_an_ignored_row_nothing(multilabel):
    logits = torch.randn(4, 3, requires_grad=True)
    labels = torch.tensor([[1.0, 0, 1], [0, 0, 0], [-100, -100, -100], [1, 1, 1]])
    term = objective_of(multilabel).term(logits, labels)
    known = F.binary_cross_entropy_with_logits(logits[[0, 1, 3]], labels[[0, 1, 3]]) * 3
    assert float(term.sum.detach()) == pytest.approx(float(known.detach()), abs=1e-6)
    term.sum.backward()
    assert term.count == 3
    assert logits.grad[2].abs().sum() == 0


def test_no_rows_of_several_labels_cost_nothing_and_keep_the_graph_alive(multilabel):
    logits = torch.zeros(0, 3, requires_grad=True)
    term = objective_of(multilabel).term(logits, torch.empty(0, dtype=torch.int64))
    assert (float(term.sum.detach()), term.count) == (0.0, 0)
    term.sum.backward()


def test_a_task_answered_by_another_head_is_trained_on_that_head(single):
    assert objective_of(replace(single, head="other")).head == "other"


@pytest.fixture(params=["single", "pair", "tagging"])
def spec(request):
    return request.getfixturevalue(request.param)


def test_no_rows_cost_nothing_and_keep_the_graph_alive(spec):
    logits = torch.zeros(0, spec.outputs, requires_grad=True)
    term = objective_of(spec).term(logits, torch.empty(0, dtype=torch.int64))
    assert (float(term.sum.detach()), term.count) == (0.0, 0)
    term.sum.backward()
    assert logits.grad.shape == logits.shape


def test_a_row_marked_as_ignored_neither_counts_nor_pulls(spec):
    logits = torch.randn(3, spec.outputs, requires_grad=True)
    labels = torch.tensor([1.0, -100.0, 0.0]) if spec.kind == "regression" else torch.tensor([1, -100, 0])
    term = objective_of(spec).term(logits, labels)
    term.sum.backward()
    assert term.count == 2
    assert logits.grad[1].abs().sum() == 0
    assert logits.grad[0].abs().sum() > 0


def test_the_sum_is_taken_in_float32_under_half_precision_logits(spec):
    labels = torch.full((300,), 0.5) if spec.kind == "regression" else torch.zeros(300, dtype=torch.int64)
    logits = torch.randn(300, spec.outputs).bfloat16()
    half, full = (objective_of(spec).term(kind, labels).sum for kind in (logits, logits.float()))
    assert half.dtype == torch.float32
    assert torch.equal(half, full)


def test_shapes_say_what_an_objective_can_read():
    assert "pair" in Classification.shapes
    assert "pair" in Regression.shapes
    assert Tagging.shapes == ("sentence",)
