"""A corpus of some units, with duplicates and documents that cleaning drops."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tokenization.building.work import Work, prepare
from tokenization.spec import CorpusSpec
from tokenization.vocabulary import Tokenizer

UNIT_BYTES = 1400


@pytest.fixture(scope="session")
def documents() -> list[str]:
    """Forty documents of letters, all different, of 20 to 120 letters."""
    luck = random.Random(3)
    return [
        "\n".join(" ".join(luck.choices("abcdefghij", k=luck.randint(4, 24))) + "." for _ in range(5))
        for _ in range(40)
    ]


@pytest.fixture
def work_of(letters: Tokenizer, tmp_path: Path) -> Callable[..., Work]:
    """Write documents into two files and plan their units."""

    def plan(documents: list[str], unit_bytes: int = UNIT_BYTES, target: str = "out", **settings: object) -> Work:
        files = (tmp_path / "one.txt", tmp_path / "two.txt")
        half = len(documents) // 2
        for file, part in zip(files, (documents[:half], documents[half:]), strict=True):
            file.write_text("\n\n".join(part), encoding="utf-8")
        spec = CorpusSpec("c", files, **settings)  # type: ignore[arg-type]
        return prepare(spec, letters, tmp_path / target, tmp_path, {}, unit_bytes=unit_bytes)

    return plan
