"""The pairs that all arms train on: Wikipedia through our own source, in the same steps for everyone.

A block is a few steps of equally many pairs. Within a block the pairs are dealt to the steps by length, as
`group_by_length` does, so that padding to the longest pair of a batch is at its best; every arm gets this order.

Shape letters: K draws, N sequences, T tokens.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.batch import IGNORED, FlatBatch
from pretrain.masked_lm import MaskedLM
from pretrain.next_sentence import NextSentence
from pretrain.pairs import PairSource
from tokenization.corpus import Corpus
from tokenization.spec import CorpusSpec
from tokenization.store import open_or_build_corpus
from tokenization.vocabulary import Tokenizer
from training.address import key_of
from training.batching import flat_batch
from training.mixture import Mixture, Stream
from training.packing import pack
from training.sequences import I64

WIKIPEDIA = Path("text/enwiki.parquet")
VOCABULARY = Path("vocab/bert-base-uncased.txt")
READ = (WIKIPEDIA, VOCABULARY)
HEADS = frozenset({"mlm", "nsp"})


@dataclass(frozen=True)
class Example:
    """One pair as `transformers` wants it: int64, without padding; labels are -100 outside the masked tokens."""

    input_ids: I64
    token_type_ids: I64
    labels: I64
    next_sentence_label: int


def mixture_of_pairs(corpus: Corpus, tokenizer: Tokenizer, length: int, pairs: int) -> Mixture:
    """Masked LM and next sentence prediction on `pairs` pairs a step."""
    objectives = (MaskedLM(tokenizer.mask, tokenizer.ordinary_ids), NextSentence())
    key = key_of("benchmark", "pairs")
    stream = Stream("wikipedia", PairSource(corpus, tokenizer, length), objectives, pairs, None, False, key)
    return Mixture((stream,), "every", key)


@dataclass(frozen=True)
class PairSettings:
    """Steps of `pairs` pairs, `steps` of them to a block.

    Attributes:
        data: the data folder.
        documents: Wikipedia articles that are tokenised.
        length: tokens of a pair at most.
        store: where the corpus is kept between runs.
    """

    data: Path
    documents: int
    length: int
    pairs: int
    steps: int
    store: Path


class PairSteps:
    """The steps of some settings; the same in every process."""

    def __init__(self, settings: PairSettings) -> None:
        self.settings = settings
        self.tokenizer = Tokenizer.load(settings.data / VOCABULARY, lowercase=True)
        spec = CorpusSpec(name="wikipedia", files=(settings.data / WIKIPEDIA,), documents=settings.documents)
        corpus = open_or_build_corpus(spec, self.tokenizer, settings.store)
        self.mixture = mixture_of_pairs(corpus, self.tokenizer, settings.length, settings.pairs)
        stream = self.mixture.streams[0]
        self._source, self._key = stream.source, stream.key

    @property
    def slots(self) -> int:
        """Tokens of a step at most."""
        return self.settings.pairs * self.settings.length

    def draws(self, step: int) -> I64:
        """The draws of a step, all of similar length."""
        pairs = self.settings.pairs
        block, place = divmod(step, self.settings.steps)
        size = pairs * self.settings.steps
        draws_K = np.arange(block * size, (block + 1) * size)
        order_K = np.argsort(self._source.lengths(draws_K, self._key), kind="stable")
        return np.sort(draws_K[order_K[place * pairs : (place + 1) * pairs]])

    def batches(self, step: int, budget: int) -> list[FlatBatch]:
        """A step's micro-batches of at most `budget` tokens."""
        draws_K = self.draws(step)
        parts = pack(self._source.lengths(draws_K, self._key), budget)
        return [flat_batch(self.mixture, (np.sort(draws_K[part]),)) for part in parts]

    def examples(self, step: int) -> Iterator[Example]:
        """The same pairs with the same masks, one by one."""
        (batch,) = self.batches(step, self.slots)
        masked, pair = batch.selections
        labels_T = np.full(len(batch.tokens_T), IGNORED)
        labels_T[masked.rows_M.numpy()] = masked.labels_M.numpy()
        cuts = batch.offsets_N1[1:-1].numpy()
        columns = (batch.tokens_T.numpy(), batch.segments_T.numpy(), labels_T)
        rows = zip(*(np.split(column, cuts) for column in columns), pair.labels_M.tolist(), strict=True)
        return (Example(*row) for row in rows)


@dataclass(frozen=True)
class Shape:
    """What the pairs of some steps are like, as the count of operations wants to know it.

    Attributes:
        masked_share: masked tokens among real ones.
        effective_length: E[length²] / E[length].
        fill_fixed, fill_longest: real tokens among the slots when every pair is padded to the full length, or to the
            longest of its step.
    """

    masked_share: float
    effective_length: float
    fill_fixed: float
    fill_longest: float


def shape_of(steps: PairSteps, count: int) -> Shape:
    """Measured on the first `count` steps."""
    lengths, masked, slots = [], 0, 0
    for step in range(count):
        (batch,) = steps.batches(step, steps.slots)
        lengths_N = batch.lengths_N.numpy()
        masked += batch.selections[0].count
        slots += len(lengths_N) * int(lengths_N.max())
        lengths.append(lengths_N)
    all_N = np.concatenate(lengths).astype(np.float64)
    total = all_N.sum()
    fixed = len(all_N) * steps.settings.length
    return Shape(float(masked / total), float((all_N**2).sum() / total), float(total / fixed), float(total / slots))
