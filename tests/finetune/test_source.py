import numpy as np
import pytest

from finetune.encoding.encode import encode_examples
from finetune.source import TaskSource, TextOfTasks
from finetune.tasks.example import Example, Span
from tokenization.errors import DataError
from training.address import key_of

KEY = key_of(1, "stage", "stream")


@pytest.fixture
def singles(single, tokenizer):
    examples = [Example(str(n), ("a" * (n + 1),), (), ("sad", "glad")[n % 2]) for n in range(7)]
    return encode_examples(single, "train", examples, tokenizer, 32)


@pytest.fixture
def pairs(pair, tokenizer):
    examples = [Example(str(n), ("b" * (n + 1), "c"), (), float(n)) for n in range(4)]
    return encode_examples(pair, "train", examples, tokenizer, 32)


@pytest.mark.parametrize("epoch", [0, 3])
def test_every_example_is_drawn_once_per_epoch_with_its_own_label(singles, epoch):
    source = TaskSource(singles)
    drawn = source.draw(np.arange(7) + 7 * epoch, KEY)
    assert sorted(drawn.lengths_N.tolist()) == [n + 3 for n in range(7)]
    assert drawn.labels_N.tolist() == [(length - 3) % 2 for length in drawn.lengths_N.tolist()]
    assert drawn.draws_N.tolist() == (np.arange(7) + 7 * epoch).tolist()


def test_epochs_differ_in_order_and_a_draw_does_not_depend_on_its_neighbours(singles):
    source = TaskSource(singles)
    whole = source.draw(np.arange(21), KEY).lengths_N
    assert [source.draw(np.array([draw]), KEY).lengths_N[0] for draw in range(21)] == whole.tolist()
    assert len({tuple(whole[start : start + 7]) for start in (0, 7, 14)}) == 3


def test_lengths_are_those_of_the_drawn_sequences(singles, pairs):
    draws = np.array([5, 0, 12])
    for source in (TaskSource(singles), TextOfTasks((singles, pairs))):
        assert source.lengths(draws, KEY).tolist() == source.draw(draws, KEY).lengths_N.tolist()


def test_a_source_declares_its_shape_and_sizes(singles, pairs):
    one, two = TaskSource(singles), TaskSource(pairs)
    assert (one.shape, one.size, one.mean_length, one.longest) == ("sentence", 7, 6.0, 9)
    assert (two.shape, two.size, two.longest) == ("pair", 4, 8)
    assert one.fingerprint == singles.fingerprint != two.fingerprint


@pytest.fixture
def choices(choice, tokenizer):
    rows = [tuple(("a" * (n + 1), "b" * (m + 1)) for m in range(2 + n % 2)) for n in range(5)]
    return encode_examples(
        choice, "train", [Example(str(n), (), (), n % 2, row) for n, row in enumerate(rows)], tokenizer, 32
    )


def test_the_candidates_of_an_example_are_drawn_together_and_count_as_one(choices):
    source, draws = TaskSource(choices), np.array([3, 8, 11])
    drawn = source.draw(draws, KEY)
    assert (source.shape, source.size) == ("pair", 5)
    assert np.unique(drawn.draws_N).tolist() == draws.tolist()
    items = np.split(drawn.labels_N, np.flatnonzero(np.diff(drawn.draws_N)) + 1)
    assert [item.sum() for item in items] == [1, 1, 1]
    totals = [drawn.lengths_N[drawn.draws_N == draw].sum() for draw in draws]
    assert source.lengths(draws, KEY).tolist() == totals
    assert TextOfTasks((choices,)).size == len(choices.lengths_N) == 12


def test_each_window_of_a_text_is_drawn_by_itself_and_lost_answers_never(span, tokenizer):
    text = "ab cd ef gh ij kl"
    examples = [
        Example("0", ("q", text), (), (Span("cd", 3),)),
        Example("1", ("r", text), (), (Span("zz", -1),)),
    ]
    encoded = encode_examples(span, "train", examples, tokenizer, 10)
    source = TaskSource(encoded)
    assert source.size == len(encoded.lengths_N) // 2 > 1
    drawn = source.draw(np.arange(source.size), KEY)
    (r,) = tokenizer.encode(["r"])[0].tolist()
    assert r not in drawn.tokens_T[drawn.segments_T == 0]
    with pytest.raises(DataError, match="no answer that stands in its text"):
        TaskSource(encode_examples(span, "train", examples[1:], tokenizer, 10))


def test_the_text_of_tasks_is_each_of_their_sequences_once_without_labels(singles, pairs):
    source = TextOfTasks((singles, pairs))
    drawn = source.draw(np.arange(11), KEY)
    assert drawn.labels_N is None
    assert drawn.row_labels_T is None
    found = np.split(np.stack([drawn.tokens_T, drawn.segments_T, drawn.maskable_T]), drawn.offsets_N1[1:-1], axis=1)
    known = [
        np.stack([task.tokens_T, task.segments_T, task.maskable_T])[:, start:stop]
        for task in (singles, pairs)
        for start, stop in zip(task.offsets_N1, task.offsets_N1[1:], strict=False)
    ]
    assert sorted(part.tolist() for part in found) == sorted(part.tolist() for part in known)
    assert (source.shape, source.size) == ("block", 11)


def test_a_split_that_hides_its_labels_cannot_be_trained_on(single, tokenizer):
    hidden = encode_examples(single, "test", [Example("0", ("a",), (), None)], tokenizer, 32)
    with pytest.raises(DataError, match="split 'test' has no labels"):
        TaskSource(hidden)
    assert TextOfTasks((hidden,)).size == 1
