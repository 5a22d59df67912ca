"""MASS: one span, masked in the encoder, written by the decoder at its own positions; and its two limits.

Bounds are 5 standard deviations. Shape letters: T tokens, N sequences, M tokens of spans, J spans.
"""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from model.config import EncoderConfig, HeadSpec
from model.memory import memory_of
from model.network import Network
from pretrain.masked_lm import MaskedLM
from pretrain.mass import MaskedSpan
from training.address import below, key_of
from training.batching import flat_batch
from training.mixture import Mixture, Stream
from training.sequences import Sequences, offsets_of

KEY = key_of(1, "stage", "mass")
MASK, UNKNOWN = 4, 1
ORDINARY = np.arange(10, 500)
MASS = MaskedSpan(MASK, ORDINARY)


def sequences_of(lengths, draws=None):
    """[CLS] ordinary … [SEP] of these lengths."""
    offsets_N1 = offsets_of(np.array(lengths, dtype=np.int64))
    tokens_T = ORDINARY[below(key_of("tokens"), len(ORDINARY), np.arange(offsets_N1[-1]))]
    tokens_T[offsets_N1[:-1]] = 2
    tokens_T[offsets_N1[1:] - 1] = 3
    draws_N = np.arange(len(lengths)) if draws is None else np.array(draws)
    return Sequences(tokens_T, np.zeros_like(tokens_T), tokens_T >= 5, offsets_N1, draws_N)


@dataclass(frozen=True)
class Fixed:
    """A source of three sequences, the same at each draw."""

    shape = "block"
    size = 3
    mean_length = longest = 12
    fingerprint = ""

    def lengths(self, draws_K, key):
        return np.full(len(draws_K), 12)

    def draw(self, draws_K, key):
        return sequences_of([12] * len(draws_K), draws_K)


def spans_of(before, after, rows):
    """For each span: the sequence's tokens from before, the decoder's positions, what it is given, labels."""
    targets = after.targets
    return [
        (
            before.tokens_T[slice(*before.offsets_N1[n : n + 2])],
            *(column[here] for column in (targets.positions_U, targets.tokens_U, rows.labels_M)),
        )
        for n, here in zip(targets.memory_J, map(slice, targets.offsets_J1[:-1], targets.offsets_J1[1:]), strict=True)
    ]


@given(lengths=st.lists(st.integers(2, 40), min_size=1, max_size=6), share=st.floats(0.01, 1.0))
def test_a_span_is_its_share_of_consecutive_tokens_written_from_the_tokens_before(lengths, share):
    before = sequences_of(lengths)
    after, rows = replace(MASS, share=share).apply(before, KEY)
    assert after.targets.memory_J.tolist() == [n for n, length in enumerate(lengths) if length > 2]
    for whole, positions, given_M, labels_M in spans_of(before, after, rows):
        ordinary = len(whole) - 2
        assert len(positions) == min(max(1, round(share * ordinary)), ordinary)
        assert positions.tolist() == list(range(positions[0], positions[-1] + 1))
        assert 0 <= positions[0] <= positions[-1] < ordinary
        assert labels_M.tolist() == whole[positions + 1].tolist()
        assert given_M.tolist() == [MASK, *labels_M[:-1].tolist()]
    assert rows.of_targets
    assert rows.rows_M.tolist() == list(range(len(rows.labels_M)))


def test_the_encoder_is_told_nothing_of_the_span_and_all_of_the_rest():
    before = sequences_of([30, 9, 17])
    after, rows = replace(MASS, mask=1.0, random=0.0).apply(before, KEY)
    inside_T = after.tokens_T != before.tokens_T
    assert (after.tokens_T[inside_T] == MASK).all()
    assert before.tokens_T[inside_T].tolist() == rows.labels_M.tolist()
    assert (before.positions_T[inside_T] - 1).tolist() == after.targets.positions_U.tolist()
    assert after.targets.unread_T.tolist() == inside_T.tolist()
    for name in ("segments_T", "maskable_T", "offsets_N1", "draws_N"):
        assert np.array_equal(getattr(after, name), getattr(before, name))


def test_of_the_span_80_percent_are_masked_10_random_and_10_kept():
    before = sequences_of([252] * 2000)
    after, rows = MASS.apply(before, KEY)
    place_M = before.offsets_N1[:-1].repeat(125) + after.targets.positions_U + 1
    found_M, total, same = after.tokens_T[place_M], 2000 * 125, 1 / len(ORDINARY)
    assert len(found_M) == total
    for count, share in ((found_M == MASK, 0.8), (found_M == rows.labels_M, 0.1 + 0.1 * same)):
        assert abs(count.sum() - total * share) < 5 * np.sqrt(total * share * (1 - share))
    untouched_T = np.ones(len(before.tokens_T), dtype=bool)
    untouched_T[place_M] = False
    assert np.array_equal(after.tokens_T[untouched_T], before.tokens_T[untouched_T])
    assert np.array_equal(after.targets.unread_T, after.tokens_T == MASK)


def test_a_span_begins_anywhere_with_equal_chance_and_elsewhere_at_another_draw_of_the_text():
    before = sequences_of([22] * 11_000)
    after, _ = MASS.apply(before, KEY)
    first_N = after.targets.positions_U[after.targets.offsets_J1[:-1]]
    counts = np.bincount(first_N, minlength=23)
    assert counts[11:].sum() == 0
    assert stats.chisquare(counts[:11]).pvalue > 1e-4


