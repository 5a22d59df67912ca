"""Task `terms`: which words of a docstring are the function's parameters, types or exceptions (BIO tags)?"""

import builtins
import re
from collections.abc import Iterable, Iterator

from pipeline.pydocs.heldout import Split
from pipeline.pydocs.identity import order
from pipeline.pydocs.paragraphs import Paragraph
from pipeline.pydocs.reading import Reading, Record
from pipeline.pydocs.rows import DEV_ROWS, TRAIN_ROWS, Row, Task, choose, keys_of, tally, unique, without

OUTSIDE = "O"
_FEWEST, _MOST = 6, 60  # words
_TAGLESS_OF = 8  # of the paragraphs without a tag, one in so many is kept

_WORDS = re.compile(r"\w+(?:\.\w+)*|[^\w\s]")
_CAMEL = re.compile(r"[A-Z]\w*[a-z]\w*")
_TWO_HUMPS = re.compile(r"[A-Z]\w*[a-z0-9][A-Z]\w*|[A-Z]{2,}[a-z]\w*")
_EXCEPTION = re.compile(r"[A-Z]\w*(?:Error|Exception|Warning)")
_BUILTIN_TYPES_WORDS = (
    "int float str bool bytes complex list tuple dict frozenset bytearray callable iterable ndarray "
    "dtype array_like datetime timedelta"
)
_BUILTIN_TYPES = frozenset(_BUILTIN_TYPES_WORDS.split())
_TYPES_OF_SEVERAL_WORDS = (("array", "-", "like"), ("file", "-", "like"), ("dict", "-", "like"))
# Parameters with such names exist; in running text the word is nearly always the ordinary one.
_ORDINARY_WORDS = (
    "a an the in by of on to is as it for and or not if with from at no all any this that be are so "
    "do up out other name end start first last new only use where when"
)
_ORDINARY = frozenset(_ORDINARY_WORDS.split())


def terms_task(split: Split, classes: tuple[str, ...], known: frozenset[str]) -> Task:
    """Rows `{"words", "tags"}`; `known` holds the keys of the training side's paragraphs."""
    names = _Names.of((*split.train, *split.dev))
    train = unique(_rows(split.train, classes, names))
    candidates = unique(_rows(split.dev, classes, names))
    dev = without(candidates, known | keys_of(train))
    chosen = {
        "train": choose(train, TRAIN_ROWS, len(classes)),
        "dev": choose(dev, DEV_ROWS, len(classes)),
    }
    splits = {name: [row.value for row in rows] for name, rows in chosen.items()}
    tags = {name: tally(tag for row in rows for tag in row["tags"]) for name, rows in splits.items()}
    return Task("terms", splits, len(candidates) - len(dev), {"tags": tags})


class _Names:
    """The types and exceptions each package knows."""

    def __init__(self, types: dict[str, set[str]], exceptions: dict[str, set[str]]) -> None:
        self.types, self.exceptions = types, exceptions

    @classmethod
    def of(cls, readings: Iterable[Reading]) -> "_Names":
        raised = {name for name in dir(builtins) if _EXCEPTION.fullmatch(name)}
        types: dict[str, set[str]] = {}
        exceptions: dict[str, set[str]] = {}
        for reading in readings:
            own = {name for name in reading.classes if _EXCEPTION.fullmatch(name)}
            used = {name for name in reading.classes | reading.annotations if _CAMEL.fullmatch(name)}
            exceptions.setdefault(reading.package, set(raised)).update(own)
            types.setdefault(reading.package, set(_BUILTIN_TYPES)).update(used - own - raised)
        return cls(types, exceptions)


def words_of(text: str) -> list[str]:
    """Words with their dotted parts, and every other sign by itself."""
    return _WORDS.findall(text)


def _rows(readings: Iterable[Reading], classes: tuple[str, ...], names: _Names) -> Iterator[Row]:
    for reading in readings:
        if reading.package not in classes:
            continue
        for record in reading.records:
            for paragraph in record.paragraphs if record.parameters else ():
                words = words_of(paragraph.text)
                if not _FEWEST <= len(words) <= _MOST:
                    continue
                tags = _tags(words, paragraph, record, names)
                if _is_kept(tags, paragraph.text):
                    value = {"words": words, "tags": tags}
                    yield Row(value, record.package, record.module, (paragraph.key,))


def _is_kept(tags: list[str], text: str) -> bool:
    return any(tag != OUTSIDE for tag in tags) or order("tagless", text) % _TAGLESS_OF == 0


def _tags(words: list[str], paragraph: Paragraph, record: Record, names: _Names) -> list[str]:
    parameters, head = frozenset(record.parameters), _head(words, paragraph)
    types, exceptions = names.types[record.package], names.exceptions[record.package]
    tags = [OUTSIDE] * len(words)
    for i, word in enumerate(words):
        name = word.rpartition(".")[2]
        if word in parameters and (i < head or word.lower() not in _ORDINARY):
            tags[i] = "B-PARAM"
        elif name in exceptions:
            tags[i] = "B-EXC"
        elif name in types and _is_type(words, i, name):
            tags[i] = "B-TYPE"
    return _join_types(words, tags)


def _head(words: list[str], paragraph: Paragraph) -> int:
    """How many leading words name the parameters that an entry describes."""
    names = {*paragraph.entry, ",", "*", "/"}
    return next((i for i, word in enumerate(words) if word not in names), len(words)) if paragraph.entry else 0


def _is_type(words: list[str], index: int, name: str) -> bool:
    """A known name is a type; at the start of a sentence a word such as `Index` must look like a class to count."""
    starts = index == 0 or words[index - 1] in ".:!?-"
    return not starts or name in _BUILTIN_TYPES or _TWO_HUMPS.fullmatch(name) is not None


def _join_types(words: list[str], tags: list[str]) -> list[str]:
    if "-" not in words:
        return tags
    for several in _TYPES_OF_SEVERAL_WORDS:
        size = len(several)
        for i in range(len(words) - size + 1):
            if tuple(words[i : i + size]) == several:
                tags[i : i + size] = ["B-TYPE", *["I-TYPE"] * (size - 1)]
    return tags
