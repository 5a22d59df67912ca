from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.encoding.assemble import kept
from finetune.encoding.encode import encode_examples
from finetune.reading.read import read_examples
from finetune.tasks.example import Example
from finetune.tasks.table import TASKS
from tokenization.errors import RecipeError
from tokenization.vocabulary import Tokenizer


def popped(first: int, second: int, room: int) -> tuple[int, int]:
    """BERT's own `_truncate_seq_pair`: take one token off the longer side until it fits."""
    while first + second > room:
        first, second = (first - 1, second) if first > second else (first, second - 1)
    return first, second


@given(st.integers(0, 40), st.integers(0, 40), st.integers(2, 50))
def test_a_pair_is_cut_as_by_taking_tokens_off_the_longer_side_one_by_one(first, second, room):
    assert kept(first, second, room) == popped(first, second, room)


def test_a_single_text_is_laid_out_between_specials(single, tokenizer):
    encoded = encode_examples(single, "dev", [Example("0", ("ab c",), (), "glad")], tokenizer, 16)
    a, b, c = (tokenizer.encode(["ab c"])[0]).tolist()
    assert encoded.tokens_T.tolist() == [tokenizer.cls, a, b, c, tokenizer.sep]
    assert encoded.segments_T.tolist() == [0] * 5
    assert encoded.maskable_T.tolist() == [False, True, True, True, False]
    assert (encoded.gold, encoded.truncated) == ((1,), 0)


def test_segment_one_covers_the_second_text_and_its_separator(pair, tokenizer):
    encoded = encode_examples(pair, "dev", [Example("0", ("a", "b c"), (), 2.5)], tokenizer, 16)
    assert encoded.segments_T.tolist() == [0, 0, 0, 1, 1, 1]
    assert encoded.maskable_T.tolist() == [False, True, False, True, True, False]


def test_an_unknown_piece_is_never_masked(single, tokenizer):
    encoded = encode_examples(single, "dev", [Example("0", ("a 7",), (), "sad")], tokenizer, 16)
    assert encoded.maskable_T.tolist() == [False, True, False, False]


def test_truncation_fills_the_length_and_is_counted_in_examples(pair, tokenizer):
    examples = [Example("0", ("a" * 9, "b" * 9), (), 1.0), Example("1", ("a", "b"), (), 1.0)]
    encoded = encode_examples(pair, "dev", examples, tokenizer, 10)
    assert encoded.lengths_N.tolist() == [10, 5]
    assert encoded.truncated == 1


def test_a_tag_stands_on_the_first_piece_of_its_word_and_nowhere_else(tagging, tokenizer):
    examples = [
        Example("0", (), ("ab", "c"), ("B-PER", "O")),
        Example("1", (), ("d", "efg", "h"), ("O", "B-LOC", "I-LOC")),
    ]
    encoded = encode_examples(tagging, "dev", examples, tokenizer, 16)
    taken = encoded.take(np.array([1, 0]), np.array([7, 8]))
    assert taken.row_labels_T.tolist() == [-100, 0, 3, -100, -100, 4, -100, -100, 1, -100, 0, -100]
    assert taken.labels_N is None


def test_words_beyond_the_length_lose_their_rows_but_not_their_gold(tagging, tokenizer):
    examples = [Example("0", (), ("a", "bcd", "e"), ("O", "B-PER", "B-PER"))]
    encoded = encode_examples(tagging, "dev", examples, tokenizer, 5)
    assert encoded.word_T.tolist() == [-1, 0, 1, -1, -1]
    assert encoded.gold[0].tolist() == [0, 1, 1]
    assert encoded.truncated == 1


def test_taking_examples_is_the_same_as_encoding_them_alone_and_in_that_order(pair, tokenizer):
    examples = [Example(str(n), ("a" * n, "b" * (5 - n)), (), float(n)) for n in range(1, 5)]
    whole = encode_examples(pair, "dev", examples, tokenizer, 16)
    chosen = np.array([3, 0, 3])
    taken = whole.take(chosen, chosen)
    alone = encode_examples(pair, "dev", [examples[n] for n in chosen], tokenizer, 16)
    for name in ("tokens_T", "segments_T", "maskable_T", "offsets_N1"):
        assert getattr(taken, name).tolist() == getattr(alone, name).tolist()
    assert taken.labels_N.tolist() == list(alone.gold)
    assert taken.labels_N.dtype == np.float32


