"""Questions and windows of their contexts. Oracle: the text itself, by its characters."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from finetune.answering.dev_batches import dev_batches
from finetune.answering.predictions import in_order, read_off
from finetune.encoding.assemble import texts_of
from finetune.encoding.encode import encode_examples
from finetune.encoding.encoded import ENDS, STARTS
from finetune.encoding.windows import cut_windows, stops_of
from finetune.reading.read import read_examples
from finetune.tasks.example import Example, Span
from finetune.tasks.table import TASKS
from tokenization.errors import DataError
from tokenization.tokenizer_files import SPECIALS, bert_tokenizer
from tokenization.vocabulary import Tokenizer

TEXT = "The  Old-Cat\tsat; on a  MAT, and slept (well) there for 3 days."


def asked(answer, text=TEXT, question="who", nth=0, identity="0"):
    """A question whose answer is the nth occurrence of some text; None for a question without one."""
    start = -1
    for _ in range(nth + 1):
        start = text.index(answer, start + 1) if answer else start
    return Example(identity, (question, text), (), (Span(answer, start),) if answer else ())


def there_and_back(encoded):
    """The answers through the windows and back, by logits of 9 where the labels say start or end, 0 elsewhere."""
    items_I = np.arange(len(encoded.items_I1) - 1)
    bits_T = torch.from_numpy(np.maximum(encoded.take(items_I, items_I).row_labels_T, 0))
    logits_T2 = torch.stack([bits_T & STARTS, bits_T & ENDS], dim=1).bool() * 9.0
    batches = dev_batches(encoded, 10**4)
    partials = [part for batch in batches for part in read_off(encoded, batch, logits_T2[batch.rows_M])]
    return [prediction.answer for prediction in in_order(partials, encoded)]


@given(st.integers(0, 30), st.integers(0, 90), st.integers(2, 40), st.integers(0, 30))
def test_windows_cover_every_token_and_share_as_many_as_asked(question, context, room, overlap):
    example_N, kept_N, start_N, count_N = cut_windows(np.array([question]), np.array([context]), room, overlap)
    stretches = [range(start, start + count) for start, count in zip(start_N.tolist(), count_N.tolist(), strict=True)]
    assert set().union(*stretches) == set(range(context))
    assert set(example_N.tolist()) == {0}
    assert set(kept_N.tolist()) == {min(question, room // 2)}
    assert max(kept_N + count_N) <= room
    left = room - min(question, room // 2)
    shared = [len(set(one) & set(two)) for one, two in pairwise(stretches)]
    assert set(shared) <= {min(overlap, left // 2)}


def test_a_context_that_fits_is_one_window_laid_out_as_a_pair(span, pair, tokenizer):
    examples = [asked("sat", "the cat sat")]
    encoded = encode_examples(span, "dev", examples, tokenizer, 32)
    like = encode_examples(pair, "dev", [replace(examples[0], label=1.0)], tokenizer, 32)
    for name in ("tokens_T", "segments_T", "maskable_T", "offsets_N1"):
        assert getattr(encoded, name).tolist() == getattr(like, name).tolist()


@pytest.mark.parametrize("answer", ["The  Old", "Old-Cat", "Cat\tsat", "MAT", "(well)", "slept (well", TEXT])
def test_an_answer_comes_back_in_its_own_case_and_spacing(span, tokenizer, answer):
    encoded = encode_examples(replace(span, longest_answer=512), "dev", [asked(answer)], tokenizer, 512)
    assert there_and_back(encoded) == [answer]


def test_an_answer_in_a_later_window_comes_back_from_there(span, tokenizer):
    encoded = encode_examples(span, "dev", [asked("there"), asked("sat", identity="1")], tokenizer, 20)
    assert len(encoded.lengths_N) > 6
    assert there_and_back(encoded) == ["there", "sat"]


def test_a_window_that_does_not_hold_the_whole_answer_points_at_cls(span, tokenizer):
    examples = [asked("cd", "abcd" * 8)]
    encoded = encode_examples(span, "train", examples, tokenizer, 20)
    starts, ends = encoded.windows.answers_N2.T
    assert (len(starts), starts[0], ends[0]) == (3, 1 + 3 + 1 + 2, 1 + 3 + 1 + 3)
    assert starts[1:].tolist() == ends[1:].tolist() == [0, 0]
    labels_T = encoded.take(np.arange(2), np.arange(2)).row_labels_T
    first, second = labels_T[: encoded.lengths_N[0]], labels_T[encoded.lengths_N[0] :]
    assert first.tolist() == [0, -100, -100, -100, -100, 0, 0, STARTS, ENDS, *[0] * 10, -100]
    assert (second[0], set(second[1:].tolist())) == (STARTS | ENDS, {0, -100})


def test_the_right_answer_is_the_occurrence_that_was_marked(span, tokenizer):
    encoded = encode_examples(span, "dev", [asked("ab", "ab c ab d ab", nth=1)], tokenizer, 32)
    assert encoded.windows.answers_N2.tolist() == [[5 + 3, 5 + 4]]


def test_of_several_right_answers_the_first_that_tokens_can_give_back_is_trained_on(span):
    numbers = Tokenizer(
        bert_tokenizer({name: n for n, name in enumerate([*SPECIALS, "34", "4", "个"])}, lowercase=True)
    )
    answers = (Span("4个", 1), Span("4个", 4))
    encoded = encode_examples(span, "train", [Example("0", ("4", "34个 4个"), (), answers)], numbers, 16)
    assert encoded.windows.answers_N2.tolist() == [[3 + 2, 3 + 3]]
    only = encode_examples(span, "train", [Example("0", ("4", "34个"), (), answers[:1])], numbers, 16)
    assert there_and_back(only) == ["34个"]


def test_the_tokens_of_one_character_share_its_stretch():
    assert stops_of(np.array([0, 0, 1, 0, 2]), np.array([3, 2]), np.array([2, 4])).tolist() == [1, 1, 2, 2, 4]


def test_questions_whose_answer_is_not_in_the_text_are_counted_and_not_trained_on(span, tokenizer):
    lost = Example("1", ("who", TEXT), (), (Span("dog", -1),))
    encoded = encode_examples(span, "train", [asked("sat"), lost, asked("days", identity="2")], tokenizer, 24)
    trained = encoded.example_N[encoded.items_I1[encoded.trained_I]]
    assert set(trained.tolist()) == {0, 2}
    assert (encoded.untrained, len(encoded), encoded.gold[1]) == (1, 3, ("dog",))


def test_an_answer_longer_than_any_window_is_not_trained_on_as_no_answer(span, tokenizer):
    encoded = encode_examples(span, "train", [asked(TEXT)], tokenizer, 24)
    assert (len(encoded.trained_I), encoded.untrained) == (0, 1)


def test_questions_without_an_answer_are_refused_unless_the_task_declares_them(span, tokenizer):
    with pytest.raises(DataError, match=r"1 questions have no answer, the first '0'.*reading\.unanswerable: true"):
        encode_examples(span, "train", [asked("")], tokenizer, 24)
    encoded = encode_examples(replace(span, unanswerable=True), "train", [asked("")], tokenizer, 24)
    assert encoded.gold == ((),)
    assert not encoded.windows.answers_N2.any()
    assert there_and_back(encoded) == [""]


def test_a_text_without_any_token_is_a_window_and_answers_nothing(span, tokenizer):
    encoded = encode_examples(span, "test", [Example("0", ("who", " "), (), None)], tokenizer, 24)
    assert encoded.gold is None
    assert encoded.lengths_N.tolist() == [6]
    (batch,) = dev_batches(encoded, 100)
    assert [one.answer for one in in_order(read_off(encoded, batch, torch.zeros(1, 2)), encoded)] == [""]


def test_a_context_of_many_questions_is_cut_into_tokens_once(span):
    examples = [asked("sat", identity=str(number)) for number in range(5)]
    assert len(texts_of(span, examples).texts) == 2


@pytest.mark.data
@pytest.mark.parametrize(
    "answer", ["Beyoncé  Giselle", "Destiny's Child", "$3.5\u00a0million", "U.S.", "(2003)", "Cafe\u0301", "R&B", "Ⅳ"]
)
def test_english_comes_back_as_written_though_the_vocabulary_is_uncased(span, data: Path, answer):
    text = (
        "Beyoncé  Giselle sang in Destiny's Child;\n it made $3.5\u00a0million in the U.S. (2003), "
        "at the Cafe\u0301 of R&B, part Ⅳ."
    )
    uncased = Tokenizer.load(data / "vocab/bert-base-uncased.txt", lowercase=True)
    encoded = encode_examples(span, "dev", [asked(answer, text)], uncased, 40)
    assert there_and_back(encoded) == [answer]


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("length", [512, 384])
def test_the_right_answers_of_cmrc2018_come_back_through_our_windows(data: Path, length):
    tokenizer = Tokenizer.load(data / "vocab/bert-base-chinese.txt", lowercase=True)
    spec = TASKS["cmrc2018"]
    examples = [one for one in read_examples(spec, data, "dev") if any(span.start >= 0 for span in one.label)]
    encoded = encode_examples(spec, "dev", examples, tokenizer, length)
    assert len(examples) >= 3210
    assert len(encoded.lengths_N) > len(examples)
    answers = there_and_back(encoded)
    wrong = [one.id for one, text in zip(examples, answers, strict=True) if text not in stripped(one)]
    assert wrong == []


def stripped(example):
    return {span.text.strip() for span in example.label}
