"""Windows: every token once, on sentence bounds, within the budget; equal to a plain one-by-one packing."""

import math
import shutil
from collections import Counter
from itertools import pairwise, product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plain_corpus import numbers, span
from tokenization import windows as windows_module
from tokenization.building.runners import in_this_process
from tokenization.corpus import Corpus
from tokenization.corpus_build import build_corpus
from tokenization.errors import DataError
from tokenization.spec import CorpusSpec
from tokenization.vocabulary import Tokenizer
from tokenization.windows import Windows, window_index

Row = tuple[int, int, int, int]


def corpus_of(
    lengths: list[list[int]], tokenizer: Tokenizer, folder: Path, unit_bytes: int = 10_000, weight: float = 1
) -> Corpus:
    """A corpus whose documents have sentences of these many tokens; every document is different."""
    spec = CorpusSpec("c", (folder / "c.txt",), held_out=0.3, weights=(weight,))
    documents = [
        "\n".join(" ".join(chr(97 + (number + place) % 26) for place in range(n)) for n in row)
        for number, row in enumerate(lengths)
    ]
    (folder / "c.txt").write_text("\n\n".join(documents))
    return build_corpus(spec, tokenizer, folder / "out", runner=in_this_process, unit_bytes=unit_bytes)


def rows(index: Windows) -> list[Row]:
    columns = (index.start_W, index.length_W, index.split_W, index.document_W)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def plainly(start: int, document: int, lengths: list[int], budget: int) -> list[Row]:
    """The same windows, packed one unit at a time."""
    units = [min(budget, n - done) for n in lengths for done in range(0, n, budget)]
    groups: list[list[int]] = []
    for unit in units:
        if groups and sum(groups[-1]) + unit <= budget:
            groups[-1].append(unit)
        else:
            groups.append([unit])
    if len(groups) > 1 and len(groups[-1]) == 1 and len(groups[-2]) >= 3 and groups[-1][0] + groups[-2][-1] <= budget:
        groups[-1].insert(0, groups[-2].pop())
    result = []
    for group in groups:
        bounds = [sum(group[:count]) for count in range(1, len(group))]
        split = min(bounds, key=lambda bound: (abs(2 * bound - sum(group)), bound), default=0)
        result.append((start, sum(group), split, document))
        start += sum(group)
    return result


@settings(max_examples=60)
@given(
    lengths=st.lists(st.lists(st.integers(1, 14), min_size=1, max_size=12), min_size=1, max_size=12),
    budget=st.integers(1, 16),
    unit_bytes=st.sampled_from([1, 80, 10_000]),
)
def test_windows_equal_a_plain_packing_and_hold_every_token_once(
    letters: Tokenizer, lengths: list[list[int]], budget: int, unit_bytes: int
) -> None:
    with TemporaryDirectory() as folder:
        corpus = corpus_of(lengths, letters, Path(folder), unit_bytes)
        seen = np.zeros(corpus.manifest.counts.tokens, dtype=int)
        for held_out in (False, True):
            found = rows(window_index(corpus, budget, held_out))
            expected = [
                row
                for document in numbers(corpus, held_out)
                for row in plainly(span(corpus, document)[0], int(document), lengths[document], budget)
            ]
            assert found == expected
            for start, length, split, _ in found:
                assert 0 <= split < length <= budget
                seen[start : start + length] += 1
        assert (seen == 1).all()


@pytest.mark.parametrize(
    ("sentences", "budget", "expected"),
    [
        ([3, 3, 3], 9, [(9, 3)]),
        ([3, 3, 3, 3], 9, [(6, 3), (6, 3)]),
        ([4, 4, 9], 9, [(8, 4), (9, 0)]),
        ([3, 3, 3, 7], 9, [(9, 3), (7, 0)]),
        ([20, 2], 9, [(9, 0), (9, 0), (4, 2)]),
        ([1, 1, 6], 8, [(8, 2)]),
        ([2, 4, 2], 8, [(8, 2)]),
        ([5], 9, [(5, 0)]),
    ],
    ids=["full", "last-takes-one-over", "two-cannot-spare", "would-not-fit", "long", "nearest", "tie-early", "single"],
)
def test_packing_by_hand(
    letters: Tokenizer, tmp_path: Path, sentences: list[int], budget: int, expected: list[tuple[int, int]]
) -> None:
    corpus = corpus_of([sentences], letters, tmp_path)
    index = window_index(corpus, budget, held_out=False)
    assert list(zip(index.length_W.tolist(), index.split_W.tolist(), strict=True)) == expected
    assert all(a + n == b for (a, n, _, _), (b, _, _, _) in pairwise(rows(index)))