def test_a_split_is_kept_narrow_and_taken_wide(pair, tokenizer):
    encoded = encode_examples(pair, "dev", [Example("0", ("a", "b"), (), 1.0)], tokenizer, 16)
    kept = (encoded.tokens_T, encoded.segments_T, encoded.maskable_T)
    assert sum(array.itemsize for array in kept) == 6
    taken = encoded.take(np.arange(1), np.arange(1))
    assert taken.tokens_T.dtype == taken.segments_T.dtype == np.int64


def test_a_large_split_is_laid_out_as_its_parts_are(pair, tokenizer):
    """Sequences are laid some thousands at a time."""
    examples = [Example(str(n), ("a" * (n % 7), "b" * (n % 5)), (), 1.0) for n in range(20_000)]
    whole = encode_examples(pair, "dev", examples, tokenizer, 9)
    parts = [encode_examples(pair, "dev", examples[n : n + 3_000], tokenizer, 9) for n in range(0, 20_000, 3_000)]
    for name in ("tokens_T", "segments_T", "maskable_T", "lengths_N"):
        assert (getattr(whole, name) == np.concatenate([getattr(part, name) for part in parts])).all()


def test_an_example_with_candidates_is_one_item_of_several_sequences(choice, tokenizer):
    examples = [
        Example("0", (), (), 1, (("abc", "d"), ("abc", "ef"))),
        Example("1", (), (), 0, (("g", "h"), ("g", "i"), ("g", "jk"))),
    ]
    encoded = encode_examples(choice, "dev", examples, tokenizer, 16)
    assert encoded.example_N.tolist() == [0, 0, 1, 1, 1]
    assert (len(encoded), encoded.gold) == (2, (1, 0))
    assert encoded.lengths_I.tolist() == [7 + 8, 5 + 5 + 6]
    taken = encoded.take(np.array([1, 0]), np.array([70, 80]))
    assert taken.lengths_N.tolist() == [5, 5, 6, 7, 8]
    assert taken.draws_N.tolist() == [70, 70, 70, 80, 80]
    assert taken.labels_N.tolist() == [1, 0, 0, 0, 1]


def test_each_candidate_is_laid_out_and_cut_as_a_pair_is(choice, pair, tokenizer):
    rows = (("a" * 30, "b" * 4), ("a" * 30, "c" * 20), ("a" * 3, "c" * 30))
    encoded = encode_examples(choice, "dev", [Example("0", (), (), 0, rows)], tokenizer, 16)
    pairs = encode_examples(pair, "dev", [Example(str(n), row, (), 1.0) for n, row in enumerate(rows)], tokenizer, 16)
    for name in ("tokens_T", "segments_T", "maskable_T", "offsets_N1"):
        assert getattr(encoded, name).tolist() == getattr(pairs, name).tolist()
    assert (encoded.truncated, pairs.truncated) == (1, 3)


def test_a_candidate_may_be_one_text(ranking, tokenizer):
    encoded = encode_examples(ranking, "dev", [Example("0", (), (), 1, (("a",), ("bc",)))], tokenizer, 16)
    assert encoded.lengths_N.tolist() == [3, 4]
    assert not encoded.segments_T.any()


def test_several_labels_are_a_number_for_each_class(multilabel, tokenizer):
    examples = [Example("0", ("a",), (), ("sport", "art")), Example("1", ("b",), (), ())]
    encoded = encode_examples(multilabel, "dev", examples, tokenizer, 16)
    labels = encoded.take(np.array([1, 0]), np.array([1, 0])).labels_N
    assert (labels.tolist(), labels.dtype) == ([[0, 0, 0], [1, 0, 1]], np.float32)


