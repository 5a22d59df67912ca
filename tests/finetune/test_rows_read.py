"""Which rows a task reads. Oracles: the layout of the sequences by hand; training and answering must agree."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from finetune.answering.dev_batches import dev_batch
from finetune.encoding.encode import encode_examples
from finetune.objectives import objective_of
from finetune.rows_read import rows_read
from finetune.tasks.example import Example, Span
from model.design import HeadDesign
from training.address import key_of

PAIRS = [Example("0", ("ab", "c"), (), 1.0), Example("1", ("d", "efg"), (), 4.0)]
# [CLS] a ##b [SEP] c [SEP]   [CLS] d [SEP] e ##f ##g [SEP]
TEXTS = [Example("0", ("ab",), (), "sad"), Example("1", ("c",), (), "glad")]
# [CLS] a ##b [SEP]   [CLS] c [SEP]
CHOICES = [Example("0", (), (), 1, (("a", "b"), ("a", "cd"))), Example("1", (), (), 0, (("e", "f"), ("e", "g")))]
POOLS = ("concat", "attention", "san")


def designed(spec, pool="row", **changes):
    return replace(spec, design=HeadDesign(pool=pool), **changes)


def taken(spec, examples, tokenizer):
    encoded = encode_examples(spec, "train", examples, tokenizer, 16)
    items = np.arange(len(encoded.items_I1) - 1)
    return encoded, encoded.take(items, items)


def test_a_row_head_reads_the_first_token_and_under_left_attention_the_last(single, tokenizer):
    for attention, rows in (("both", [0, 4]), ("right", [0, 4]), ("left", [3, 6])):
        spec = designed(single, attention=attention)
        _, sequences = taken(spec, TEXTS, tokenizer)
        read = rows_read(spec, sequences)
        assert (read.rows_M.tolist(), read.sequence_A.tolist(), read.runs_P1) == (rows, [0, 1], None)


def test_a_task_s_sequences_have_its_attention_kind_and_none_where_all_see_both_ways(single, tokenizer):
    assert taken(single, TEXTS, tokenizer)[1].kinds_N is None
    for attention, kind in (("left", 1), ("right", 2)):
        _, sequences = taken(designed(single, attention=attention), TEXTS, tokenizer)
        assert (sequences.kinds_N.tolist(), sequences.reaches_N.tolist()) == ([kind] * 2, [0, 0])


@pytest.mark.parametrize("pool", POOLS)
def test_a_head_that_pools_reads_every_token_of_a_sequence_with_its_segment_as_side(pool, pair, tokenizer):
    _, sequences = taken(designed(pair, pool), PAIRS, tokenizer)
    read = rows_read(designed(pair, pool), sequences)
    assert (read.rows_M.tolist(), read.runs_P1.tolist()) == (list(range(13)), [0, 6, 13])
    assert read.sides_M.tolist() == [0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 1, 1]
    assert read.sequence_A.tolist() == [0, 1]


def test_under_left_attention_a_concatenation_begins_with_the_last_token(single, tokenizer):
    spec = designed(single, "concat", attention="left")
    read = rows_read(spec, taken(spec, TEXTS, tokenizer)[1])
    assert (read.rows_M.tolist(), read.runs_P1.tolist()) == ([3, 2, 1, 0, 6, 5, 4], [0, 4, 7])


def test_a_siamese_head_reads_both_texts_as_sequences_of_their_own_with_one_label(pair, tokenizer):
    spec = designed(pair, "siamese")
    encoded, sequences = taken(spec, PAIRS, tokenizer)
    cls, sep = tokenizer.cls, tokenizer.sep
    assert sequences.lengths_N.tolist() == [4, 3, 3, 5]
    assert sequences.tokens_T[sequences.offsets_N1[:-1]].tolist() == [cls] * 4
    assert sequences.tokens_T[sequences.offsets_N1[1:] - 1].tolist() == [sep] * 4
    assert not sequences.segments_T.any()
    assert sequences.draws_N.tolist() == [0, 0, 1, 1]
    assert encoded.lengths_I.tolist() == [7, 8]
    _, rows = objective_of(spec).apply(sequences, key_of("any"))
    assert rows.rows_M.tolist() == list(range(15))
    assert rows.runs_P1.tolist() == [0, 7, 15]
    assert rows.sides_M.tolist() == [0] * 4 + [1] * 3 + [0] * 3 + [1] * 5
    assert rows.labels_M.tolist() == pytest.approx([0.2, 0.8])


def test_of_texts_read_apart_each_has_the_whole_length(pair, tokenizer):
    long = [Example("0", ("a " * 9, "b " * 9), (), 1.0)]
    apart, together = (encode_examples(spec, "dev", long, tokenizer, 12) for spec in (designed(pair, "siamese"), pair))
    assert (apart.lengths_N.tolist(), apart.truncated) == ([11, 11], 0)
    assert (together.lengths_N.tolist(), together.truncated) == ([12], 1)
    assert apart.fingerprint != together.fingerprint


def test_a_choice_that_pools_has_one_run_and_one_label_for_each_candidate_and_groups_of_these(choice, tokenizer):
    spec = designed(choice, "concat")
    _, sequences = taken(spec, CHOICES, tokenizer)
    _, rows = objective_of(spec).apply(sequences, key_of("any"))
    assert rows.runs_P1.tolist() == [0, 5, 11, 16, 21]
    assert (rows.labels_M.tolist(), rows.groups_G1.tolist()) == ([0, 1, 1, 0], [0, 2, 4])
    term = objective_of(spec).term(torch.zeros(4, 1), torch.from_numpy(rows.labels_M), torch.from_numpy(rows.groups_G1))
    assert (float(term.sum), term.count) == (pytest.approx(2 * np.log(2)), 2)


EXAMPLES = {
    "single": TEXTS,
    "pair": PAIRS,
    "choice": CHOICES,
    "tagging": [Example("0", (), ("ab", "c"), ("B-PER", "O")), Example("1", (), ("d",), ("O",))],
    "span": [Example("0", ("a", "b c d"), (), (Span("c", 2),)), Example("1", ("a", "e f"), (), (Span("e", 0),))],
}
CASES = [
    *(("single", pool, attention) for pool in ("row", "concat", "attention") for attention in ("both", "left")),
    *(("pair", pool, "both") for pool in ("row", *POOLS, "siamese")),
    ("choice", "row", "left"),
    ("choice", "san", "both"),
    ("tagging", "row", "left"),
    ("span", "row", "both"),
]


@pytest.mark.parametrize(("fixture", "pool", "attention"), CASES)
def test_training_and_answering_read_the_same_rows_runs_and_sides(fixture, pool, attention, request, tokenizer):
    spec = designed(request.getfixturevalue(fixture), pool, attention=attention)
    encoded, sequences = taken(spec, EXAMPLES[fixture], tokenizer)
    _, rows = objective_of(spec).apply(sequences, key_of("any"))
    batch = dev_batch(encoded, np.arange(2))
    (selection,) = batch.batch.selections
    assert selection.rows_M.tolist() == rows.rows_M.tolist()
    assert len(selection.labels_M) == len(rows.labels_M)
    for asked, trained in ((selection.runs_P1, rows.runs_P1), (selection.sides_M, rows.sides_M)):
        assert (asked is None) == (trained is None)
        assert asked is None or asked.tolist() == trained.tolist()
    assert encoded.tokens_T[batch.rows_M].tolist() == sequences.tokens_T[rows.rows_M].tolist()
    assert batch.rows_S1[-1] == len(rows.rows_M)


@pytest.mark.parametrize("fixture", ["tagging", "span"])
def test_what_is_read_does_not_depend_on_whether_the_split_shows_its_labels(fixture, request, tokenizer):
    spec, examples = request.getfixturevalue(fixture), EXAMPLES[fixture]
    hidden = [replace(example, label=None) for example in examples]
    shown, unshown = (rows_read(spec, taken(spec, rows, tokenizer)[1]).rows_M.tolist() for rows in (examples, hidden))
    assert shown == unshown
