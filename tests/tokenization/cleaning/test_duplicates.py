"""Duplicates, against all pairs compared by sets of strings; and bands and signatures against their closed forms."""

import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from datasketch import MinHash

from tokenization.cleaning import buckets
from tokenization.cleaning.bands import RECALL, band_keys, choose_bands, recall
from tokenization.cleaning.documents import Dropped
from tokenization.cleaning.duplicates import find_duplicates, read_duplicates
from tokenization.cleaning.ngrams import units_of
from tokenization.cleaning.sketch import Sketches, jaccard, ngram_set, write_sketches
from tokenization.cleaning.spec import CleanSpec, NearDuplicates

BOTH = CleanSpec(exact=True, near=NearDuplicates(threshold=0.8, ngram=2, permutations=256))
EXACT = CleanSpec(exact=True)
WORDS = [f"w{number}" for number in range(400)]


def deduplicated(
    units: Sequence[Sequence[str]], folder: Path, clean: CleanSpec = BOTH
) -> dict[tuple[int, int], Dropped]:
    """(unit, document) → why it is dropped."""
    folders = [folder / f"unit-{number}" for number in range(len(units))]
    for texts, each in zip(units, folders, strict=True):
        write_sketches(texts, each, clean)
    find_duplicates(folders, clean, folder / "work")
    return {
        (unit, document): found.dropped(f"document {found.kept_document} of block {found.kept_unit}")
        for unit, each in enumerate(folders)
        for document, found in read_duplicates(each).items()
    }


def similarity(one: str, other: str) -> float:
    sets = [set(pairwise(units_of(text))) for text in (one, other)]
    return len(sets[0] & sets[1]) / max(1, len(sets[0] | sets[1]))


def expected(texts: Sequence[str]) -> dict[int, tuple[str, int]]:
    """All pairs: a document goes if an earlier one that stays is equal but for white space, or similar enough."""
    gone: dict[int, tuple[str, int]] = {}
    for number, text in enumerate(texts):
        for earlier in range(number):
            if earlier in gone:
                continue
            if text.split() == texts[earlier].split():
                gone[number] = ("exact_duplicate", earlier)
            elif similarity(text, texts[earlier]) >= 0.8:
                gone[number] = ("near_duplicate", earlier)
            if number in gone:
                break
    return gone


def edited(text: str, edits: int, draw: random.Random) -> str:
    words = text.split()
    for _ in range(edits):
        words[draw.randrange(len(words))] = draw.choice(WORDS)
    return " ".join(words)


def corpus(count: int, seed: int = 1) -> list[str]:
    """Documents of which most are copies of others, equal or with a few words changed."""
    draw = random.Random(seed)
    texts = [" ".join(draw.choices(WORDS, k=draw.choice((1, 2, 30, 60)))) for _ in range(4)]
    while len(texts) < count:
        texts.append(edited(draw.choice(texts), draw.choice((0, 0, 1, 2, 3, 5)), draw))
    return texts


def as_pairs(found: dict[tuple[int, int], Dropped]) -> dict[int, tuple[str, int]]:
    """Of a single unit: document → (reason, the document that is kept)."""
    return {
        document: (why.reason, int(why.detail.split("document ")[1].split()[0])) for (_, document), why in found.items()
    }


@pytest.mark.parametrize("seed", range(5))
def test_what_is_dropped_is_what_comparing_all_pairs_drops(seed: int, tmp_path: Path) -> None:
    texts = corpus(80, seed)
    assert as_pairs(deduplicated([texts], tmp_path)) == expected(texts)


@pytest.mark.parametrize("size", [3, 7, 40])
def test_the_cut_into_units_and_partitions_does_not_matter(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "PARTITION", 8)
    monkeypatch.setattr(buckets, "RANGE", 16)
    texts = corpus(80)
    units = [texts[start : start + size] for start in range(0, len(texts), size)]
    found = deduplicated([*units[:1], [], *units[1:]], tmp_path)
    numbers = [unit * size + document if unit == 0 else (unit - 1) * size + document for unit, document in found]
    assert dict(zip(numbers, [why.reason for why in found.values()], strict=True)) == {
        number: reason for number, (reason, _) in expected(texts).items()
    }
    assert not list((tmp_path / "work").iterdir())


