"""Writing text with a network: by its decoder, or by its encoder.

    decoder  an encoder reads the source, a decoder writes the target (Vaswani et al. 2017; Song et al. 2019, "MASS")
    prefix   one encoder holds both; [MASK] is put behind what is written, predicted and replaced, token by token
             (Dong et al. 2019, "UniLM", section 2.4)
    left     one encoder that sees to the left goes on with a text (Radford et al. 2018)

Keys and values of what was read or written stand, and are computed once (`model.cached_attention`).
"""

from __future__ import annotations

from typing import Literal

import torch

from model.batch import FlatBatch
from model.beam import search
from model.generation_settings import GenerationSettings, SpecialIds
from model.heads import DECODER, LM
from model.network import Network
from model.writers import DecoderWriter, EncoderWriter, Writer
from tokenization.errors import RecipeError

__all__ = ["GenerationSettings", "SpecialIds", "WrittenBy", "generate"]

WrittenBy = Literal["decoder", "prefix", "left"]


def generate(
    network: Network,
    sources: FlatBatch,
    settings: GenerationSettings,
    ids: SpecialIds,
    by: WrittenBy = "decoder",
) -> list[list[int]]:
    """Write a text for each source.

    What is written for a source does not depend on the others, up to the rounding of sums over them.

    Args:
        network: with a head called "decoder", or "mlm" for the others; on the sources' device, in any mode.
        sources: [CLS] source [SEP] each, all in segment 0; its selections and targets are not read. Under `prefix` the
            text is written in segment 1, at the positions that follow the source's. Under `left` a source is what is
            to be gone on with, so it ends without [SEP].

    Returns:
        The ids written for each source in order, without the end.

    Raises:
        RecipeError: the network lacks the head, or the text would need more positions than the encoder has.
    """
    _check(network, sources, settings, by)
    if not len(sources.lengths_N):
        return []
    training = network.training
    network.eval()
    try:
        with torch.no_grad():
            return search(_writer(network, sources, settings, ids, by), settings, ids)
    finally:
        network.train(training)


def _writer(
    network: Network, sources: FlatBatch, settings: GenerationSettings, ids: SpecialIds, by: WrittenBy
) -> Writer:
    if by == "decoder":
        return DecoderWriter(network, sources, settings.beam, ids.start)
    return EncoderWriter(network, sources, settings.beam, ids.mask if by == "prefix" else None)


def _check(network: Network, sources: FlatBatch, settings: GenerationSettings, by: WrittenBy) -> None:
    head = DECODER if by == "decoder" else LM
    if head not in network.heads:
        raise RecipeError(f"to write by {by} the network needs a head {head!r}; it has {', '.join(network.heads)}")
    before = 0 if by == "decoder" else max(sources.lengths_N.tolist(), default=0)
    needed, positions = before + settings.longest + 1, network.config.positions
    if needed > positions:
        source = f"a source of {before} tokens, " if before else ""
        raise RecipeError(
            f"to write {settings.longest} tokens by {by} takes {needed} positions ({source}the text, and one for its "
            f"end), and the encoder has {positions}; lower the longest text{' or cut the sources' if before else ''}"
        )
