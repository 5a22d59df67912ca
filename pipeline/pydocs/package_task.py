"""Task `package`: which package a paragraph comes from. Names that would give the answer away are masked."""

import re
from collections.abc import Iterable, Iterator
from re import Pattern

from pipeline.pydocs.heldout import Split
from pipeline.pydocs.identity import key
from pipeline.pydocs.reading import Reading
from pipeline.pydocs.rows import DEV_ROWS, TRAIN_ROWS, Row, Task, choose, keys_of, tally, unique, without

_FEWEST, _MOST = 12, 100  # words
_MASK = "package"
# The same names are masked in every class, so that a mask says nothing about the label.
_ALIASES = ["np", "pd", "plt", "sp", "nn", "mpl", "F", "tf", "jnp", "cp", "xp"]
_LOOSE_ALIASES = ["np", "pd", "plt", "mpl", "hf", "HF"]
_SPELLINGS = ["scikit[ -]?learn", "scikit", "pyplot", "hugging ?face"]


class Mask:
    """Replaces package names by `package` and module paths by their last part."""

    def __init__(self, classes: tuple[str, ...]) -> None:
        names = "|".join([*_SPELLINGS, *map(re.escape, classes)])
        roots = "|".join([*_ALIASES, *map(re.escape, classes)])
        self._path: Pattern[str] = re.compile(rf"\b(?:{roots})(?:\.\w+)*\.(\w+)")
        self._name: Pattern[str] = re.compile(rf"\b\w*(?i:{names})\w*")
        self._inside: Pattern[str] = re.compile(names, re.IGNORECASE)
        self._alias: Pattern[str] = re.compile(rf"\b(?:{'|'.join(_LOOSE_ALIASES)})\b")

    def __call__(self, text: str) -> str:
        text = self._alias.sub(_MASK, self._path.sub(r"\1", text))
        return self._name.sub(_MASK, text) if self._inside.search(text) else text  # the search alone is fast


def package_task(split: Split, classes: tuple[str, ...], known: frozenset[str]) -> Task:
    """Rows `{"text", "label"}`; `known` holds the keys of the training side's paragraphs."""
    mask = Mask(classes)
    train = unique(_rows(split.train, classes, mask))
    candidates = unique(_rows(split.dev, classes, mask))
    dev = without(candidates, known | keys_of(train))
    chosen = {
        "train": choose(train, TRAIN_ROWS, len(classes)),
        "dev": choose(dev, DEV_ROWS, len(classes)),
    }
    splits = {name: [row.value for row in rows] for name, rows in chosen.items()}
    labels = {name: tally(row["label"] for row in rows) for name, rows in splits.items()}
    return Task("package", splits, len(candidates) - len(dev), {"labels": labels})


def _rows(readings: Iterable[Reading], classes: tuple[str, ...], mask: Mask) -> Iterator[Row]:
    for reading in readings:
        if reading.package not in classes:
            continue
        for record in reading.records:
            for paragraph in record.paragraphs:
                if _FEWEST <= len(paragraph.text.split()) <= _MOST:
                    text = mask(paragraph.text)
                    keys = (paragraph.key,) if text == paragraph.text else (paragraph.key, key(text))
                    yield Row({"text": text, "label": record.package}, record.package, record.module, keys)
