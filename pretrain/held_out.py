"""The held-out language-model loss: the ledger's first measure. Fixed masks, so that only learning moves it.

Shape letters: T tokens, V vocabulary.
"""

import numpy as np

from pretrain.blocks import BlockSource
from pretrain.masked_lm import MaskedLM
from tokenization.errors import RunError
from training.address import key_of
from training.batching import draw_step, empty_batch, flat_batch
from training.engine import Inference
from training.mixture import Mixture, Stream


def held_out_loss(source: BlockSource, objective: MaskedLM, engine: Inference, tokens: int, budget: int) -> float:
    """Mean cross-entropy (nats) of masked tokens over about `tokens` tokens of held-out windows.

    All ranks call it; each takes its share of the micro-batches.
    """
    stream = _stream(source, objective, tokens)
    mixture = Mixture((stream,), "every", stream.key)
    parts = draw_step(mixture, 0, budget).parts
    world = engine.world
    totals = np.zeros(2)
    for turn in range(-(-len(parts) // world.size)):
        m = turn * world.size + world.rank
        batch = flat_batch(mixture, parts[m]) if m < len(parts) else empty_batch(mixture)
        (logits_MV,) = engine.infer(batch)
        term = objective.term(logits_MV, batch.selections[0].labels_M.to(logits_MV.device))
        totals += [float(term.sum), term.count]
    total, count = world.sum(totals)
    if not count:
        raise RunError("the held-out text holds no token that could be masked; give the corpus more documents")
    return float(total / count)


def held_out_entropy(source: BlockSource, objective: MaskedLM, tokens: int) -> float:
    """Entropy (nats) of the unigram distribution of the same text: what a model that ignores context could reach."""
    stream = _stream(source, objective, tokens)
    sequences = source.draw(np.arange(stream.items), stream.key)
    counts_V = np.bincount(sequences.tokens_T[sequences.maskable_T])
    shares_V = counts_V[counts_V > 0] / counts_V.sum()
    return float(-(shares_V * np.log(shares_V)).sum())


def _stream(source: BlockSource, objective: MaskedLM, tokens: int) -> Stream:
    items = min(source.size, max(1, round(tokens / source.mean_length)))
    return Stream("held-out", source, (objective,), items, None, False, key_of("held-out", source.fingerprint))
