"""Masked LM as a recipe asks for it: the objective, and what tells its source the units that are chosen whole."""

import numpy as np
from numpy.typing import NDArray

from finetune.encoding.word_bounds import continues_words
from pipeline.materials import Materials
from pipeline.recipe.stream import Mlm, MlmSettings, Spans, Stream
from pretrain.masked_lm import MaskedLM, Unit
from pretrain.spans import Units


def masked_lm(materials: Materials, settings: MlmSettings) -> MaskedLM:
    """Masked LM over the run's vocabulary."""
    tokenizer = materials.tokenizer
    return MaskedLM(
        mask_id=tokenizer.mask,
        ordinary_V=tokenizer.ordinary_ids,
        rate=settings.rate,
        mask=settings.mask,
        random=settings.random,
        unit=settings.unit,
        shares_L=span_shares(settings.span) if settings.unit == "span" else (),
    )


def span_shares(spans: Spans) -> tuple[float, ...]:
    """The shares of spans of 1, 2, … words: those given, or p (1 - p)^(n - 1) up to the longest."""
    if spans.shares:
        return tuple(spans.shares.get(words, 0.0) for words in range(1, max(spans.shares) + 1))
    p = spans.geometric
    return tuple(p * (1 - p) ** (words - 1) for words in range(1, spans.longest + 1))


def mask_unit(stream: Stream) -> Unit:
    """What the stream's masked LM chooses whole."""
    return next((given.mlm.unit for given in stream.objectives if isinstance(given, Mlm)), "token")


def units_of(materials: Materials, corpus: str, unit: Unit) -> Units | None:
    """What tells the units of a corpus; nothing does where single tokens are masked."""
    if unit == "token":
        return None
    phrases = materials.phrases(corpus) if unit == "phrase" else None
    return Units(materials.corpus(corpus), materials.tokenizer, phrases)


def word_bounds_of(materials: Materials, task: str, split: str) -> NDArray[np.bool_]:
    """Which tokens of a split of a task, as it is encoded, continue a word."""
    length = materials.recipe.tasks[task].length
    return continues_words(materials.task(task), materials.examples(task, split), materials.tokenizer, length)
