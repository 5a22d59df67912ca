"""Texts to write beside their sources. Oracle: each example put together by hand."""

from dataclasses import replace

import numpy as np
import pytest

from finetune.encoding.encode import encode_examples
from finetune.source import TaskSource
from finetune.tasks.example import Example
from training.address import key_of

LENGTH = 8
TEXTS = (("ab", "c"), ("defghijk", "lm"), ("a b", "nopqrstuvw"), ("x", ""), ("y", "zz"))
KEY = key_of(1, "targets")


@pytest.fixture
def encoded(generation, tokenizer):
    """Five rows whose targets are written by a decoder, or behind their sources; some are too long."""

    def encode(written_by="decoder", label=True):
        spec = replace(generation, written_by=written_by)
        rows = [Example(str(place), (one,), (), two if label else None) for place, (one, two) in enumerate(TEXTS)]
        return encode_examples(spec, "train", rows, tokenizer, LENGTH)

    return encode


def whole(tokenizer, text, room):
    """[CLS] text [SEP], cut to fit; a word of n letters has n pieces."""
    return [tokenizer.cls, *tokenizer.encode([text])[0].tolist()[: room - 2], tokenizer.sep]


def test_a_decoder_has_its_targets_apart_each_beside_its_source(encoded, tokenizer):
    chosen = np.array([3, 0, 2, 1])
    taken = encoded().take(chosen, np.arange(4))
    targets = taken.targets
    for place, number in enumerate(chosen):
        source, target = TEXTS[number]
        assert list(taken.tokens_T[slice(*taken.offsets_N1[place : place + 2])]) == whole(tokenizer, source, LENGTH)
        mine = slice(*targets.offsets_J1[place : place + 2])
        assert list(targets.tokens_U[mine]) == whole(tokenizer, target, LENGTH)
        assert list(targets.positions_U[mine]) == list(range(len(targets.tokens_U[mine])))
    assert list(targets.memory_J) == [0, 1, 2, 3]


def test_under_a_prefix_source_and_target_are_one_sequence_in_two_segments(encoded, tokenizer):
    chosen = np.array([2, 4, 3])
    taken = encoded("prefix").take(chosen, np.arange(3))
    assert taken.targets is None
    for place, number in enumerate(chosen):
        mine = slice(*taken.offsets_N1[place : place + 2])
        source, target = (whole(tokenizer, text, LENGTH) for text in TEXTS[number])
        assert list(taken.tokens_T[mine]) == source + target[1:]
        assert list(taken.segments_T[mine]) == [0] * len(source) + [1] * (len(target) - 1)
        ordinary = ~np.isin(taken.tokens_T[mine], list(tokenizer.specials))
        assert list(taken.maskable_T[mine]) == list(ordinary)


def test_two_texts_are_both_of_the_first_segment_under_a_prefix(generation, tokenizer):
    spec = replace(generation, fields=("a", "b"), written_by="prefix")
    taken = encode_examples(spec, "train", [Example("0", ("a", "b"), (), "c")], tokenizer, LENGTH).take(
        np.arange(1), np.arange(1)
    )
    assert list(taken.segments_T) == [0, 0, 0, 0, 0, 1, 1]


@pytest.mark.parametrize("written_by", ["decoder", "prefix", "left"])
def test_an_item_is_as_long_as_source_and_target_together(encoded, written_by):
    task = encoded(written_by)
    source = TaskSource(task)
    for draw in range(len(TEXTS)):
        drawn = source.draw(np.array([draw]), KEY)
        count = len(drawn.tokens_T) + (0 if drawn.targets is None else len(drawn.targets.tokens_U))
        assert source.lengths(np.array([draw]), KEY)[0] == count <= source.longest
    assert source.longest == int(task.lengths_I.max())


def test_a_row_is_counted_as_cut_where_its_source_or_its_target_is(encoded):
    assert encoded().truncated == 2  # "defghijk" is cut as a source, "nopqrstuvw" as a target


def test_who_answers_sees_the_sources_alone(encoded):
    for written_by in ("decoder", "prefix", "left"):
        asked = encoded(written_by).unanswered
        taken = asked.take(np.arange(len(TEXTS)), np.arange(len(TEXTS)))
        blind = encoded(written_by, label=False).take(np.arange(len(TEXTS)), np.arange(len(TEXTS)))
        assert taken.targets is None
        assert np.array_equal(taken.tokens_T, blind.tokens_T)
        assert np.array_equal(taken.segments_T, np.zeros(len(taken.tokens_T)))


def test_references_are_in_lower_case_where_the_vocabulary_is_and_are_the_text_itself(generation, tokenizer):
    rows = [Example("0", ("a",), (), "Äbc  D e.")]
    assert tokenizer.lowercase
    assert encode_examples(generation, "dev", rows, tokenizer, LENGTH).gold == ("äbc  d e.",)


def test_another_target_is_another_content(encoded, generation, tokenizer):
    rows = [Example(str(place), (one,), (), two + "q") for place, (one, two) in enumerate(TEXTS)]
    other = encode_examples(generation, "train", rows, tokenizer, LENGTH)
    assert other.fingerprint != encoded().fingerprint == encoded().fingerprint
