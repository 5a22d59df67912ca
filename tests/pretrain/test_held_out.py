"""The held-out loss: fixed masks, one mean over all masked tokens; its yardstick, the unigram entropy, by hand."""

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from model.batch import FlatBatch, Selection
from model.config import EncoderConfig, HeadSpec
from model.kinds import KINDS, Kinds
from model.network import Network
from pretrain.blocks import BlockSource
from pretrain.causal import CausalLM
from pretrain.held_out import held_out_entropy, read_held_out
from pretrain.masked_lm import MaskedLM
from tokenization.errors import RunError
from training.address import key_of
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
    first = read_held_out(source, mlm, reader, ALL, 64).loss
    torch.manual_seed(2)
    assert read_held_out(source, mlm, reader, ALL, 64).loss == first


@pytest.mark.parametrize("budget", [12, 30, 5000])
def test_the_loss_does_not_depend_on_the_micro_batches(source, mlm, reader, budget):
    """A mean over micro-batch means would, for they hold unequal numbers of masked tokens."""
    assert read_held_out(source, mlm, reader, ALL, budget).loss == pytest.approx(
        read_held_out(source, mlm, reader, ALL, 64).loss, rel=1e-6
    )


def test_equal_logits_cost_the_logarithm_of_the_vocabulary(source, mlm, words):
    engine = Constant(World(0, 1, torch.device("cpu")), torch.zeros(words.size))
    assert read_held_out(source, mlm, engine, ALL, 64).loss == pytest.approx(np.log(words.size), rel=1e-6)


def test_about_as_many_tokens_are_read_as_asked_for_and_all_when_there_are_fewer(source, mlm, words):
    def read(tokens):
        engine = Constant(World(0, 1, torch.device("cpu")), torch.zeros(words.size))
        read_held_out(source, mlm, engine, tokens, 10_000)
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
        read_held_out(source, mlm, Constant(world, torch.arange(words.size) / 100), ALL, budget)
    total, count, _ = sum(shares)
    alone = Constant(World(0, 1, torch.device("cpu")), torch.arange(words.size) / 100)
    assert read_held_out(source, mlm, alone, ALL, budget).loss == pytest.approx(total / count, rel=1e-6)
    assert count == sum(alone.rows)


def test_the_accuracy_is_the_share_of_labels_that_are_the_likeliest_answer(source, mlm, words):
    """Always w0 is right where the masked word is w0; every other word occurs once, so each is 1 / V at most."""
    key = key_of("held-out", source.fingerprint)
    _, rows = mlm.apply(source.draw(np.arange(source.size), key), key)
    for word in (int(rows.labels_M[0]), 5 + 2999):
        engine = Constant(World(0, 1, torch.device("cpu")), F.one_hot(torch.tensor(word), words.size).float())
        expected = (rows.labels_M == word).mean()
        assert read_held_out(source, mlm, engine, ALL, 64).accuracy == pytest.approx(expected)
    assert (rows.labels_M == rows.labels_M[0]).mean() > 0


@pytest.mark.parametrize("direction", ["left", "right"])
def test_a_causal_model_is_asked_for_each_token_of_its_direction(source, reader, direction):
    """The oracle reads one window at a time, from its own logits."""
    key = key_of("held-out", source.fingerprint)
    drawn = source.draw(np.arange(source.size), key)
    total = count = right = 0
    for start, stop in zip(drawn.offsets_N1[:-1], drawn.offsets_N1[1:], strict=True):
        ids = torch.from_numpy(drawn.tokens_T[start:stop])
        rows, labels = (range(stop - start - 1), ids[1:]) if direction == "left" else (range(1, stop - start), ids[:-1])
        logits = by_itself(reader, ids, direction, torch.tensor(rows))
        total += float(F.cross_entropy(logits, labels, reduction="sum"))
        count, right = count + len(labels), right + int((logits.argmax(1) == labels).sum())
    found = read_held_out(source, CausalLM(direction), reader, ALL, 64)
    assert (found.loss, found.accuracy) == (pytest.approx(total / count, rel=1e-5), pytest.approx(right / count))


def by_itself(reader, ids, direction, rows_M):
    """The logits of a window alone."""
    kind = Kinds(torch.tensor([KINDS.index(direction)]), torch.tensor([0]))
    selection = Selection("s", "causal", "mlm", rows_M, rows_M)
    batch = FlatBatch(ids, ids * 0, torch.arange(len(ids)), torch.tensor([0, len(ids)]), (selection,), kind)
    return reader.infer(batch)[0].float()


def test_the_entropy_beside_a_causal_loss_is_that_of_the_tokens_it_tells(corpus_of_text, words):
    source = BlockSource(corpus_of_text("w1 w1 w1 w2"), words, 12)
    shares = np.array([3, 1, 1]) / 5  # w1, w2, and the [SEP] at the end
    assert held_out_entropy(source, CausalLM(), ALL) == pytest.approx(-(shares * np.log(shares)).sum())


def test_text_in_which_nothing_can_be_masked_is_refused(corpus_of_text, words, mlm, reader):
    unknown = BlockSource(corpus_of_text("what is this\n\nthis is what"), words, 12)
    with pytest.raises(RunError, match="no token that could be asked for"):
        read_held_out(unknown, mlm, reader, ALL, 64)


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
