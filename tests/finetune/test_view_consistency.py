"""Cross-view training: which view sees what, who learns from whom, and what it costs."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from finetune.tasks.spec import TaskSpec
from finetune.view_consistency import ViewConsistency
from model.batch import IGNORED
from model.config import EncoderConfig, HeadSpec
from model.kinds import BOTH, LEFT, RIGHT, WINDOW
from model.network import Network
from model.views_head import VIEWS
from training.address import key_of
from training.batching import empty_selection, lay_flat, selection_of
from training.objective import Rows
from training.sequences import Sequences, offsets_of

KEY = key_of("views")
TOPIC = TaskSpec("topic", "classification", ("text",), "label", {}, labels=("sea", "land", "air"))
NAMES = TaskSpec("names", "tagging", ("words",), "tags", {}, labels=("O", "B-PER", "I-PER"))
LENGTHS, STARTS = (9, 6), (1, 2, 4, 7, 10, 13)
LAYERS, WINDOW_OF_TEST = 2, 1


def text(tokens_T=None):
    """Two sequences, words beginning at some of their tokens."""
    count = sum(LENGTHS)
    tokens_T = np.arange(count) + 5 if tokens_T is None else tokens_T
    marks_T = np.full(count, IGNORED)
    marks_T[list(STARTS)] = 0
    maskable_T = np.ones(count, dtype=np.bool_)
    offsets_N1, draws_N = offsets_of(np.array(LENGTHS)), np.array([7, 8])
    return Sequences(tokens_T, np.zeros_like(tokens_T), maskable_T, offsets_N1, draws_N, row_labels_T=marks_T)


def network(dropout=0.0):
    config = EncoderConfig(64, LAYERS, hidden=16, heads=2, feed_forward=32, positions=16, dropout=dropout)
    heads = [
        HeadSpec("topic", "classification", 3),
        HeadSpec("names", "tagging", 3),
        HeadSpec("topic-views", "views", 3),
        HeadSpec("names-views", "views", 3),
    ]
    return Network(config, heads, seed=3)


def batch_of(objective, sequences):
    viewed, rows = objective.apply(sequences, KEY)
    idle = [
        empty_selection("other", other)
        for other in (ViewConsistency(TOPIC, VIEWS, 1), ViewConsistency(NAMES, VIEWS, 1))
    ]
    own = selection_of("text", objective, rows, 0)
    labels = own.rows_M[:0]
    heads = [type(own)("task", "task", name, labels, labels) for name in ("topic", "names")]
    return lay_flat([viewed], (own, *idle, *heads))


def logits_of(net, objective, tokens_T=None):
    """(U, V, C) of the full and the restricted views."""
    logits_MC = net(batch_of(objective, text(tokens_T)))[0]
    return logits_MC.unflatten(0, (-1, 1 + len(objective.views)))


@pytest.fixture(params=[TOPIC, NAMES], ids=["classification", "tagging"])
def objective(request):
    return ViewConsistency(request.param, VIEWS, WINDOW_OF_TEST)


def test_each_sequence_becomes_one_item_of_the_full_view_and_each_restricted_one(objective):
    viewed, _ = objective.apply(text(), KEY)
    assert viewed.lengths_N.tolist() == [9] * 4 + [6] * 4
    assert viewed.draws_N.tolist() == [7] * 4 + [8] * 4
    assert viewed.kinds_N.tolist() == [BOTH, LEFT, RIGHT, WINDOW] * 2
    assert viewed.reaches_N.tolist() == [0, 0, 0, WINDOW_OF_TEST] * 2
    copies = np.split(viewed.tokens_T, viewed.offsets_N1[1:-1])
    assert all(np.array_equal(copies[place], copies[place // 4 * 4]) for place in range(8))
    assert objective.growth == 4 >= len(viewed.tokens_T) / sum(LENGTHS)


@pytest.mark.parametrize("condition", [0, 2])
def test_every_view_is_normalised_under_the_tasks_own_condition(condition):
    viewed, _ = ViewConsistency(replace(TOPIC, condition=condition), VIEWS, 1).apply(text(), KEY)
    assert (viewed.conditions_N is None) if not condition else viewed.conditions_N.tolist() == [condition] * 8


def test_a_class_is_read_at_the_first_token_of_the_full_view_and_at_the_middle_of_the_others():
    _, rows = ViewConsistency(TOPIC, VIEWS, 1).apply(text(), KEY)
    assert rows.rows_M.tolist() == [0, 9 + 4, 18 + 4, 27 + 4, 36, 42 + 3, 48 + 3, 54 + 3]
    assert rows.sides_M.tolist() == [0, 1, 2, 3] * 2
    assert rows.groups_G1.tolist() == [0, 4, 8]


def test_a_tag_is_read_at_its_words_first_piece_in_every_view():
    _, rows = ViewConsistency(NAMES, ("right", "near"), 1).apply(text(), KEY)
    first, second = [place for place in STARTS if place < 9], [place - 9 for place in STARTS if place >= 9]
    expected = [[place, 9 + place, 18 + place] for place in first]
    expected += [[27 + place, 33 + place, 39 + place] for place in second]
    assert rows.rows_M.tolist() == [row for group in expected for row in group]
    assert rows.sides_M.tolist() == [0, 2, 3] * len(STARTS)


@pytest.mark.parametrize("place", range(9))
def test_changing_a_token_changes_exactly_the_views_that_see_it(place):
    """Of the first sequence, read at token 4: left sees 0-4, right 4-8, near 2-6 through two blocks."""
    net, objective = network().eval(), ViewConsistency(TOPIC, VIEWS, WINDOW_OF_TEST)
    changed_T = text().tokens_T.copy()
    changed_T[place] = 60
    with torch.no_grad():
        difference_UV = (logits_of(net, objective, changed_T) - logits_of(net, objective)).abs().amax(-1)
    sees = [True, place <= 4, place >= 4, abs(place - 4) <= LAYERS * WINDOW_OF_TEST]
    assert (difference_UV[0] > 0).tolist() == sees
    assert difference_UV[1].max() == 0


def test_the_full_view_answers_as_the_tasks_own_head_does(objective):
    net = network().eval()
    batch = lay_flat([text()], (selection_of("x", _Plain(objective), _Plain(objective).rows(), 0),))
    with torch.no_grad():
        assert torch.allclose(logits_of(net, objective)[:, 0], net(batch)[0], atol=1e-6)


class _Plain:
    """The task's own reading of the text."""

    name = guide = ""

    def __init__(self, objective):
        self.head, self._tagging = objective.spec.name, objective.spec.kind == "tagging"

    def rows(self):
        rows_M = np.array(STARTS) if self._tagging else np.array([0, 9])
        return Rows(rows_M, np.zeros(len(rows_M), dtype=np.int64))


