"""The objectives that a recipe can name: one entry each. A new one is its file, its entry here, and its test."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from finetune.tasks.spec import TaskSpec
from model.heads import LM, PAIRS
from pipeline.recipe.objective_settings import MlmSettings, NspSettings, Spans
from pipeline.recipe.section import Section
from pretrain.masked_lm import MaskedLM
from pretrain.next_sentence import NextSentence
from tokenization.vocabulary import Tokenizer
from training.objective import Objective as Built

SourceKey = Literal["pairs_of", "blocks_of", "text_of"]
TEXT: tuple[SourceKey, ...] = ("pairs_of", "blocks_of", "text_of")
PAIRED: tuple[SourceKey, ...] = ("pairs_of",)


class Inputs(Protocol):
    """What an objective may be built from."""

    @property
    def tokenizer(self) -> Tokenizer: ...

    def task(self, name: str) -> TaskSpec: ...


@dataclass(frozen=True)
class Entry:
    """An objective that can be asked of text.

    Attributes:
        settings: the section of its settings.
        build: its settings and the run's inputs → the objective.
        heads: its settings → the names of the heads that it reads, the one that it trains first.
        sources: what it can be asked of.
        edits: whether it changes the text; a stream has at most one such objective.
        needs: why it goes with these sources alone, for the message.
    """

    settings: type[Section]
    build: Callable[[Any, Inputs], Built]
    heads: Callable[[Any], tuple[str, ...]]
    sources: tuple[SourceKey, ...] = TEXT
    edits: bool = True
    needs: str = ""


def masked_lm(settings: MlmSettings, inputs: Inputs) -> MaskedLM:
    """Masked LM over the run's vocabulary."""
    return MaskedLM(
        mask_id=inputs.tokenizer.mask,
        ordinary_V=inputs.tokenizer.ordinary_ids,
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


def _reads(*heads: str) -> Callable[[Any], tuple[str, ...]]:
    return lambda settings: heads


ENTRIES: dict[str, Entry] = {
    "mlm": Entry(MlmSettings, masked_lm, _reads(LM)),
    "nsp": Entry(
        NspSettings,
        lambda settings, inputs: NextSentence(),
        _reads(PAIRS),
        PAIRED,
        edits=False,
        needs="which has two sentences to ask about",
    ),
}
"""In the order in which messages list them."""
