"""A split written: batches of sources through a network, token by token, and the texts that come of it."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from torch import nn

from finetune.answering.answers import Partial
from finetune.answering.dev_batches import DevBatch
from finetune.encoding.encoded import Encoded
from finetune.generation.spacing import text_of
from model.generate import generate
from model.generation_settings import GenerationSettings, SpecialIds
from model.network import Network
from tokenization.vocabulary import Tokenizer

GREEDY = 1


def write_texts(
    network: nn.Module, encoded: Encoded, batches: Iterable[DevBatch], tokenizer: Tokenizer, draft: bool = False
) -> list[Partial]:
    """Write the text of each source.

    Args:
        network: a `Network` with the head that writes.
        batches: of `dev_batches`; nothing but their sources is read.
        draft: whether the likeliest token is taken each time, whatever beam the task asks for.
    """
    assert isinstance(network, Network), "texts are written by a network of ours"
    spec = encoded.spec
    beam = GREEDY if draft else spec.beam
    settings = GenerationSettings(encoded.longest, beam=beam, length_penalty=spec.length_penalty if beam > 1 else 0.0)
    ids, device = _ids(tokenizer, network.config.vocab_size), next(network.parameters()).device
    found: list[Partial] = []
    for batch in batches:
        sources = replace(batch.batch, selections=()).to(device)
        written = generate(network, sources, settings, ids, spec.written_by)
        texts = (text_of(tokenizer, numbers) for numbers in written)
        found += [Partial(first, text, None) for first, text in zip(batch.firsts_I.tolist(), texts, strict=True)]
    return found


def _ids(tokenizer: Tokenizer, vocabulary: int) -> SpecialIds:
    """Nothing but ordinary tokens is written: no special or unused one, nor rows that only pad the embedding."""
    never_V = np.setdiff1d(np.arange(vocabulary), tokenizer.ordinary_ids)
    return SpecialIds(tokenizer.cls, tokenizer.sep, tokenizer.mask, tuple(never_V.tolist()))
