"""What writing costs. Oracles: the definition, token by token; where the end is asked for."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from finetune.encoding.encode import encode_examples
from finetune.objectives import objective_of
from finetune.tasks.example import Example
from model.config import EncoderConfig, HeadSpec
from model.kinds import PREFIX
from model.network import Network
from training.address import key_of
from training.batching import lay_flat, selection_of

KEY = key_of(1, "writing")
TEXTS = (("ab", "cde"), ("f", ""), ("ghi", "jk"))


def rows_of(spec, tokenizer):
    rows = [Example(str(place), (one,), (), two) for place, (one, two) in enumerate(TEXTS)]
    return encode_examples(spec, "train", rows, tokenizer, 12).take(np.arange(3), np.arange(3))


@pytest.mark.parametrize(("by", "autoregressive"), [("decoder", True), ("left", True), ("prefix", False)])
def test_a_text_is_told_token_after_token_but_where_it_is_written_as_a_cloze(generation, tokenizer, by, autoregressive):
    asked = objective_of(replace(generation, written_by=by), tokenizer=tokenizer)
    assert asked.autoregressive is autoregressive


def test_the_decoder_is_given_each_token_and_asked_for_the_next_the_end_included(generation, tokenizer):
    whole = rows_of(generation, tokenizer)
    given, rows = objective_of(generation, tokenizer=tokenizer).apply(whole, KEY)
    targets = given.targets
    assert rows.of_targets
    assert len(rows.rows_M) == len(targets.tokens_U) == sum(len(text) + 1 for _, text in TEXTS)
    for place, (_, text) in enumerate(TEXTS):
        mine = slice(*targets.offsets_J1[place : place + 2])
        pieces = tokenizer.encode([text])[0].tolist()
        assert list(targets.tokens_U[mine]) == [tokenizer.cls, *pieces]
        assert list(rows.labels_M[mine]) == [*pieces, tokenizer.sep]
        assert list(targets.positions_U[mine]) == list(range(len(pieces) + 1))


def test_the_sum_is_that_of_each_text_s_negative_log_probability(generation, tokenizer):
    """Oracle: the network asked for one text at a time, its log-probabilities added up by hand."""
    objective = objective_of(generation, tokenizer=tokenizer)
    config = EncoderConfig(57, layers=1, hidden=16, heads=2, feed_forward=32, positions=16, initializer_range=0.5)
    network = Network(config, [HeadSpec("decoder", "decoder", 57)], seed=3).eval()

    def logits_of(whole):
        given, rows = objective.apply(whole, KEY)
        with torch.no_grad():
            (logits_MV,) = network(lay_flat([given], (selection_of("s", objective, rows, 0),)))
        return logits_MV, torch.from_numpy(rows.labels_M)

    logits_MV, labels_M = logits_of(rows_of(generation, tokenizer))
    term = objective.term(logits_MV, labels_M)
    rows = [Example(str(place), (one,), (), two) for place, (one, two) in enumerate(TEXTS)]
    encoded = encode_examples(generation, "train", rows, tokenizer, 12)
    known = 0.0
    for number in range(3):
        alone_MV, wanted_M = logits_of(encoded.take(np.array([number]), np.array([number])))
        chances_MV = torch.softmax(alone_MV.double(), dim=1)
        known -= sum(float(chances_MV[row, label].log()) for row, label in enumerate(wanted_M))
    assert term.sum.item() == pytest.approx(known, rel=1e-5)
    assert term.count == sum(len(text) + 1 for _, text in TEXTS)


def test_a_prefix_masks_nothing_of_the_source_and_learns_the_end(generation, tokenizer):
    spec = replace(generation, written_by="prefix")
    whole = rows_of(spec, tokenizer)
    objective = objective_of(spec, tokenizer=tokenizer)
    assert objective.head == spec.head_name == "mlm"
    ends = whole.offsets_N1[1:] - 1
    asked = set()
    for turn in range(20):
        given, rows = objective.apply(whole, key_of(turn, "writing"))
        assert np.array_equal(given.tokens_T[whole.segments_T == 0], whole.tokens_T[whole.segments_T == 0])
        assert np.array_equal(rows.labels_M, whole.tokens_T[rows.rows_M])
        assert list(given.kinds_N) == [PREFIX] * 3
        assert list(given.reaches_N) == [len(one) + 2 for one, _ in TEXTS]
        assert len(rows.rows_M) == 3 + 1 + 2  # .7 of 4, of 1 and of 3 tokens, rounded
        asked |= set(rows.rows_M.tolist())
    assert set(ends.tolist()) <= asked
    assert asked == set(np.flatnonzero(whole.segments_T == 1).tolist())
