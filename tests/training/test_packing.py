"""Packing: every item once, within the budget, balanced, and the same however often it is asked."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tokenization.errors import RecipeError
from training.packing import pack

lengths = st.lists(st.integers(1, 100), min_size=1, max_size=80)


@given(lengths=lengths, budget=st.integers(100, 600))
def test_every_item_is_packed_once_and_no_micro_batch_exceeds_the_budget(lengths, budget):
    lengths_K = np.array(lengths)
    parts = pack(lengths_K, budget)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(lengths)))
    assert max(lengths_K[part].sum() for part in parts) <= budget
    assert min(len(part) for part in parts) >= 1


@given(lengths=lengths, budget=st.integers(100, 600))
def test_the_fullest_micro_batch_exceeds_the_emptiest_by_no_more_than_the_longest_item(lengths, budget):
    """Holds of any dealing to the least loaded; a first-fit packing with one near-empty leftover fails it."""
    loads = [np.array(lengths)[part].sum() for part in pack(np.array(lengths), budget)]
    assert max(loads) - min(loads) <= max(lengths)


@given(lengths=lengths, budget=st.integers(200, 600))
def test_there_are_at_most_twice_as_many_micro_batches_as_the_tokens_need(lengths, budget):
    """Half of a budget is filled at least wherever a further micro-batch had to be opened, items being ≤ budget / 2."""
    assume(sum(lengths) > budget)
    assert len(pack(np.array(lengths), budget)) <= 2 * -(-sum(lengths) // budget)


def test_longest_first_fills_two_micro_batches_exactly():
    parts = pack(np.array([2, 5, 3, 4, 6, 4]), 12)
    assert [sorted(part.tolist()) for part in parts] == [[0, 4, 5], [1, 2, 3]]


def test_equal_lengths_give_equal_micro_batches():
    assert [len(part) for part in pack(np.full(12, 10), 40)] == [4, 4, 4]


def test_an_item_larger_than_the_budget_is_refused_with_both_numbers():
    with pytest.raises(RecipeError, match=r"micro_batch_tokens is 32, but an item of 40 tokens"):
        pack(np.array([8, 40]), 32)


def test_nothing_drawn_makes_no_micro_batch():
    assert pack(np.empty(0, dtype=np.int64), 32) == []
