"""Near duplicates among real documents with planted edited copies; the oracle is the Jaccard similarity of string sets.

An n-gram is found by a pattern here, not by tables: words, and single Chinese characters and Japanese letters.
"""

import random
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet
import pytest

from tokenization.cleaning.duplicates import find_duplicates, read_duplicates
from tokenization.cleaning.sketch import write_sketches
from tokenization.cleaning.spec import CleanSpec, NearDuplicates

CHARACTER = r"[\u2e80-\u2fd5\u3005-\u3007\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufad9]"
UNIT = re.compile(rf"{CHARACTER}|(?:(?!{CHARACTER})[^\W_])+")
THRESHOLD = 0.8
CLEAN = CleanSpec(exact=True, near=NearDuplicates(threshold=THRESHOLD))


def ngrams(text: str) -> set[tuple[str, ...]]:
    units = UNIT.findall(text.lower())
    return set(zip(*(units[start:] for start in range(5)), strict=False))


def similarity(one: str, other: str) -> float:
    sets = ngrams(one), ngrams(other)
    return len(sets[0] & sets[1]) / max(1, len(sets[0] | sets[1]))


def replaced(text: str, other: str, draw: random.Random) -> str:
    """A few stretches give way to stretches of another document."""
    for _ in range(draw.randint(1, 4)):
        size = int(len(text) * draw.uniform(0, 0.04))
        start, source = draw.randrange(len(text) - size), draw.randrange(max(1, len(other) - size))
        text = text[:start] + other[source : source + size] + text[start + size :]
    return text


def cut(text: str, other: str, draw: random.Random) -> str:
    size = int(len(text) * draw.uniform(0, 0.25))
    return text[size:] if draw.random() < 0.5 else text[: len(text) - size]


def scattered(text: str, other: str, draw: random.Random) -> str:
    """Single words (or characters) change throughout."""
    rate = draw.uniform(0, 0.03)
    return UNIT.sub(lambda unit: "#" if draw.random() < rate else unit[0], text)


def reordered(text: str, other: str, draw: random.Random) -> str:
    lines = [line for line in text.split("\n") if line]
    draw.shuffle(lines)
    return "\n".join(lines)


EDITS: tuple[Callable[[str, str, random.Random], str], ...] = (replaced, cut, scattered, reordered)


@pytest.mark.data
@pytest.mark.parametrize(("file", "count", "copies"), [("enwiki", 1200, 800), ("zhwiki", 5000, 1500)])
def test_planted_near_duplicates_are_found_and_little_else_goes(
    file: str, count: int, copies: int, data_folder: Path, tmp_path: Path
) -> None:
    column = pyarrow.parquet.read_table(data_folder / "text" / f"{file}.parquet", columns=["text"]).column("text")
    draw = random.Random(5)
    originals = [text[:20_000] for text in draw.sample(column.to_pylist(), count) if len(text) > 300]
    planted = draw.sample(range(len(originals)), copies)
    edited = [draw.choice(EDITS)(originals[number], draw.choice(originals), draw) for number in planted]
    texts = originals + edited
    folders = [tmp_path / str(unit) for unit in range(3)]
    size = -(-len(texts) // 3)
    for unit, folder in enumerate(folders):
        write_sketches(texts[unit * size : (unit + 1) * size], folder, CLEAN)
    find_duplicates(folders, CLEAN, tmp_path / "work")
    of_units = [read_duplicates(folder) for folder in folders]
    dropped = {unit * size + document: why for unit, of in enumerate(of_units) for document, why in of.items()}
    alike = [
        len(originals) + copy
        for copy, number in enumerate(planted)
        if similarity(originals[number], edited[copy]) >= THRESHOLD
    ]
    assert len(alike) > copies / 2
    found = sum(number in dropped for number in alike)
    print(f"{file}: {found} of {len(alike)} copies at Jaccard >= 0.8 found; {len(dropped)} documents dropped")
    assert found >= 0.99 * len(alike)
    wrong = 0
    for number, why in dropped.items():
        wrong += similarity(texts[number], texts[why.kept_unit * size + why.kept_document]) < THRESHOLD
    assert wrong <= 0.001 * len(dropped)