def gradients(net, loss):
    net.zero_grad()
    loss.backward()
    return {name: p.grad.clone() for name, p in net.named_parameters() if p.grad is not None}


def test_no_gradient_flows_on_the_teachers_path(objective):
    """Not a bit reaches the task's own head or the pooler, and the encoder's is that of a constant target."""
    net = network()
    logits_UVC = logits_of(net, objective)
    found = gradients(net, objective.term(logits_UVC.flatten(0, 1), None).sum)
    constant_UC = logits_of(net, objective)[:, 0].detach().softmax(-1)
    views_UVC = logits_of(net, objective)[:, 1:].log_softmax(-1)
    expected = gradients(net, -(constant_UC[:, None] * views_UVC).sum() / len(VIEWS))
    for name in found:
        if name.startswith((f"heads.{objective.spec.name}.", "pooler.")):
            assert not found[name].any(), name
        else:
            assert torch.allclose(found[name], expected[name], atol=1e-6), name
    assert found[f"heads.{objective.head}.linear.weight"].any()
    assert found["encoder.blocks.0.attention.qkv.weight"].any()


def test_the_loss_is_the_mean_divergence_from_the_full_view_summed_over_rows():
    """By hand: (1/2, 1/2) against (3/4, 1/4) and itself; then (3/4, 1/4) against itself and (9/10, 1/10).

    The other direction, KL(view || full), would be another number.
    """
    objective = ViewConsistency(TOPIC, ("left", "right"), 1)
    even, odd, far = [0.0, 0.0], [math.log(3.0), 0.0], [math.log(9.0), 0.0]
    logits_MC = torch.tensor([even, odd, even, odd, odd, far])
    first = 0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)
    second = 0.75 * math.log(0.75 / 0.9) + 0.25 * math.log(0.25 / 0.1)
    term = objective.term(logits_MC, torch.zeros(6))
    assert float(term.sum) == pytest.approx((first + second) / 2)
    assert term.count == 2


def test_a_selection_counts_the_rows_of_the_task_not_those_of_all_views(objective):
    batch = batch_of(objective, text())
    count = len(STARTS) if objective.spec.kind == "tagging" else len(LENGTHS)
    assert batch.selections[0].count == objective.term(network()(batch)[0], None).count == count
    assert batch.selections[1].count == 0


def test_without_rows_the_loss_is_zero_with_a_live_graph(objective):
    net = network()
    logits = net(lay_flat([text()], batch_of(objective, text()).selections[1:]))
    term = objective.term(logits[0], torch.zeros(0))
    term.sum.backward()
    assert (float(term.sum.detach()), term.count) == (0.0, 0)
    assert net.heads["topic-views"].linear.weight.grad is not None


def test_each_view_is_answered_by_a_layer_of_its_own():
    """Turning one view's layer to zeros silences that view's rows alone."""
    net, objective = network().eval(), ViewConsistency(TOPIC, VIEWS, 1)
    with torch.no_grad():
        for place in range(len(VIEWS)):
            net.heads["topic-views"].linear.weight.fill_(1.0)
            net.heads["topic-views"].linear.weight[3 * place : 3 * place + 3] = 0.0
            silent_V = (logits_of(net, objective)[:, 1:] == 0).all(-1).all(0)
            assert silent_V.tolist() == [other == place for other in range(len(VIEWS))]
