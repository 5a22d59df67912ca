"""How many floating point operations a training step needs, from the sizes alone.

The matrix products of the forward pass and twice as many in the backward; a multiplication and an addition count as
two. The masked LM runs on the masked rows only. (Kaplan et al. 2020, "Scaling laws for neural language models",
section 2.1, with attention and head added.) Every row counts in every block, as is usual where such shares are told,
although rows that nobody reads leave the last block after its attention.
"""

from model.config import EncoderConfig


def flops_per_token(config: EncoderConfig, masked_share: float, effective_length: float) -> float:
    """Floating point operations per real token, forward and backward.

    F = 6·L·(4h² + 2hf) + 12·L·h·s + 6·p·(h² + hV)

    Args:
        config: L layers of width h and inner width f, a vocabulary of V.
        masked_share: p, the share of tokens that the masked LM predicts; 0 without it.
        effective_length: s = E[length²] / E[length], the mean number of tokens that a token attends to.
    """
    width = config.hidden
    blocks = 6 * config.layers * (4 * width**2 + 2 * width * config.feed_forward)
    attention = 12 * config.layers * width * effective_length
    head = 6 * masked_share * (width**2 + width * config.vocab_size)
    return blocks + attention + head
