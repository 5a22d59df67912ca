"""The objectives that a recipe can name: one entry each. A new one is its file, its entry here, and its test."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from finetune.distill import Distill
from finetune.tasks.spec import TaskSpec
from finetune.view_consistency import ViewConsistency, views_head
from model.heads import DECODER, LM, ORDER, PAIRS
from pipeline.recipe.objective_settings import (
    CausalSettings,
    DistillSettings,
    Masks,
    MassSettings,
    MlmSettings,
    NspSettings,
    Seq2seqSettings,
    SopSettings,
    Spans,
    ViewConsistencySettings,
)
from pipeline.recipe.section import Section
from pretrain.attending import Attention
from pretrain.causal import CausalLM
from pretrain.masked_lm import MaskedLM
from pretrain.mass import MaskedSpan
from pretrain.next_sentence import NextSentence
from pretrain.pairs import Second
from pretrain.sentence_order import SentenceOrder
from pretrain.seq2seq import TargetCloze
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
        second: what it wants a pair's second half to be; None where it takes any, `next` if no other asks.
        revision: one more whenever the same settings come to train something else, so that older runs are told apart.
    """

    settings: type[Section]
    build: Callable[[Any, Inputs], Built]
    heads: Callable[[Any], tuple[str, ...]]
    sources: tuple[SourceKey, ...] = TEXT
    edits: bool = True
    needs: str = ""
    second: Second | None = None
    revision: int = 1


def masked_lm(settings: Masks, inputs: Inputs, attention: Attention = "both") -> MaskedLM:
    """Masked LM over the run's vocabulary."""
    return MaskedLM(
        mask_id=inputs.tokenizer.mask,
        ordinary_V=inputs.tokenizer.ordinary_ids,
        rate=settings.rate,
        mask=settings.mask,
        random=settings.random,
        unit=settings.unit,
        shares_L=span_shares(settings.span) if settings.unit == "span" else (),
        span_of=settings.span.of,
        attention=attention,
    )


def masked_span(settings: MassSettings, inputs: Inputs) -> MaskedSpan:
    """MASS over the run's vocabulary."""
    tokenizer = inputs.tokenizer
    return MaskedSpan(tokenizer.mask, tokenizer.ordinary_ids, settings.share, settings.mask, settings.random)


def span_shares(spans: Spans) -> tuple[float, ...]:
    """The shares of spans of 1, 2, … words: those given, or p (1 - p)^(n - 1) up to the longest."""
    if spans.shares:
        return tuple(spans.shares.get(words, 0.0) for words in range(1, max(spans.shares) + 1))
    p = spans.geometric
    return tuple(p * (1 - p) ** (words - 1) for words in range(1, spans.longest + 1))


def _reads(*heads: str) -> Callable[[Any], tuple[str, ...]]:
    return lambda settings: heads


ENTRIES: dict[str, Entry] = {
    "mlm": Entry(MlmSettings, lambda settings, inputs: masked_lm(settings, inputs, settings.attention), _reads(LM)),
    "nsp": Entry(
        NspSettings,
        lambda settings, inputs: NextSentence(),
        _reads(PAIRS),
        PAIRED,
        edits=False,
        needs="which has two sentences to ask about",
        second="swap",
    ),
    "sop": Entry(
        SopSettings,
        lambda settings, inputs: SentenceOrder(),
        _reads(ORDER),
        PAIRED,
        edits=False,
        needs="which has two sentences to ask about",
        second="order",
    ),
    "causal": Entry(CausalSettings, lambda settings, inputs: CausalLM(settings.direction), _reads(LM), second="next"),
    "seq2seq": Entry(
        Seq2seqSettings,
        lambda settings, inputs: TargetCloze(masked_lm(settings, inputs), settings.where),
        _reads(LM),
        PAIRED,
        needs="which has a source and a target",
        second="next",
    ),
    "mass": Entry(
        MassSettings,
        masked_span,
        _reads(DECODER),
        ("blocks_of", "text_of"),
        needs="whose text is one stretch to cut a span out of",
        revision=2,  # the decoder stands where it later writes, and reads no [MASK]
    ),
    "distill": Entry(
        DistillSettings,
        lambda settings, inputs: Distill(inputs.task(settings.task), settings.temperature),
        lambda settings: (settings.task,),
        ("text_of",),
        edits=False,
        needs="the text of the task that learns",
    ),
    "view_consistency": Entry(
        ViewConsistencySettings,
        lambda settings, inputs: ViewConsistency(inputs.task(settings.task), settings.views, settings.window),
        lambda settings: (views_head(settings.task), settings.task),
        ("text_of",),
        needs="whose sequences are built as the task's own",
    ),
}
"""In the order in which messages list them."""
