"""Whole-word masks on 100,000 real sentences of each language.

Oracles that know nothing of ours: for Chinese the words that the segmenter finds in the raw sentence, as sets of
characters, and the offsets of `tokenizers`; for English the words that `tokenizers` itself numbers.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from pretrain.masked_lm import MaskedLM
from tokenization.sentences import split_sentences
from tokenization.vocabulary import Tokenizer
from tokenization.words.boundaries import segmented_flat
from tokenization.words.continuation import continues_vocabulary
from tokenization.words.segmenters import find_segmenter
from training.address import key_of
from training.sequences import Sequences

pytestmark = [pytest.mark.data, pytest.mark.slow]

SENTENCES = 100_000
BATCH = 2_000
RATE = 0.15
CHINESE, ENGLISH = ("text/zhwiki.parquet", "zh", "vocab/bert-base-chinese.txt"), (
    "text/enwiki.parquet", "en", "vocab/bert-base-uncased.txt")  # fmt: skip


def sentences_of(file: Path, language: str) -> Iterator[list[str]]:
    """Sentences of up to 120 characters' words, by the batch."""
    rows = (text for batch in pq.ParquetFile(file).iter_batches(200, columns=["text"]) for text in batch["text"])
    found = islice((s for row in rows for s in split_sentences(row.as_py(), language)), SENTENCES)
    while batch := list(islice(found, BATCH)):
        yield batch


def words_of(tokenizer: Tokenizer, sentence: str, segmenter: str | None) -> list[set[int]]:
    """The tokens of each word that has any. Words that share a token, or a `##` chain, are one."""
    encoding = tokenizer._raw.encode(sentence, add_special_tokens=False)
    if segmenter is None:
        word_of = encoding.word_ids
    else:
        character = [number for number, word in enumerate(find_segmenter(segmenter)(sentence)) for _ in word]
        word_of, last = [], -1
        for (start, stop), piece in zip(encoding.offsets, encoding.tokens, strict=True):
            goes_on = word_of and (piece.startswith("##") or character[start] == last)
            word_of.append(word_of[-1] if goes_on else character[start])
            last = character[stop - 1]
    words: dict[int, set[int]] = {}
    for token, word in enumerate(word_of):
        words.setdefault(word, set()).add(token)
    return list(words.values())


def bounds(tokenizer: Tokenizer, batch: list[str], segmenter: str | None):
    if segmenter is not None:
        return segmented_flat(tokenizer, segmenter, batch)
    ids_T, lengths_N = tokenizer.encode_flat(batch)
    return ids_T, lengths_N, continues_vocabulary(tokenizer)[ids_T]


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("data", "segmenter"),
    [(CHINESE, "jieba"), (CHINESE, "rjieba"), (ENGLISH, None)],
    ids=["jieba", "rjieba", "english"],
)
def test_every_masked_unit_is_a_whole_word_and_nothing_else_changes(data_folder, data, segmenter):
    file, language, vocabulary = data
    tokenizer = Tokenizer.load(data_folder / vocabulary, lowercase=True)
    objective, key = MaskedLM(tokenizer.mask, tokenizer.ordinary_ids, RATE, unit="word"), key_of("whole words")
    specials = sorted(tokenizer.specials)
    seen = chosen = budget = longer = 0
    for batch in sentences_of(data_folder / file, language):
        ids_T, lengths_N, continues_T = bounds(tokenizer, batch, segmenter)
        offsets_N1 = np.concatenate([[0], np.cumsum(lengths_N)])
        draws_N = np.arange(seen, seen + len(batch))
        before = Sequences(ids_T, ids_T * 0, ~np.isin(ids_T, specials), offsets_N1, draws_N, continues_T=continues_T)
        after, rows = objective.apply(before, key)
        untouched = np.ones(len(ids_T), dtype=bool)
        untouched[rows.rows_M] = False
        assert len(after.tokens_T) == len(ids_T)
        assert np.array_equal(after.tokens_T[untouched], ids_T[untouched])
        assert np.array_equal(rows.labels_M, ids_T[rows.rows_M])
        for sentence, start, stop in zip(batch, offsets_N1, offsets_N1[1:], strict=False):
            masked = set(np.flatnonzero(~untouched[start:stop]).tolist())
            ordinary = int(before.maskable_T[start:stop].sum())
            allowed = max(1, round(RATE * ordinary)) if ordinary else 0
            assert len(masked) <= allowed, sentence
            words = words_of(tokenizer, sentence, segmenter)
            assert all(not word & masked or word <= masked for word in words), sentence
            longer += sum(1 for word in words if word <= masked and len(word) > 1)
            budget += allowed
        chosen += len(rows.rows_M)
        seen += len(batch)
    assert seen == SENTENCES
    assert longer > SENTENCES / 10  # words of several tokens are masked, not only single ones
    print(f"{language} {segmenter}: {chosen / budget:.4f} of the budget, {longer:,} words of several tokens")
    assert chosen > 0.95 * budget
