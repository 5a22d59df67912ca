"""What held-out text tells of an objective: the ledger's first measure. Fixed masks, so that only learning moves it.

Shape letters: M rows, T tokens, V vocabulary.
"""

from dataclasses import dataclass

import numpy as np

from pretrain.blocks import BlockSource
from pretrain.causal import CausalLM
from pretrain.masked_lm import MaskedLM
from pretrain.pairs import PairSource
from tokenization.errors import RunError
from training.address import key_of
from training.batching import draw_step, empty_batch, flat_batch
from training.engine import Inference
from training.mixture import Mixture, Stream
from training.objective import Objective

Asked = MaskedLM | CausalLM
HeldOutSource = BlockSource | PairSource


@dataclass(frozen=True)
class HeldOut:
    """How well held-out text is told: the mean cross-entropy in nats, and the share of labels told right."""

    loss: float
    accuracy: float


def read_held_out(source: HeldOutSource, objective: Objective, engine: Inference, tokens: int, budget: int) -> HeldOut:
    """Ask the objective of about `tokens` tokens of held-out windows or pairs.

    All ranks call it; each takes its share of the micro-batches.

    Raises:
        RunError: the text holds nothing that could be asked for.
    """
    stream = _stream(source, objective, tokens)
    mixture = Mixture((stream,), "every", stream.key)
    parts = draw_step(mixture, 0, budget).parts
    world = engine.world
    totals = np.zeros(3)
    for turn in range(-(-len(parts) // world.size)):
        m = turn * world.size + world.rank
        batch = flat_batch(mixture, parts[m]) if m < len(parts) else empty_batch(mixture)
        (logits_MV,) = engine.infer(batch)
        labels_M = batch.selections[0].labels_M.to(logits_MV.device)
        term = objective.term(logits_MV, labels_M)
        totals += [float(term.sum), term.count, int((logits_MV.argmax(1) == labels_M).sum())]
    total, count, right = world.sum(totals)
    if not count:
        raise RunError("the held-out text holds no token that could be asked for; give the corpus more documents")
    return HeldOut(float(total / count), float(right / count))


def held_out_entropy(source: BlockSource, objective: Asked, tokens: int) -> float:
    """Entropy (nats) of the unigram distribution of the tokens of the same text that may be asked for.

    It is what a model that ignores context could reach.
    """
    stream = _stream(source, objective, tokens)
    sequences = source.draw(np.arange(stream.items), stream.key)
    causal = isinstance(objective, CausalLM)
    told_T = objective.apply(sequences, stream.key)[1].labels_M if causal else sequences.tokens_T[sequences.maskable_T]
    counts_V = np.bincount(told_T)
    shares_V = counts_V[counts_V > 0] / counts_V.sum()
    return float(-(shares_V * np.log(shares_V)).sum())


def _stream(source: HeldOutSource, objective: Objective, tokens: int) -> Stream:
    items = min(source.size, max(1, round(tokens / source.mean_length)))
    return Stream("held-out", source, (objective,), items, None, False, key_of("held-out", source.fingerprint))