def test_a_window_reads_the_tokens_of_its_document(letters: Tokenizer, tmp_path: Path) -> None:
    corpus = corpus_of([[3, 2], [4], [5, 5], [2, 2]], letters, tmp_path, unit_bytes=12)
    for held_out in (False, True):
        index = window_index(corpus, 6, held_out)
        for start, length, _, document in rows(index):
            assert corpus.tokens(start, start + length)[0] in range(5, 31)
            first, last = span(corpus, document)
            assert first <= start
            assert start + length <= last


def test_the_index_is_cut_once_and_mapped_afterwards(
    letters: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = corpus_of([[3, 2], [4, 1], [5, 5]], letters, tmp_path)
    first = rows(window_index(corpus, 6, held_out=False))

    def never(*_: object) -> None:
        raise AssertionError("the index was cut again")

    monkeypatch.setattr(windows_module, "cut_shards", never)
    again = window_index(Corpus.open(tmp_path / "out", checksums=True), 6, held_out=False)
    assert rows(again) == first
    assert not again.start_W.flags.writeable


@pytest.mark.parametrize("read_only", [False, True])
def test_the_summary_is_what_one_counts_over_all_windows(letters: Tokenizer, tmp_path: Path, read_only: bool) -> None:
    built = corpus_of([[3, 2, 4], [4, 1], [5, 5], [6], [2, 2, 2, 2]], letters, tmp_path)
    index = window_index(Corpus.open(built.folder, read_only=read_only), 6, held_out=False)
    found = rows(index)
    pairs = [(length, document) for _, length, split, document in found if split > 0]
    meetings = [a == b for (i, (_, a)), (j, (_, b)) in product(enumerate(pairs), repeat=2) if i != j]
    assert [found[place][2] > 0 for place in index.pairs_P] == [True] * len(pairs)
    assert index.summary.mean_length == pytest.approx(np.mean([length for _, length, _, _ in found]))
    assert index.summary.longest == max(length for _, length, _, _ in found)
    assert index.summary.pair_mean_length == pytest.approx(np.mean([length for length, _ in pairs]))
    assert index.summary.pair_documents == len({document for _, document in pairs})
    assert index.summary.pair_same_document == pytest.approx(np.mean(meetings))


def test_nothing_held_out_is_an_index_of_no_windows(letters: Tokenizer, tmp_path: Path) -> None:
    corpus = corpus_of([[3, 2]], letters, tmp_path)
    for _ in range(2):
        assert len(window_index(corpus, 6, held_out=True)) == 0


def test_an_index_cut_short_is_named(letters: Tokenizer, tmp_path: Path) -> None:
    corpus = corpus_of([[3, 2], [4, 1]], letters, tmp_path)
    window_index(corpus, 6, held_out=False)
    file = next((tmp_path / "out" / "windows").glob("training-6-*.bin"))
    whole = file.read_bytes()
    file.write_bytes(whole[:-5])
    with pytest.raises(DataError, match=f"{file.name}: cut short: {len(whole) - 5} bytes"):
        window_index(corpus, 6, held_out=False)


def test_a_window_of_no_tokens_is_refused(letters: Tokenizer, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one token"):
        window_index(corpus_of([[3]], letters, tmp_path), 0, held_out=False)


@pytest.mark.parametrize("weight", [2, 0.5, 2.25])
def test_a_weight_repeats_windows_and_its_fraction_takes_a_share_of_the_documents(
    letters: Tokenizer, tmp_path: Path, weight: float
) -> None:
    lengths = [[1 + n % 4] * (1 + n % 3) for n in range(600)]
    (tmp_path / "plain").mkdir()
    plain, weighted = (
        corpus_of(lengths, letters, tmp_path / "plain"),
        corpus_of(lengths, letters, tmp_path, 500, weight),
    )
    assert plain.fingerprint != weighted.fingerprint
    np.testing.assert_array_equal(plain.is_held_out_D, weighted.is_held_out_D)
    assert rows(window_index(plain, 6, True)) == rows(window_index(weighted, 6, True)), "never repeated"
    once, often = rows(window_index(plain, 6, False)), Counter(rows(window_index(weighted, 6, False)))
    assert {often[row] for row in once} <= {math.floor(weight), math.ceil(weight)}
    assert sum(often[row] for row in once) == often.total()
    for row in once:
        assert often[row] == weighted.times_D[row[3]], "all windows of a document are there equally often"
    share = (weighted.times_D > math.floor(weight)).mean()
    assert abs(share - weight % 1) <= 5 * np.sqrt(weight % 1 * (1 - weight % 1) / len(lengths))


def test_weights_leave_the_ids_and_the_held_out_documents_as_they_are(letters: Tokenizer, tmp_path: Path) -> None:
    plain = corpus_of([[3, 2], [4], [5]], letters, tmp_path)
    ids = plain.tokens(0, 14).tolist()
    shutil.rmtree(plain.folder)
    assert corpus_of([[3, 2], [4], [5]], letters, tmp_path, weight=3).tokens(0, 14).tolist() == ids
