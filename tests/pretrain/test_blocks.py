"""Blocks: each window once per epoch between [CLS] and [SEP], and the index tells the truth about what is drawn."""

import numpy as np
import pytest

from pretrain.blocks import BlockSource
from tokenization.errors import DataError
from training.address import key_of

KEY = key_of(1, "stage", "blocks")
LENGTHS = [[4, 3, 5], [9], [2, 2, 2, 2, 2, 2], [25], [1]]


@pytest.fixture
def source(corpus_of, words):
    return BlockSource(corpus_of(LENGTHS), words, length=12)


def bodies(sequences):
    return [part.tolist() for part in np.split(sequences.tokens_T, sequences.offsets_N1[1:-1])]


def test_every_token_of_the_corpus_comes_once_per_epoch(source):
    for epoch in range(3):
        drawn = source.draw(np.arange(source.size) + epoch * source.size, KEY)
        assert sorted(drawn.tokens_T[drawn.maskable_T].tolist()) == list(range(5, 5 + sum(map(sum, LENGTHS))))


def test_a_block_is_cls_then_consecutive_tokens_of_one_document_then_sep(source, words):
    ends = np.cumsum([sum(document) for document in LENGTHS])
    for cls, *body, sep in bodies(source.draw(np.arange(source.size), KEY)):
        assert (cls, sep) == (words.cls, words.sep)
        assert body == list(range(body[0], body[0] + len(body)))
        assert len(set(np.searchsorted(ends, np.array(body) - 5, side="right"))) == 1
        assert len(body) <= 10


def test_epochs_differ_in_order(source):
    orders = {tuple(source.lengths(np.arange(source.size) + epoch * source.size, KEY)) for epoch in range(8)}
    assert len(orders) > 3


def test_lengths_from_the_index_are_those_drawn_and_size_up_to_longest_and_mean(source):
    draws = np.array([17, 0, 3, 250])
    assert source.lengths(draws, KEY).tolist() == source.draw(draws, KEY).lengths_N.tolist()
    all_lengths = source.lengths(np.arange(source.size), KEY)
    assert source.longest == all_lengths.max() == 12
    assert source.mean_length == pytest.approx(all_lengths.mean())


def test_a_draw_does_not_depend_on_its_neighbours(source):
    together = bodies(source.draw(np.arange(20), KEY))
    assert together == [bodies(source.draw(np.array([draw]), KEY))[0] for draw in range(20)]


def test_training_and_held_out_blocks_share_no_token_and_leave_none_out(corpus_of, words):
    corpus = corpus_of([[3, 4]] * 40, held_out=0.2)
    kept, held = (BlockSource(corpus, words, 12, held_out) for held_out in (False, True))
    tokens = [
        set(drawn.tokens_T[drawn.maskable_T].tolist())
        for drawn in (source.draw(np.arange(source.size), KEY) for source in (kept, held))
    ]
    assert not tokens[0] & tokens[1]
    assert len(tokens[0] | tokens[1]) == 280
    assert min(map(len, tokens)) > 0


def test_a_corpus_without_held_out_documents_says_so(corpus_of, words):
    with pytest.raises(DataError, match="corpus c: no held-out documents"):
        BlockSource(corpus_of(LENGTHS), words, 12, held_out=True)


def test_unknown_words_are_special_and_never_masked(corpus_of_text, words):
    drawn = BlockSource(corpus_of_text("w1 nothing w2"), words, 12).draw(np.arange(1), KEY)
    assert drawn.tokens_T.tolist() == [words.cls, 6, words.unk, 7, words.sep]
    assert drawn.maskable_T.tolist() == [False, True, False, True, False]
