"""Sizes that cannot be are refused, all at once and with the way out."""

import pytest

from model.config import EncoderConfig, HeadSpec
from tokenization.errors import RecipeError


def test_all_problems_come_in_one_message():
    with pytest.raises(RecipeError) as caught:
        EncoderConfig(0, layers=2, hidden=30, heads=4, feed_forward=-1, dropout=1.0, norm="mid")
    for words in ("vocab_size is 0", "feed_forward is -1", "dropout is 1.0", "norm is 'mid'"):
        assert words in str(caught.value)


def test_heads_must_divide_the_width_and_the_nearest_widths_are_named():
    with pytest.raises(RecipeError, match="nearest widths are 28 and 32"):
        EncoderConfig(10, layers=1, hidden=30, heads=4, feed_forward=8)


@pytest.mark.parametrize(
    ("name", "kind", "size", "message"),
    [
        ("a", "clasification", 2, "Did you mean 'classification'"),
        ("a", "pair", 3, "its size is 2, not 3"),
        ("a", "regression", 2, "its size is 1, not 2"),
        ("a", "tagging", 0, "at least 1"),
        ("a.b", "tagging", 2, "must not hold a dot"),
        ("", "tagging", 2, "must not be empty"),
    ],
)
def test_a_head_that_cannot_be_is_refused(name, kind, size, message):
    with pytest.raises(RecipeError, match=message):
        HeadSpec(name, kind, size)
