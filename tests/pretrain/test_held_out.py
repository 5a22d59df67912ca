"""The held-out loss: fixed masks, one mean over all masked tokens; its yardstick, the unigram entropy, by hand."""

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from model.config import EncoderConfig, HeadSpec
from model.network import Network
from pretrain.blocks import BlockSource
from pretrain.held_out import held_out_entropy, held_out_loss
from pretrain.masked_lm import MaskedLM
from tokenization.errors import RunError
from training.distributed import World
from training.engine import Reader

ALL = 10_000


@pytest.fixture
def source(corpus_of, words):
    return BlockSource(
        corpus_of([[n % 5 + 2, 4, n % 3 + 1] for n in range(40)], held_out=0.5), words, 12, held_out=True
    )


@pytest.fixture
def mlm(words):
    return MaskedLM(words.mask, words.ordinary_ids)


@pytest.fixture
def reader(words):
    config = EncoderConfig(words.size, layers=1, hidden=8, heads=2, feed_forward=8, positions=12, dropout=0.5)
    return Reader(
        Network(config, [HeadSpec("mlm", "mlm", words.size)], seed=3), World(0, 1, torch.device("cpu")), False
    )


@dataclass
class Constant:
    """Answers with the same logits for each row; notes how many rows it was asked for."""

    world: World
    logits_C: torch.Tensor
    rows: list[int] = field(default_factory=list)

    def infer(self, batch):
        self.rows.append(len(batch.selections[0].rows_M))
        return (self.logits_C.expand(self.rows[-1], -1),)


def test_the_same_network_has_the_same_loss_at_every_measurement(source, mlm, reader):
    torch.manual_seed(1)
    first = held_out_loss(source, mlm, reader, ALL, 64)
    torch.manual_seed(2)
    assert held_out_loss(source, mlm, reader, ALL, 64) == first


@pytest.mark.parametrize("budget", [12, 30, 5000])
def test_the_loss_does_not_depend_on_the_micro_batches(source, mlm, reader, budget):
    """A mean over micro-batch means would, for they hold unequal numbers of masked tokens."""
    assert held_out_loss(source, mlm, reader, ALL, budget) == pytest.approx(
        held_out_loss(source, mlm, reader, ALL, 64), rel=1e-6
    )


def test_equal_logits_cost_the_logarithm_of_the_vocabulary(source, mlm, words):
    engine = Constant(World(0, 1, torch.device("cpu")), torch.zeros(words.size))
    assert held_out_loss(source, mlm, engine, ALL, 64) == pytest.approx(np.log(words.size), rel=1e-6)


def test_about_as_many_tokens_are_read_as_asked_for_and_all_when_there_are_fewer(source, mlm, words):
    def read(tokens):
        engine = Constant(World(0, 1, torch.device("cpu")), torch.zeros(words.size))
        held_out_loss(source, mlm, engine, tokens, 10_000)
        return sum(engine.rows)

    assert read(ALL) == read(10 * ALL) >= source.size
    few = round(5 * source.mean_length)
    assert 5 <= read(few) <= 10


class OneOfTwo(World):
    """Keeps what this rank would add to the sum over both."""

    def sum(self, values):
        self.shares.append(values)
        return values


@pytest.mark.parametrize("budget", [12, 100])
def test_two_ranks_together_measure_what_one_does_alone(source, mlm, words, budget):
    shares = []
    for rank in (0, 1):
        world = OneOfTwo(rank, 2, torch.device("cpu"))
        object.__setattr__(world, "shares", shares)
        held_out_loss(source, mlm, Constant(world, torch.arange(words.size) / 100), ALL, budget)
    total, count = sum(shares)
    alone = Constant(World(0, 1, torch.device("cpu")), torch.arange(words.size) / 100)
    assert held_out_loss(source, mlm, alone, ALL, budget) == pytest.approx(total / count, rel=1e-6)
    assert count == sum(alone.rows)


def test_text_in_which_nothing_can_be_masked_is_refused(corpus_of_text, words, mlm, reader):
    unknown = BlockSource(corpus_of_text("what is this\n\nthis is what"), words, 12)
    with pytest.raises(RunError, match="no token that could be masked"):
        held_out_loss(unknown, mlm, reader, ALL, 64)


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("w1 w1 w1 w2", [3 / 4, 1 / 4]),
        ("w1 w2\n\nw3 w4", [1 / 4] * 4),
        ("w1 w1 zzz zzz zzz w2 w2", [1 / 2, 1 / 2]),
        ("w7 w7", [1.0]),
    ],
)
def test_the_entropy_is_that_of_the_ordinary_words_shares(corpus_of_text, words, mlm, text, shares):
    source = BlockSource(corpus_of_text(text), words, 12)
    expected = -sum(share * np.log(share) for share in shares)
    assert held_out_entropy(source, mlm, ALL) == pytest.approx(expected)