def test_a_span_hangs_on_its_draw_alone_and_not_on_its_batch():
    alone, _ = MASS.apply(sequences_of([22], [7]), KEY)
    beside, _ = MASS.apply(sequences_of([9, 22, 40], [3, 7, 1]), KEY)
    again = beside.targets.positions_U[slice(*beside.targets.offsets_J1[1:3])]
    assert alone.targets.positions_U.tolist() == again.tolist()


def test_special_and_unknown_tokens_are_stepped_over():
    before = sequences_of([12])
    before.tokens_T[[4, 8]] = UNKNOWN, 3
    before.maskable_T[[4, 8]] = False
    after, rows = replace(MASS, share=1.0, mask=1.0, random=0.0).apply(before, KEY)
    assert after.targets.positions_U.tolist() == [0, 1, 2, 4, 5, 6, 8, 9]
    assert rows.labels_M.tolist() == before.tokens_T[[1, 2, 3, 5, 6, 7, 9, 10]].tolist()
    assert after.tokens_T[[0, 4, 8, 11]].tolist() == [2, UNKNOWN, 3, 3]


def test_with_one_token_the_decoder_is_given_a_mask_alone_as_a_masked_lm_is():
    """Its labels and the encoder's masks are then those of a masked LM of one token, its only input says nothing."""
    before = sequences_of([12] * 50)
    after, rows = replace(MASS, share=1e-9, mask=1.0, random=0.0).apply(before, KEY)
    assert (after.targets.tokens_U == MASK).all()
    assert len(rows.labels_M) == 50
    masked = after.tokens_T == MASK
    assert (masked.reshape(50, 12).sum(axis=1) == 1).all()
    inside_T = np.zeros_like(before.maskable_T)
    inside_T[np.flatnonzero(masked)] = True
    lm = MaskedLM(MASK, ORDINARY, rate=1.0, mask=1.0, random=0.0)
    theirs, theirs_rows = lm.apply(replace(before, maskable_T=inside_T), KEY)
    assert np.array_equal(theirs.tokens_T, after.tokens_T)
    assert np.array_equal(theirs_rows.labels_M, rows.labels_M)


def test_with_all_tokens_it_is_a_language_model_to_which_the_encoder_tells_a_length_alone():
    whole = replace(MASS, share=1.0, mask=1.0, random=0.0)
    text = sequences_of([12])
    one, rows = whole.apply(text, KEY)
    turned_T = np.concatenate([text.tokens_T[:1], text.tokens_T[-2:0:-1], text.tokens_T[-1:]])
    other, _ = whole.apply(replace(text, tokens_T=turned_T), KEY)
    assert np.array_equal(one.tokens_T, other.tokens_T)
    assert one.tokens_T.tolist() == [2] + [MASK] * 10 + [3]
    assert one.targets.tokens_U.tolist() == [MASK, *rows.labels_M[:-1].tolist()]
    assert one.targets.positions_U.tolist() == list(range(10))  # those at which a text is written afterwards


@given(length=st.integers(2, 200), share=st.floats(0.01, 1.0))
def test_sequence_and_span_have_room_in_what_micro_batches_are_packed_by(length, share):
    objective = replace(MASS, share=share)
    after, _ = objective.apply(sequences_of([length]), KEY)
    assert length + len(after.targets.tokens_U) <= length * objective.growth <= 2 * length


def test_the_loss_is_the_decoder_s_on_the_span_given_the_masked_text():
    """A batch as training makes it: its logits at a span's token change with the tokens before it and with the text,
    not with those from it on."""
    stream = Stream("text", Fixed(), (MASS,), 3, None, labelled=False, key=KEY)
    batch = flat_batch(Mixture([stream], "every", KEY), (np.arange(3),))
    selection, targets = batch.selections[0], batch.targets
    assert (selection.count, len(targets.tokens_U)) == (15, 15)
    config = EncoderConfig(500, 1, 16, 2, 32, 16, dropout=0.0, initializer_range=0.3)
    network = Network(config, (HeadSpec("decoder", "decoder", 500),), "padded", seed=2)
    logits_MV = network(batch)[0]
    expected = torch.nn.functional.cross_entropy(logits_MV, selection.labels_M, reduction="sum")
    term = MASS.term(logits_MV, selection.labels_M)
    assert (float(term.sum.detach()), term.count) == (pytest.approx(float(expected.detach())), 15)
    tokens_U = targets.tokens_U.clone()
    tokens_U[7] = 499
    told = network(replace(batch, targets=replace(targets, tokens_U=tokens_U)))[0]
    assert (told != logits_MV).any(dim=1).tolist() == [False] * 7 + [True] * 3 + [False] * 5
    tokens_T = batch.tokens_T.clone()
    tokens_T[23] = 499
    told = network(replace(batch, tokens_T=tokens_T))[0]
    assert (told != logits_MV).any(dim=1).tolist() == [False] * 5 + [True] * 5 + [False] * 5


def test_the_decoder_reads_the_rows_of_the_text_and_none_of_its_masks():
    """In a batch of two streams, one of which masks nothing."""
    streams = [
        Stream(name, Fixed(), (replace(MASS, mask=mask),), 3, None, labelled=False, key=KEY)
        for name, mask in (("all told", 0.0), ("masked", 0.8))
    ]
    batch = flat_batch(Mixture(streams, "every", KEY), (np.arange(3), np.arange(3)))
    masks_T = batch.tokens_T == MASK
    assert 0 < masks_T.sum() < 15
    memory = memory_of(batch)
    read = [set(memory.rows_X[slice(*memory.offsets_J1[j : j + 2])].tolist()) for j in range(6)]
    for n, rows in enumerate(read):
        assert rows == {row for row in range(12 * n, 12 * n + 12) if not masks_T[row]}
