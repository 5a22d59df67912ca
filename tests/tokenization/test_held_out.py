"""Held-out documents are chosen by content: a share, at least a few, stable, and never all."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenization.held_out import content_hash, held_out_bound


def hashes(count: int) -> np.ndarray:
    return np.array([content_hash(f"document {number}") for number in range(count)], dtype=np.uint64)


def choose_held_out(hashes_D: np.ndarray, share: float) -> np.ndarray:
    chosen_D: np.ndarray = hashes_D < np.uint64(held_out_bound([hashes_D], share))
    return chosen_D


def test_the_share_is_held_out_within_binomial_bounds() -> None:
    chosen = choose_held_out(hashes(100_000), 0.01).sum()
    assert abs(chosen - 1000) < 5 * np.sqrt(100_000 * 0.01 * 0.99)


@pytest.mark.parametrize(("count", "expected"), [(0, 0), (1, 0), (2, 1), (7, 1), (8, 4), (50, 4)])
def test_small_corpora_hold_out_a_few(count: int, expected: int) -> None:
    assert choose_held_out(hashes(count), 1e-9).sum() == expected


def test_documents_stay_held_out_when_others_are_appended() -> None:
    before = choose_held_out(hashes(1000), 0.05)
    after = choose_held_out(hashes(1500), 0.05)
    assert before.sum() >= 4
    assert (before == after[:1000]).all()


@given(
    contents=st.lists(st.integers(0, 6).map(lambda n: (n * 2**61 + 12345) % 2**64), max_size=30),
    share=st.sampled_from([0.0, 0.01, 0.3, 0.5]),
)
def test_copies_share_their_fate_and_something_is_left_to_train_on(contents: list[int], share: float) -> None:
    hashes_D = np.array(contents, dtype=np.uint64)
    chosen_D = choose_held_out(hashes_D, share)
    assert not set(hashes_D[chosen_D].tolist()) & set(hashes_D[~chosen_D].tolist())
    assert not (len(contents) and chosen_D.all())
    assert bool(chosen_D.any()) == (share > 0 and len(set(contents)) > 1)


def test_the_hash_is_of_the_text_alone() -> None:
    assert content_hash("a") == content_hash("a") != content_hash("b")
    assert 0 <= content_hash("文") < 2**64


@given(
    parts=st.lists(st.lists(st.integers(0, 2**64 - 1), max_size=6), max_size=6),
    share=st.sampled_from([0.0, 1e-9, 0.1, 0.5]),
)
def test_the_choice_is_the_same_however_the_documents_are_parted(parts: list[list[int]], share: float) -> None:
    arrays = [np.array(part, dtype=np.uint64) for part in parts]
    whole = np.concatenate([np.empty(0, dtype=np.uint64), *arrays])
    assert held_out_bound(arrays, share) == held_out_bound([whole], share)
    chosen = np.concatenate([np.empty(0, bool), *(part < np.uint64(held_out_bound(arrays, share)) for part in arrays)])
    np.testing.assert_array_equal(chosen, choose_held_out(whole, share))
