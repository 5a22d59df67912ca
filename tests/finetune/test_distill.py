"""Learning from soft labels. Oracles: closed forms, torch's divergence, and cross-entropy at one-hot teachers."""

import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.special
import torch
import torch.nn.functional as F

from finetune.distill import Distill, TaughtSource, softened
from finetune.encoding.encode import encode_examples
from finetune.tasks.example import Example
from model.batch import Selection
from model.design import HeadDesign
from training.address import key_of

KEY = key_of("any")


@pytest.fixture
def encoded(single, tokenizer):
    examples = [Example(str(number), (word,), (), None) for number, word in enumerate(("ab", "c", "def"))]
    return encode_examples(single, "test", examples, tokenizer, 16)


def test_a_student_that_answers_as_its_teacher_costs_nothing(single):
    logits = torch.randn(5, 2)
    shares = (logits / 3.0).softmax(1)
    term = Distill(single, 3.0).term(logits, shares)
    assert float(term.sum) == pytest.approx(0.0, abs=1e-5)
    assert term.count == 5


def test_the_cost_is_the_divergence_times_the_squared_temperature(single):
    shares, logits = torch.randn(4, 2).softmax(1), torch.randn(4, 2)
    term = Distill(single, 2.0).term(logits, shares)
    known = 4.0 * F.kl_div((logits / 2.0).log_softmax(1), shares, reduction="sum")
    assert float(term.sum) == pytest.approx(float(known), rel=1e-5)


def test_a_teacher_without_doubt_at_temperature_1_is_a_label(single):
    logits, labels = torch.randn(6, 2), torch.tensor([0, 1, 1, 0, 0, 1])
    term = Distill(single, 1.0).term(logits, F.one_hot(labels, 2).float())
    assert float(term.sum) == pytest.approx(float(F.cross_entropy(logits, labels, reduction="sum")), rel=1e-5)


def test_the_gradient_is_of_one_size_at_every_high_temperature(single):
    """Hinton et al. 2015, equation 4: with logits of mean 0 it tends to the difference of the logits over C."""
    teacher, student = torch.tensor([[1.0, -1.0]]), torch.tensor([[0.5, -0.5]])
    for temperature in (100.0, 1000.0):
        logits = student.clone().requires_grad_(True)
        shares = (teacher.double() / temperature).softmax(1).float()
        Distill(single, temperature).term(logits, shares).sum.backward()
        assert logits.grad[0].tolist() == pytest.approx([-0.25, 0.25], rel=2e-2)


def test_rows_that_nobody_answered_neither_count_nor_pull(single):
    logits = torch.randn(3, 2, requires_grad=True)
    shares = torch.tensor([[0.25, 0.75], [-100.0, -100.0], [0.5, 0.5]])
    term = Distill(single, 2.0).term(logits, shares)
    term.sum.backward()
    assert term.count == Selection("s", "o", "h", torch.arange(3), shares).count == 2
    assert logits.grad[1].abs().sum() == 0
    assert (logits.grad[[0, 2]].abs().sum(1) > 0).all()


def test_no_rows_cost_nothing_and_keep_the_graph_alive(single):
    logits = torch.zeros(0, 2, requires_grad=True)
    term = Distill(single, 2.0).term(logits, torch.empty(0, dtype=torch.int64))
    term.sum.backward()
    assert (float(term.sum.detach()), term.count) == (0.0, 0)
    assert logits.grad is not None


def test_softening_shares_is_softening_their_logits():
    logits = np.random.default_rng(1).normal(size=(7, 4)) * 5
    shares = scipy.special.softmax(logits, axis=1)
    assert softened(shares, 2.5) == pytest.approx(scipy.special.softmax(logits / 2.5, axis=1), abs=1e-12)
    assert softened(np.array([1.0, 0.0]), 1.0).tolist() == pytest.approx([1.0, 0.0], abs=1e-12)
    assert math.isclose(float(softened(shares, 1e9)[0].max()), 0.25, abs_tol=1e-6)


@pytest.mark.parametrize("pool", ["row", "concat"])
def test_each_example_brings_its_own_shares_however_its_head_reads(single, tokenizer, encoded, pool):
    spec = replace(single, design=HeadDesign(pool=pool))
    encoded = replace(encoded, spec=spec)
    shares = np.array([[0.1, 0.9], [0.2, 0.8], [0.3, 0.7]], dtype=np.float32)
    source = TaughtSource(encoded, shares)
    draws = np.arange(6)
    sequences, rows = Distill(spec, 2.0).apply(source.draw(draws, KEY), KEY)
    first = [int(sequences.tokens_T[start + 1]) for start in sequences.offsets_N1[:-1]]
    letters = [tokenizer.piece(token) for token in first]
    known = {"a": 0.1, "c": 0.2, "d": 0.3}
    assert rows.labels_M[:, 0].tolist() == pytest.approx([known[letter] for letter in letters])
    assert sorted(letters[:3]) == sorted(letters[3:]) == ["a", "c", "d"]
    assert (rows.runs_P1 is None) == (pool == "row")
    assert source.lengths(draws, KEY).tolist() == sequences.lengths_N.tolist()


def test_before_the_teachers_were_asked_nothing_counts(single, encoded):
    _, rows = Distill(single, 2.0).apply(TaughtSource(encoded).draw(np.arange(3), KEY), KEY)
    labels = torch.from_numpy(rows.labels_M)
    assert Selection("s", "o", "h", torch.from_numpy(rows.rows_M), labels).count == 0
