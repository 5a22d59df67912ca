"""A frozen encoder's rows, computed once. Oracles: the live encoder; a sequence's company must leave no trace."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from model.batch import FlatBatch
from model.config import EncoderConfig, HeadSpec
from model.design import HeadDesign
from model.kinds import BOTH, LEFT, RIGHT, WINDOW, Kinds
from model.network import Network
from model.stored import StoredEncoder, alone, reads_of
from tokenization.errors import RunError

LENGTHS = (5, 3, 7)
ROWS = (0, 2, 5, 8, 14)
DESIGNS = [HeadDesign(), HeadDesign(layers="mix"), HeadDesign(layers="beside_words")]


class Shelf(dict):
    """A shelf in memory that counts what is put on it."""

    puts = 0

    def put(self, address, rows) -> None:
        self.puts += 1
        self[address] = rows


def network(config: EncoderConfig, design: HeadDesign, shelf: Shelf | None = None) -> Network:
    net = Network(replace(config, dropout=0.3), [HeadSpec("task", "tagging", 3, design)], seed=1)
    if shelf is not None:
        net.stored = StoredEncoder(net.encoder, shelf)
    return net


def addresses(batch: FlatBatch, rows=ROWS) -> list[bytes]:
    return [read.address for read in reads_of(batch, np.array(rows))]


@pytest.mark.parametrize("design", DESIGNS, ids=str)
def test_stored_rows_give_the_logits_of_the_live_encoder_without_dropout(config, ragged, select, design) -> None:
    shelf = Shelf()
    batch = ragged(LENGTHS, [select("task", (8, 0, 2, 2, 14, 5))])
    live = network(config, design).eval()(batch)[0]
    for _ in range(2):  # computed, then read
        assert torch.allclose(network(config, design, shelf).eval()(batch)[0], live, atol=1e-6)
    assert shelf.puts == len(LENGTHS)


def test_stored_rows_know_no_dropout_though_the_head_does(config, ragged, select) -> None:
    net = network(config, DESIGNS[0], Shelf()).train()
    batch = ragged(LENGTHS, [select("task", ROWS)])
    attention = net._implementation(torch.device("cpu"))
    read = net.stored(batch, attention, torch.tensor(ROWS))
    without = network(config, DESIGNS[0]).eval().encoder(batch, attention, torch.tensor(ROWS))
    assert torch.allclose(read, without, atol=1e-6)
    assert net.encoder.training
    assert not torch.equal(net(batch)[0], net(batch)[0])


def test_a_sequence_s_rows_are_the_same_bits_in_any_company(config, ragged) -> None:
    batch = ragged(LENGTHS)
    net = network(config, DESIGNS[0], Shelf()).eval()
    attention = net._implementation(torch.device("cpu"))
    together = net.stored(batch, attention, torch.arange(15))
    for sequence, (start, stop) in enumerate(((0, 5), (5, 8), (8, 15))):
        own = StoredEncoder(net.encoder, Shelf())(alone(batch, sequence), attention, torch.arange(stop - start))
        assert torch.equal(own, together[start:stop])


def test_an_address_is_the_sequence_s_content_and_the_rows_read_and_nothing_else(ragged) -> None:
    batch = ragged(LENGTHS)
    known = addresses(batch)
    assert len(set(known)) == 3
    assert addresses(alone(batch, 1), (0,)) == [known[1]]  # its company and its place
    assert addresses(batch, (0, 2, 5, 8)) == [*known[:2], addresses(alone(batch, 2), (0,))[0]]
    assert known[2] not in addresses(batch, (0, 2, 5, 8))  # rows
    for name in ("tokens_T", "segments_T", "positions_T"):
        changed = getattr(batch, name).clone()
        changed[6] += 1
        assert [a == b for a, b in zip(addresses(replace(batch, **{name: changed})), known, strict=True)] == [
            True,
            False,
            True,
        ]


def test_an_address_tells_attention_kinds_and_conditions_apart(ragged) -> None:
    batch = ragged(LENGTHS)
    known = addresses(batch)

    def under(kinds: list[int], reaches: list[int]) -> list[bytes]:
        return addresses(replace(batch, kinds=Kinds(torch.tensor(kinds), torch.tensor(reaches))))

    assert under([BOTH] * 3, [0, 4, 0]) == known
    assert [a == b for a, b in zip(under([BOTH, LEFT, BOTH], [0, 0, 0]), known, strict=True)] == [True, False, True]
    assert under([WINDOW] * 3, [1, 1, 1])[0] != under([WINDOW] * 3, [2, 1, 1])[0]
    conditioned = addresses(replace(batch, conditions_N=torch.tensor([0, 0, 1])))
    assert [a == b for a, b in zip(conditioned, known, strict=True)] == [True, True, False]


def test_two_directions_of_one_text_are_stored_apart_and_read_as_the_live_encoder_gives_them(config, ragged) -> None:
    twins = ragged((5, 5))
    for name in ("tokens_T", "segments_T"):
        twins = replace(twins, **{name: getattr(twins, name)[:5].repeat(2)})
    twins = replace(twins, kinds=Kinds(torch.tensor([LEFT, RIGHT]), torch.zeros(2, dtype=torch.int64)))
    net, shelf, rows = network(config, DESIGNS[1]).eval(), Shelf(), torch.arange(5)
    attention = net._implementation(torch.device("cpu"))
    live = [net.encoder(alone(twins, sequence), attention, rows, layers=True) for sequence in (0, 1)]
    for _ in range(2):  # computed, then read
        stored = StoredEncoder(net.encoder, shelf)(twins, attention, torch.arange(10), layers=True)
        assert torch.equal(stored, torch.cat(live, 1))
    assert shelf.puts == 2
    assert not torch.allclose(live[0][1:], live[1][1:], atol=1e-3)


def test_nothing_is_computed_for_a_sequence_of_which_nothing_is_read(config, ragged) -> None:
    shelf = Shelf()
    net = network(config, DESIGNS[1], shelf).eval()
    attention = net._implementation(torch.device("cpu"))
    assert net.stored(ragged(LENGTHS), attention, torch.tensor([6]), layers=True).shape == (4, 1, config.hidden)
    assert shelf.puts == 1
    nothing = net.stored(ragged(LENGTHS), attention, torch.zeros(0, dtype=torch.int64), layers=True)
    assert nothing.shape == (4, 0, config.hidden)


def test_an_encoder_in_pieces_is_not_called_for_what_is_missing(config, ragged) -> None:
    net = network(config, DESIGNS[0], Shelf())
    net.encoder.embeddings.word.weight.data = torch.empty(0)  # as ZeRO-3 leaves it between forwards
    with pytest.raises(RunError, match="ZeRO-3 holds the encoder in pieces"):
        net.stored(ragged(LENGTHS), net._implementation(torch.device("cpu")), torch.tensor([0]))
