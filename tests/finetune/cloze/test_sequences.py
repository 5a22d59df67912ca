"""Examples in words. Oracle: the sequences written out by hand."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from finetune.cloze.given import Cloze
from finetune.encoding.encode import encode_examples
from finetune.rows_read import rows_read
from finetune.tasks.example import Example
from model.kinds import LEFT
from tokenization.errors import RecipeError

EXAMPLES = [Example("0", ("it",), (), "glad"), Example("1", ("how is it",), (), "sad")]


def written(encoded, tokenizer):
    """Each sequence, pieces without their marks, apart by spaces."""
    pieces = [tokenizer.piece(int(token)).removeprefix("##") for token in encoded.tokens_T]
    return [" ".join(pieces[a:b]) for a, b in itertools.pairwise(encoded.offsets_N1.tolist())]


def test_a_cloze_has_a_gap_of_each_length_that_its_words_have(cloze, tokenizer):
    encoded = encode_examples(cloze, "train", EXAMPLES, tokenizer, 32)
    assert written(encoded, tokenizer) == [
        "[CLS] i t w a s [MASK] [MASK] z [SEP]",
        "[CLS] i t w a s [MASK] [MASK] [MASK] z [SEP]",
        "[CLS] h o w i s i t w a s [MASK] [MASK] z [SEP]",
        "[CLS] h o w i s i t w a s [MASK] [MASK] [MASK] z [SEP]",
    ]
    assert encoded.items_I1.tolist() == [0, 2, 4]
    assert encoded.example_N.tolist() == [0, 0, 1, 1]
    assert (encoded.tokens_T[encoded.asked_T] == tokenizer.mask).all()
    assert encoded.asked_T.sum() == (encoded.tokens_T == tokenizer.mask).sum() == 10


def test_words_of_one_length_need_one_sequence(cloze, tokenizer):
    same = replace(cloze, cloze=replace(cloze.cloze, words={"sad": "no", "glad": "ok"}))
    encoded = encode_examples(same, "train", EXAMPLES, tokenizer, 32)
    assert written(encoded, tokenizer)[0] == "[CLS] i t w a s [MASK] [MASK] z [SEP]"
    assert encoded.items_I1.tolist() == [0, 1, 2]


def test_only_the_text_of_the_example_may_be_masked(cloze, tokenizer):
    encoded = encode_examples(cloze, "train", EXAMPLES[:1], tokenizer, 32)
    assert np.flatnonzero(encoded.maskable_T).tolist() == [1, 2, 10 + 1, 10 + 2]


def test_a_mask_that_a_text_writes_is_no_gap(cloze, tokenizer):
    (one,) = encode_examples(cloze, "train", [Example("0", ("[MASK]",), (), "sad")], tokenizer, 64).ids
    encoded = encode_examples(cloze, "train", [Example("0", ("[MASK]",), (), "sad")], tokenizer, 64)
    assert one == "0"
    assert (encoded.tokens_T == tokenizer.mask).sum() == encoded.asked_T.sum() == 2 + 3


@pytest.mark.parametrize("length", [11, 12, 13, 16, 30])
def test_texts_are_cut_until_the_longest_gap_fits_and_the_pattern_stays_whole(cloze, tokenizer, length):
    encoded = encode_examples(cloze, "train", EXAMPLES[1:], tokenizer, length)
    short, long = written(encoded, tokenizer)
    room = min(7, length - len(["[CLS]", "w", "a", "s", "[MASK]", "[MASK]", "[MASK]", "z", "[SEP]"]))
    text = " ".join("howisit"[:room])
    assert long == f"[CLS] {text} w a s [MASK] [MASK] [MASK] z [SEP]"
    assert short == f"[CLS] {text} w a s [MASK] [MASK] z [SEP]"
    assert encoded.truncated == int(room < 7)
    assert encoded.lengths_N.max() <= length


def test_a_length_without_room_for_text_is_refused(cloze, tokenizer):
    with pytest.raises(RecipeError, match=r"tasks.mood.length: 9 tokens given; .* take 9, .* At least 10 are needed"):
        encode_examples(cloze, "train", EXAMPLES, tokenizer, 9)


def test_segment_1_begins_at_the_mark(two_texts, tokenizer):
    examples = [Example("0", ("ab", "cd"), (), "sad")]
    encoded = encode_examples(two_texts, "train", examples, tokenizer, 32)
    assert written(encoded, tokenizer) == ["[CLS] a b q [SEP] [MASK] k c d [SEP]"]
    assert encoded.segments_T.tolist() == [0] * 5 + [1] * 5
    whole = replace(two_texts, cloze=Cloze("{one} q {mask} k {two}", two_texts.cloze.words))
    encoded = encode_examples(whole, "train", examples, tokenizer, 32)
    assert written(encoded, tokenizer) == ["[CLS] a b q [MASK] k c d [SEP]"]
    assert not encoded.segments_T.any()


def test_of_two_texts_the_longer_one_is_cut_first(two_texts, tokenizer):
    examples = [Example("0", ("abcdef", "gh"), (), "sad")]
    encoded = encode_examples(two_texts, "train", examples, tokenizer, 6 + 5)
    assert written(encoded, tokenizer) == ["[CLS] a b c q [SEP] [MASK] k g h [SEP]"]


def test_a_prompt_has_a_sequence_for_each_answer_and_is_read_before_its_pieces(prompt, tokenizer):
    encoded = encode_examples(prompt, "train", EXAMPLES[:1], tokenizer, 32)
    assert written(encoded, tokenizer) == ["[CLS] s o i t i s b a d", "[CLS] s o i t i s o k"]
    taken = encoded.take(np.arange(1), np.arange(1))
    rows = rows_read(prompt, taken).rows_M
    following = [tokenizer.piece(int(token)).removeprefix("##") for token in taken.tokens_T[rows + 1]]
    assert following == ["b", "a", "d", "o", "k"]
    assert (taken.kinds_N == LEFT).all()


def test_another_pattern_or_other_words_are_other_content(cloze, prompt, tokenizer):
    changed = [
        cloze,
        replace(cloze, cloze=replace(cloze.cloze, pattern="{text} is {mask} z")),
        replace(cloze, cloze=replace(cloze.cloze, words={"sad": "sad", "glad": "ok"})),
        replace(cloze, cloze=replace(cloze.cloze, words={"sad": "ok", "glad": "bad"})),
        prompt,
        replace(prompt, prompt=replace(prompt.prompt, per_token=True)),
    ]
    found = {encode_examples(spec, "train", EXAMPLES, tokenizer, 32).fingerprint for spec in changed}
    assert len(found) == len(changed)
