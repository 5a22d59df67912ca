"""From draws to flat batches: the same items whatever the budget, and rows that point at the right tokens."""

import numpy as np
import pytest
import torch

from training.address import epoch_draws, key_of
from training.batching import draw_step, empty_batch, flat_batch
from training.mixture import Mixture, Stream
from training.objective import Rows, Single

BUDGETS = [23, 40, 96, 10_000]


@pytest.mark.parametrize("budget", BUDGETS)
@pytest.mark.parametrize("sampling", ["every", "alternate"])
def test_micro_batches_hold_exactly_the_drawn_items_whatever_the_budget(toy, budget, sampling):
    mixture = toy.mixture(sampling)
    for step in range(5):
        parts = draw_step(mixture, step, budget).parts
        for place, draws_K in enumerate(mixture.draws(step)):
            assert sorted(np.concatenate([part[place] for part in parts]).tolist()) == draws_K.tolist()


@pytest.mark.parametrize("budget", BUDGETS)
def test_no_micro_batch_exceeds_the_budget_and_the_step_counts_its_real_tokens(toy, budget):
    mixture = toy.mixture("every")
    draw = draw_step(mixture, 3, budget)
    batches = [flat_batch(mixture, part) for part in draw.parts]
    assert max(len(batch.tokens_T) for batch in batches) <= budget
    assert sum(len(batch.tokens_T) for batch in batches) == draw.tokens_S.sum()
    assert (draw.tokens_S > 0).all()


def test_the_token_counts_are_those_of_each_stream(toy):
    mixture = toy.mixture("every")
    expected = [
        len(stream.source.draw(draws_K, stream.key).tokens_T)
        for stream, draws_K in zip(mixture.streams, mixture.draws(2), strict=True)
    ]
    assert draw_step(mixture, 2, 60).tokens_S.tolist() == expected


def test_a_stream_whose_turn_it_is_not_has_an_empty_selection_in_its_fixed_place(toy):
    mixture = toy.mixture("alternate")
    names = [(mixture.streams[q.stream].name, q.objective.name, q.objective.head) for q in mixture.questions]
    seen = set()
    for step in range(6):
        for part in draw_step(mixture, step, 60).parts:
            batch = flat_batch(mixture, part)
            assert [(s.stream, s.objective, s.head) for s in batch.selections] == names
            for selection, question in zip(batch.selections, mixture.questions, strict=True):
                assert (selection.count == 0) == (len(part[question.stream]) == 0)
                seen.add((question.name, selection.count == 0))
    assert {("a/a", True), ("a/a", False), ("b/b", True), ("b/b", False)} <= seen


def test_rows_of_classification_point_at_each_items_first_token_with_its_own_label(toy):
    mixture = toy.mixture("every")
    part = draw_step(mixture, 1, 200).parts[0]
    batch = flat_batch(mixture, part)
    offsets = batch.offsets_N1.tolist()
    before = 0
    for place, name in enumerate(("nsp", "a", "b")):
        selection = next(s for s in batch.selections if s.head == name)
        draws_K = part[place]
        assert selection.rows_M.tolist() == offsets[before : before + len(draws_K)]
        items_K = epoch_draws(draws_K, mixture.streams[place].source.size, mixture.streams[place].key)
        assert selection.labels_M.tolist() == (items_K % 2).tolist()
        for item, start, stop in zip(items_K, offsets[before:], offsets[before + 1 :], strict=False):
            if name != "nsp":  # the first stream's tokens are masked
                assert batch.tokens_T[start:stop].tolist() == mixture.streams[place].source.tokens(item).tolist()
        before += len(draws_K)
    assert before == len(offsets) - 1


def test_masked_rows_hold_the_tokens_that_stood_there(toy):
    mixture = toy.mixture("every")
    part = draw_step(mixture, 1, 200).parts[0]
    stream = mixture.streams[0]
    batch, original = flat_batch(mixture, part), stream.source.draw(part[0], stream.key).tokens_T
    selection = batch.selections[0]
    assert selection.count > 0
    assert selection.labels_M.tolist() == original[selection.rows_M].tolist()


def test_all_objectives_of_a_stream_read_one_pass_over_the_masked_text(toy):
    """MLM and NSP share a pass: the stream's tokens stand once in the batch, masked."""
    mixture = toy.mixture("every")
    part = (np.arange(6), np.empty(0, np.int64), np.empty(0, np.int64))
    batch = flat_batch(mixture, part)
    stream = mixture.streams[0]
    original = stream.source.draw(part[0], stream.key)
    assert batch.offsets_N1.tolist() == original.offsets_N1.tolist()
    assert (batch.tokens_T.numpy() != original.tokens_T).sum() > 0
    assert batch.selections[1].rows_M.tolist() == original.offsets_N1[:-1].tolist()


class Reads(Single):
    """An objective that reads every row and its token, and is listed before the one that edits."""

    name, head, edits, shapes = "reads", "reads", False, ("pair",)

    def apply(self, sequences, key):
        return sequences, Rows(np.arange(len(sequences.tokens_T)), sequences.tokens_T.copy())


def test_objectives_that_read_see_the_edited_text_whatever_their_order(toy):
    """And selections stay in the order in which the objectives are listed."""
    stream = Stream("lm", toy.Items(50, 8, 24), (Reads(), toy.masked_lm()), 6, None, False, key_of("lm"))
    batch = flat_batch(Mixture([stream], "every", key_of("m")), (np.arange(6),))
    assert [selection.objective for selection in batch.selections] == ["reads", "mlm"]
    assert (batch.tokens_T == toy.masked_lm().mask_id).any()
    assert torch.equal(batch.selections[0].labels_M, batch.tokens_T)


def test_an_item_is_the_same_sequence_whatever_shares_its_micro_batch(toy):
    mixture = toy.mixture("every")
    pieces = {}
    for budget in BUDGETS:
        for part in draw_step(mixture, 2, budget).parts:
            batch = flat_batch(mixture, part)
            draws = [(place, draw) for place, draws_K in enumerate(part) for draw in draws_K.tolist()]
            for address, tokens in zip(draws, batch.tokens_T.split(batch.lengths_N.tolist()), strict=True):
                pieces.setdefault(address, set()).add(tuple(tokens.tolist()))
    assert len(pieces) == 19
    assert {len(versions) for versions in pieces.values()} == {1}


def test_positions_start_again_in_each_sequence(toy):
    mixture = toy.mixture("every")
    batch = flat_batch(mixture, draw_step(mixture, 0, 200).parts[0])
    expected = torch.cat([torch.arange(length) for length in batch.lengths_N.tolist()])
    assert torch.equal(batch.positions_T, expected)


def test_the_batch_of_nothing_asks_nothing_in_the_usual_order(toy):
    mixture = toy.mixture()
    batch = empty_batch(mixture)
    assert batch.lengths_N.tolist() == [1]
    assert [s.count for s in batch.selections] == [0, 0, 0, 0]
    assert [s.head for s in batch.selections] == ["mlm", "nsp", "a", "b"]