def test_blanks_of_one_passage_are_rivals_where_they_choose_from_the_same_idioms(choice, tokenizer):
    def blank(text, idioms, group):
        return Example(text, (), (), 0, tuple((idiom, text) for idiom in idioms), group)

    examples = [blank("a", "xy", "p"), blank("b", "xy", "p"), blank("c", "xz", "p"), blank("d", "xy", "q")]
    encoded = encode_examples(choice, "dev", [*examples, blank("e", "xy", "")], tokenizer, 16)
    assert encoded.rivals_E.tolist() == [0, 0, 1, 2, -1]


def test_a_split_is_reduced_by_its_limit_or_by_fewer_rows_than_the_official_ones(single, tokenizer):
    examples = [Example("0", ("a",), (), "sad"), Example("1", ("a",), (), "glad")]

    def reduced(dropped=0, limited=False, **settings):
        return encode_examples(replace(single, **settings), "dev", examples, tokenizer, 16, dropped, limited).reduced

    assert [reduced(), reduced(limited=True), reduced(limit={"dev": 2})] == [False, True, False]
    assert [reduced(rows={"dev": rows}) for rows in (1, 2, 3)] == [False, False, True]
    assert [reduced(dropped, rows={"dev": 3}) for dropped in (0, 1)] == [True, False]


def test_the_fingerprint_follows_text_labels_and_the_declared_set(single, tokenizer):
    def fingerprint(spec=single, text="a", label="sad", length=16):
        return encode_examples(spec, "dev", [Example("0", (text,), (), label)], tokenizer, length).fingerprint

    others = [
        fingerprint(text="b"),
        fingerprint(label="glad"),
        fingerprint(replace(single, labels=("sad", "glad", "so-so"))),
        fingerprint(replace(single, version=2)),
    ]
    assert len({fingerprint(), *others}) == 5
    assert fingerprint(length=8) == fingerprint()


def test_a_length_without_room_for_text_is_refused(pair, tokenizer):
    with pytest.raises(RecipeError, match=r"tasks\.alike\.length: 4 tokens given.*At least 5"):
        encode_examples(pair, "dev", [Example("0", ("a", "b"), (), 1.0)], tokenizer, 4)


@pytest.mark.data
@pytest.mark.filterwarnings("ignore")
def test_pairs_of_mrpc_are_encoded_as_transformers_does(data: Path):
    from transformers import BertTokenizerFast

    theirs = BertTokenizerFast(vocab=str(data / "vocab/bert-base-uncased.txt"), do_lower_case=True)
    ours = Tokenizer.load(data / "vocab/bert-base-uncased.txt", lowercase=True)
    spec = TASKS["mrpc"]
    examples = read_examples(spec, data, "dev")
    encoded = encode_examples(spec, "dev", examples, ours, 64)
    known = theirs(
        [example.texts[0] for example in examples],
        [example.texts[1] for example in examples],
        truncation="longest_first",
        max_length=64,
    )
    whole = encoded.lengths_N < 64
    for index in np.flatnonzero(whole):
        rows = slice(encoded.offsets_N1[index], encoded.offsets_N1[index + 1])
        assert encoded.tokens_T[rows].tolist() == known["input_ids"][index]
        assert encoded.segments_T[rows].tolist() == known["token_type_ids"][index]
    assert [len(ids) for ids in known["input_ids"]] == encoded.lengths_N.tolist()


@pytest.mark.data
def test_every_word_of_conll_keeps_a_row_when_the_length_allows(data: Path):
    tokenizer = Tokenizer.load(data / "vocab/bert-base-cased.txt", lowercase=False)
    examples = read_examples(TASKS["conll2003"], data, "dev")
    encoded = encode_examples(TASKS["conll2003"], "dev", examples, tokenizer, 512)
    assert encoded.truncated == 0
    assert (encoded.word_T >= 0).sum() == sum(len(example.words) for example in examples) == encoded.words_E.sum()
    everything = np.arange(len(examples))
    labels = encoded.take(everything, everything).row_labels_T
    assert labels[encoded.word_T >= 0].tolist() == np.concatenate(encoded.gold).tolist()
