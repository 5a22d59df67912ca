"""A text that is read in each direction apart. Oracles: the same text read in one direction alone; a changed word."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from finetune.answering.dev_batches import dev_batch, dev_batches
from finetune.answering.predictions import in_order, predict
from finetune.distill import Distill, TaughtSource
from finetune.encoding.encode import encode_examples
from finetune.objectives import objective_of
from finetune.rows_read import rows_read
from finetune.tasks.example import Example
from model.config import EncoderConfig, HeadSpec
from model.design import HeadDesign
from model.kinds import LEFT, RIGHT
from model.network import Network
from model.reading import Reading, side_by_side
from training.address import key_of
from training.batching import lay_flat

MIXING = HeadDesign(pool="lstm", width=8, layers="mix", mix_at="both")
CONFIG = EncoderConfig(57, layers=2, hidden=16, heads=2, feed_forward=32, positions=32, initializer_range=0.5)
TEXTS = [Example("0", ("ab",), (), "sad"), Example("1", ("c",), (), "glad")]
# [CLS] a ##b [SEP]   [CLS] c [SEP]
WORDS = [Example("0", (), ("a", "bc"), ("O", "B-PER")), Example("1", (), ("def", "g", "h"), ("O", "O", "B-LOC"))]
# [CLS] a b ##c [SEP]   [CLS] d ##e ##f g h [SEP]
CHOICES = [Example("0", (), (), 1, (("a", "b"), ("a", "cd"))), Example("1", (), (), 0, (("e", "f"), ("e", "g")))]
EXAMPLES = {"single": TEXTS, "tagging": WORDS, "choice": CHOICES}


def asked(spec, attention="apart"):
    return replace(spec, attention=attention, design=MIXING)


def encoded_of(request, fixture, attention="apart"):
    tokenizer = request.getfixturevalue("tokenizer")
    return encode_examples(
        asked(request.getfixturevalue(fixture), attention), "train", EXAMPLES[fixture], tokenizer, 16
    )


def everything(encoded):
    return np.arange(len(encoded.items_I1) - 1)


def taken(encoded):
    return encoded.take(everything(encoded), everything(encoded))


def layers_read(encoded, changed=None):
    """(K, M, D): every layer of the rows that a task reads in one way, with another token at a place of its text."""
    sequences = taken(encoded)
    tokens_T = sequences.tokens_T.copy()
    if changed is not None:
        tokens_T[sequences.positions_T == changed] = 50
    sequences = replace(sequences, tokens_T=tokens_T)
    read = rows_read(encoded.spec, sequences)
    network = Network(CONFIG, [HeadSpec("mix", "tagging", 2, MIXING)], seed=4).eval()
    with torch.no_grad():
        layers_KMD = network._layers(
            lay_flat([sequences], ()), network._implementation(torch.device("cpu")), torch.from_numpy(read.rows_M)
        )
    if encoded.spec.attention != "apart":
        return layers_KMD
    reading = Reading(
        layers_KMD[-1], torch.from_numpy(read.runs_P1), torch.from_numpy(read.sides_M), layers_KMD=layers_KMD
    )
    return side_by_side(reading).layers_KMD


@pytest.mark.parametrize("fixture", ["single", "tagging"])
def test_the_halves_are_what_one_direction_alone_gives(request, fixture):
    both_KUD = layers_read(encoded_of(request, fixture))
    for half, attention in zip(both_KUD.split(CONFIG.hidden, dim=-1), ("left", "right"), strict=True):
        alone_KUD = layers_read(encoded_of(request, fixture, attention))
        assert torch.allclose(half, alone_KUD, atol=1e-6)
    assert not torch.allclose(*both_KUD[1:].split(CONFIG.hidden, dim=-1), atol=0.1)


@pytest.mark.parametrize("place", range(4))
def test_a_half_changes_where_it_has_seen_the_changed_token_and_not_by_a_bit_elsewhere(request, place):
    encoded = encoded_of(request, "single")
    same_KUD = (layers_read(encoded) == layers_read(encoded, place))[1:, :4]  # the blocks, of the first text
    for same_U2 in same_KUD.unflatten(-1, (2, CONFIG.hidden)).all(-1):
        assert same_U2.tolist() == [[t < place, t > place] for t in range(4)]


def test_a_text_is_in_a_batch_once_in_each_direction_and_counts_twice(request):
    encoded = encoded_of(request, "single")
    sequences = taken(encoded)
    assert sequences.kinds_N.tolist() == [LEFT, RIGHT, LEFT, RIGHT]
    assert sequences.lengths_N.tolist() == [4, 4, 3, 3]
    assert sequences.tokens_T[:4].tolist() == sequences.tokens_T[4:8].tolist()
    assert sequences.draws_N.tolist() == [0, 0, 1, 1]
    assert encoded.lengths_I.tolist() == [8, 6]
    assert [len(batch.sequences_S) for batch in dev_batches(encoded, 13)] == [1, 1]
    assert [len(batch.sequences_S) for batch in dev_batches(encoded, 14)] == [2]


def test_a_text_is_one_run_of_both_directions_with_one_label(request):
    encoded = encoded_of(request, "single")
    _, rows = objective_of(encoded.spec).apply(taken(encoded), key_of("any"))
    assert rows.rows_M.tolist() == list(range(14))
    assert rows.runs_P1.tolist() == [0, 8, 14]
    assert rows.sides_M.tolist() == [0] * 4 + [1] * 4 + [0] * 3 + [1] * 3
    assert rows.labels_M.tolist() == [0, 1]


def test_a_word_has_a_row_of_each_direction_and_one_tag(request):
    encoded = encoded_of(request, "tagging")
    _, rows = objective_of(encoded.spec).apply(taken(encoded), key_of("any"))
    assert rows.rows_M.tolist() == [1, 2, 6, 7, 11, 14, 15, 18, 21, 22]
    assert rows.runs_P1.tolist() == [0, 4, 10]
    assert rows.sides_M.tolist() == [0, 0, 1, 1, 0, 0, 0, 1, 1, 1]
    assert rows.labels_M.tolist() == [0, 1, 0, 0, 3]
    batch = dev_batch(encoded, everything(encoded))
    assert encoded.word_T[batch.rows_M].tolist() == [0, 1, 0, 1, 2]
    assert (batch.sequences_S.tolist(), batch.rows_S1.tolist()) == ([0, 1], [0, 2, 5])


def test_a_choice_has_one_label_for_each_candidate_and_groups_of_these(request):
    encoded = encoded_of(request, "choice")
    _, rows = objective_of(encoded.spec).apply(taken(encoded), key_of("any"))
    assert (rows.labels_M.tolist(), rows.groups_G1.tolist()) == ([0, 1, 1, 0], [0, 2, 4])
    assert len(rows.runs_P1) == 5


def test_a_teacher_s_answer_is_one_for_each_text(request):
    encoded = encoded_of(request, "single")
    shares_EC = np.array([[0.9, 0.1], [0.2, 0.8]], dtype=np.float32)
    sequences = TaughtSource(encoded, shares_EC).draw(np.arange(2), key_of("any"))
    _, rows = Distill(encoded.spec, 1.0).apply(sequences, key_of("any"))
    assert sorted(rows.labels_M.tolist()) == sorted(shares_EC.tolist())


@pytest.mark.parametrize("fixture", EXAMPLES)
def test_training_and_answering_read_the_same_rows(request, fixture):
    encoded = encoded_of(request, fixture)
    _, rows = objective_of(encoded.spec).apply(taken(encoded), key_of("any"))
    (selection,) = dev_batch(encoded, everything(encoded)).batch.selections
    for name in ("rows_M", "runs_P1", "sides_M"):
        assert getattr(selection, name).tolist() == getattr(rows, name).tolist(), name
    assert len(selection.labels_M) == len(rows.labels_M)


@pytest.mark.parametrize("fixture", EXAMPLES)
def test_every_example_has_one_answer_whatever_stands_beside_it(request, fixture):
    encoded = encoded_of(request, fixture)
    spec = encoded.spec
    network = Network(CONFIG, [HeadSpec(spec.name, spec.kind, spec.outputs, MIXING, apart=True)], seed=4).eval()
    alone, together = (
        in_order(predict(network, encoded, batches), encoded)
        for batches in ([dev_batch(encoded, np.array([i])) for i in (0, 1)], dev_batches(encoded, 100))
    )
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one.answer, other.answer)
        assert one.scores is None or np.allclose(one.scores, other.scores, rtol=0, atol=1e-5)
    if fixture == "tagging":
        assert [len(one.answer) for one in alone] == [2, 3]
