"""Causal LM: the labels are the next tokens, nothing after a token moves what is told before it, and the loss is that
of transformers' decoder with the same weights.

Shape letters: T tokens, N sequences, M rows, V vocabulary.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import BertLMHeadModel

from model.config import EncoderConfig, HeadSpec
from model.kinds import KINDS, LEFT, RIGHT
from model.network import Network
from model.public import of_network, write_public
from pretrain.causal import CausalLM
from training.address import below, key_of
from training.batching import lay_flat, selection_of
from training.sequences import Sequences

KEY = key_of(1, "stage", "lm")
VOCABULARY = 60
LENGTHS = st.lists(st.integers(2, 12), min_size=1, max_size=6)


def sequences_of(lengths, draws=None):
    """[CLS] ordinary … [SEP], the second half of each as segment 1."""
    lengths_N = np.array(lengths, dtype=np.int64)
    offsets_N1 = np.concatenate([[0], np.cumsum(lengths_N)])
    tokens_T = 5 + below(key_of("tokens"), VOCABULARY - 5, np.arange(offsets_N1[-1]))
    tokens_T[offsets_N1[:-1]], tokens_T[offsets_N1[1:] - 1] = 2, 3
    draws_N = np.arange(len(lengths)) if draws is None else np.array(draws)
    plain = Sequences(tokens_T, np.zeros_like(tokens_T), tokens_T >= 5, offsets_N1, draws_N)
    return replace(plain, segments_T=(plain.positions_T >= np.repeat(lengths_N // 2, lengths_N)).astype(np.int64))


@pytest.fixture(scope="module")
def network():
    config = EncoderConfig(VOCABULARY, 2, 16, 2, 32, positions=16, dropout=0.0, initializer_range=0.3)
    return Network(config, [HeadSpec("mlm", "mlm", VOCABULARY)], seed=3).eval()


def told(network, objective, sequences):
    """The rows and what the network says at them."""
    edited, rows = objective.apply(sequences, KEY)
    with torch.no_grad():
        (logits_MV,) = network(lay_flat([edited], (selection_of("s", objective, rows, 0),)))
    return rows, logits_MV


@given(lengths=LENGTHS)
def test_left_each_token_tells_the_next_up_to_the_end_and_right_the_one_before_up_to_the_start(lengths):
    sequences = sequences_of(lengths)
    bounds = list(zip(sequences.offsets_N1[:-1], sequences.offsets_N1[1:], strict=True))
    edited, rows = CausalLM("left").apply(sequences, KEY)
    assert rows.rows_M.tolist() == [row for start, stop in bounds for row in range(start, stop - 1)]
    expected = [sequences.tokens_T[start + 1 : stop] for start, stop in bounds]
    assert rows.labels_M.tolist() == np.concatenate(expected).tolist()
    assert edited.kinds_N.tolist() == [LEFT] * len(lengths)
    edited, rows = CausalLM("right").apply(sequences, KEY)
    assert rows.rows_M.tolist() == [row for start, stop in bounds for row in range(start + 1, stop)]
    expected = [sequences.tokens_T[start : stop - 1] for start, stop in bounds]
    assert rows.labels_M.tolist() == np.concatenate(expected).tolist()
    assert edited.kinds_N.tolist() == [RIGHT] * len(lengths)
    assert edited.tokens_T is sequences.tokens_T


@pytest.mark.parametrize("place", range(1, 9))
def test_a_change_at_t_changes_no_logit_before_t_and_of_the_other_direction_none_after(network, place):
    before = sequences_of([4, 10, 5])
    tokens_T = before.tokens_T.copy()
    tokens_T[4 + place] = (tokens_T[4 + place] + 7) % VOCABULARY
    after = replace(before, tokens_T=tokens_T)
    for direction in ("left", "right"):
        rows, first_MV = told(network, CausalLM(direction), before)
        _, second_MV = told(network, CausalLM(direction), after)
        moved_M = (first_MV != second_MV).any(1).numpy()
        inside_M = (rows.rows_M >= 4) & (rows.rows_M < 14)
        past_M = rows.rows_M < 4 + place if direction == "left" else rows.rows_M > 4 + place
        assert not moved_M[past_M | ~inside_M].any()
        assert moved_M[inside_M & ~past_M].all()


@pytest.mark.parametrize("lengths", [[9], [2, 7, 16, 5]])
def test_the_loss_is_that_of_a_transformers_decoder_with_the_same_weights(network, lengths, tmp_path):
    write_public(of_network(network), tmp_path)
    reference = BertLMHeadModel.from_pretrained(tmp_path, is_decoder=True).eval()
    sequences, objective, expected = sequences_of(lengths), CausalLM(), 0.0
    for start, stop in zip(sequences.offsets_N1[:-1], sequences.offsets_N1[1:], strict=True):
        ids, segments = (torch.from_numpy(a[None, start:stop]) for a in (sequences.tokens_T, sequences.segments_T))
        with torch.no_grad():
            loss = reference(input_ids=ids, token_type_ids=segments, labels=ids).loss  # a mean; labels shift inside
        expected += float(loss) * (stop - start - 1)
    rows, logits_MV = told(network, objective, sequences)
    term = objective.term(logits_MV, torch.from_numpy(rows.labels_M))
    assert term.count == sum(lengths) - len(lengths)
    assert float(term.sum) / term.count == pytest.approx(expected / term.count, rel=1e-5)


def test_both_sends_half_of_the_draws_each_way_and_all_sequences_of_a_draw_the_same():
    draws = np.repeat(np.arange(2000), 2)
    edited, rows = CausalLM("both").apply(sequences_of([3] * 4000, draws), KEY)
    first, second = edited.kinds_N[::2], edited.kinds_N[1::2]
    assert np.array_equal(first, second)
    assert abs((first == LEFT).sum() - 1000) < 5 * np.sqrt(2000 / 4)
    assert set(edited.kinds_N.tolist()) == {LEFT, RIGHT}
    assert len(rows.rows_M) == 4000 * 2


def test_each_sequence_of_both_is_what_it_is_of_its_own_direction():
    whole = sequences_of([6, 3, 9, 4, 7, 2, 5, 8])
    edited, rows = CausalLM("both").apply(whole, KEY)
    ways = {name: CausalLM(name).apply(whole, KEY)[1] for name in ("left", "right")}
    for place, (start, stop) in enumerate(zip(whole.offsets_N1[:-1], whole.offsets_N1[1:], strict=True)):
        own = ways[KINDS[edited.kinds_N[place]]]
        here, there = ((part.rows_M >= start) & (part.rows_M < stop) for part in (rows, own))
        assert rows.rows_M[here].tolist() == own.rows_M[there].tolist()
        assert rows.labels_M[here].tolist() == own.labels_M[there].tolist()


def test_a_draw_s_direction_does_not_hang_on_the_batch_and_changes_with_the_draw():
    kinds_N = CausalLM("both").apply(sequences_of([4] * 30), KEY)[0].kinds_N
    alone = [int(CausalLM("both").apply(sequences_of([4], [draw]), KEY)[0].kinds_N[0]) for draw in range(30)]
    assert kinds_N.tolist() == alone
    assert len(set(alone)) == 2
