"""Planted GLUE and CLUE text in Wikipedia; the oracle is the set of an example's n-grams as strings."""

import random
import re
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet
import pytest

from finetune.reading.suite_texts import suite_texts
from tokenization.cleaning.contamination import KeptOut, KeptOutText
from tokenization.cleaning.documents import Cleaner, Dropped, Kept
from tokenization.cleaning.spec import CleanSpec, Decontamination

CHARACTER = r"[\u2e80-\u2fd5\u3005-\u3007\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufad9]"
UNIT = re.compile(rf"{CHARACTER}|(?:(?!{CHARACTER})[^\W_])+")
SETTINGS = Decontamination(("glue", "clue"))


def units_of(text: str) -> list[str]:
    return UNIT.findall(text.lower())


def lengths(units: Sequence[str]) -> tuple[int, int]:
    """From which length on an example of such units is looked for, and how long its n-grams are."""
    characters = sum(re.fullmatch(CHARACTER, unit) is not None for unit in units)
    return (10, 26) if 2 * characters > len(units) else (6, 13)


def ngrams(units: Sequence[str], length: int) -> set[tuple[str, ...]]:
    return set(zip(*(units[start:] for start in range(length)), strict=False))


def planted(document: str, copy: str, draw: random.Random) -> str:
    """The copy on a line of its own, somewhere."""
    lines = document.split("\n")
    lines.insert(draw.randrange(len(lines) + 1), copy)
    return "\n".join(lines)


def edited(text: str, draw: random.Random) -> str:
    units = list(UNIT.finditer(text))
    for unit in sorted(draw.sample(units, draw.randint(1, 3)), key=lambda unit: -unit.start()):
        text = text[: unit.start()] + draw.choice(("", "qx", "qx zy")) + text[unit.end() :]
    return text


@pytest.mark.data
@pytest.mark.parametrize(("suite", "file", "language"), [("glue", "enwiki", "en"), ("clue", "zhwiki", "zh")])
def test_planted_examples_are_found_and_nothing_else_goes(
    suite: str, file: str, language: str, data_folder: Path
) -> None:
    draw = random.Random(7)
    given = suite_texts([suite], data_folder).texts
    kept_out = KeptOut(given, SETTINGS)
    cleaner = Cleaner(CleanSpec(decontaminate=SETTINGS), language, kept_out)
    column = pyarrow.parquet.read_table(data_folder / "text" / f"{file}.parquet", columns=["text"]).column("text")
    documents = [text[:3000] for text in draw.sample(column.to_pylist(), 3000)]
    examples = [entry.text for entry in draw.sample(given, 3000)]

    unedited = [text for text in examples if len(units_of(text)) >= lengths(units_of(text))[0]]
    missed = [
        text
        for text, document in zip(unedited, documents, strict=False)
        if isinstance(cleaner.clean(planted(document, text, draw)), Kept)
    ]
    assert len(unedited) > 1500
    assert not missed

    intact, lost = 0, []
    for text, document in zip(unedited, documents, strict=False):
        length = lengths(units_of(text))[1]
        copy = edited(text, draw)
        if ngrams(units_of(text), length) & ngrams(units_of(copy), length):
            intact += 1
            lost += [copy] if isinstance(cleaner.clean(planted(document, copy, draw)), Kept) else []
    assert intact > 150
    assert not lost

    by_place = {(entry.task, entry.split, entry.row): [] for entry in given}
    for entry in given:
        by_place[entry.task, entry.split, entry.row].append(entry)
    dropped = {document: cleaner.clean(document) for document in documents}
    wrong = [
        found
        for document, found in dropped.items()
        if isinstance(found, Dropped) and not _shares(document, found, by_place)
    ]
    print(
        f"{suite}: {len(unedited)} copies and {intact} edited ones found; of {len(documents)} documents as they are "
        f"{sum(isinstance(found, Dropped) for found in dropped.values())} go"
    )
    assert not wrong


def _shares(document: str, found: Dropped, by_place: dict[tuple[str, str, str], list[KeptOutText]]) -> bool:
    """Whether the units that are said to be shared stand in both."""
    split, row, what = re.fullmatch(r"(\S+) row (\S+): (.*)", found.detail).groups()  # type: ignore[union-attr]
    texts = [entry.text for entry in by_place[found.reason.removeprefix("contaminated:"), split, row]]
    own, *others = [f" {' '.join(units_of(text))} " for text in (document, *texts)]
    return f" {what} " in own and any(f" {what} " in other for other in others)