def test_only_the_first_of_equal_documents_stays_and_white_space_does_not_count(tmp_path: Path) -> None:
    found = deduplicated([["a b", "c"], ["a\n  b", "A b", "c"]], tmp_path, EXACT)
    assert found == {
        (1, 0): Dropped("exact_duplicate", "equal to document 0 of block 0"),
        (1, 2): Dropped("exact_duplicate", "equal to document 1 of block 0"),
    }


def test_documents_shorter_than_an_n_gram_are_compared_as_wholes_alone(tmp_path: Path) -> None:
    assert list(deduplicated([["Yes!", "Yes.", "...", "!!!", "Yes!"]], tmp_path)) == [(0, 4)]


def test_nothing_goes_that_no_kept_document_stands_for(tmp_path: Path) -> None:
    """A chain: each resembles the one before, the last no longer the first."""
    chain = [" ".join([f"x{number}" for number in range(2 * step)] + WORDS[2 * step : 51]) for step in range(6)]
    assert similarity(chain[0], chain[1]) > 0.8 > similarity(chain[0], chain[-1])
    found = as_pairs(deduplicated([chain], tmp_path))
    assert found == expected(chain)
    assert 0 < len(found) < 5


def test_without_exact_equal_documents_are_near_duplicates(tmp_path: Path) -> None:
    text = " ".join(WORDS[:20])
    clean = CleanSpec(near=NearDuplicates())
    detail = "100% of its n-grams and those of document 0 of block 0 are shared"
    assert deduplicated([[text, text, "a b", "a b"]], tmp_path, clean) == {(0, 1): Dropped("near_duplicate", detail)}


def test_no_documents_at_all_have_no_duplicates(tmp_path: Path) -> None:
    assert deduplicated([[], []], tmp_path) == {}


def test_finding_duplicates_again_writes_the_same(tmp_path: Path) -> None:
    first = deduplicated([corpus(30)], tmp_path)
    written = (tmp_path / "unit-0" / "duplicates.npy").read_bytes()
    find_duplicates([tmp_path / "unit-0"], BOTH, tmp_path / "work")
    assert first
    assert (tmp_path / "unit-0" / "duplicates.npy").read_bytes() == written


def test_a_signature_is_datasketch_s_own_of_the_same_numbers_one_by_one(tmp_path: Path) -> None:
    text = " ".join(f"{number}" for number in range(3000))
    write_sketches([text, "short"], tmp_path / "unit", BOTH)
    reference = MinHash(256, scheme="affine32", hashfunc=int)
    reference.update_batch(ngram_set(text, 2).tolist())
    sketches = Sketches(tmp_path / "unit", 256)
    assert sketches.signatures_DP[0].tolist() == reference.hashvalues.tolist()
    assert sketches.has_ngrams(0, 2).tolist() == [True, False]
    assert sketches.ngrams(0).tolist() == ngram_set(text, 2).tolist()


def test_jaccard_is_that_of_the_sets_of_strings() -> None:
    draw = random.Random(2)
    for _ in range(50):
        one, other = (" ".join(draw.choices("abcd", k=draw.randrange(30))) for _ in range(2))
        assert jaccard(ngram_set(one, 2), ngram_set(other, 2)) == similarity(one, other)


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.8, 0.9, 1.0])
@pytest.mark.parametrize("permutations", [32, 128, 256])
def test_bands_are_the_longest_that_reach_the_recall(threshold: float, permutations: int) -> None:
    bands, rows = choose_bands(threshold, permutations)
    assert bands * rows <= permutations
    assert recall(threshold, bands, rows) >= RECALL
    assert rows == permutations or recall(threshold, permutations // (rows + 1), rows + 1) < RECALL
    assert recall(min(1.0, threshold + 0.05), bands, rows) >= recall(threshold, bands, rows)


def test_two_documents_share_a_band_as_often_as_the_formula_says() -> None:
    """10,000 pairs of random signatures that agree with probability 0.5 in each place; 4 standard deviations."""
    draw = np.random.default_rng(3)
    one = draw.integers(0, 1 << 32, (10_000, 32), dtype=np.uint32)
    other = np.where(draw.random(one.shape) < 0.5, one, ~one)
    share = (band_keys(one, 8, 4) == band_keys(other, 8, 4)).any(axis=1).mean()
    probability = recall(0.5, 8, 4)
    assert abs(share - probability) < 4 * (probability * (1 - probability) / 10_000) ** 0.5
