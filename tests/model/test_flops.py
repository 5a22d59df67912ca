"""The operation count: by hand on tiny sizes, and the published table's entries."""

import pytest

from model.config import EncoderConfig
from model.flops import flops_per_token


def test_a_tiny_encoder_counted_by_hand():
    """h = 2, f = 3, L = 1, V = 5, p = 1/2, s = 4.

    Multiply-adds a token, forward: q, k, v, out 4·4 = 16; feed-forward 2·6 = 12; scores and mix 2·2·4 = 16;
    head for half the tokens (4 + 10) / 2 = 7. Together 51; times 2 (multiply and add) times 3 (backward is two).
    """
    config = EncoderConfig(5, layers=1, hidden=2, heads=1, feed_forward=3)
    assert flops_per_token(config, masked_share=0.5, effective_length=4) == 51 * 2 * 3


@pytest.mark.parametrize(
    ("sizes", "length", "giga"),
    [
        ((12, 768, 12, 3072), 128, 0.545),
        ((12, 768, 12, 3072), 512, 0.588),
        ((24, 1024, 16, 4096), 128, 1.879),
        ((24, 1024, 16, 4096), 512, 1.992),
    ],
)
def test_bert_base_and_large_have_the_known_counts(sizes, length, giga):
    layers, hidden, heads, feed_forward = sizes
    config = EncoderConfig(30522, layers, hidden, heads, feed_forward)
    assert flops_per_token(config, 0.15, length) / 1e9 == pytest.approx(giga, abs=6e-4)
