"""From source files to cleaned records, several files at a time; the result does not depend on the processes used."""

import multiprocessing
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from pipeline.pydocs.docstrings import Docstring, parse, topics
from pipeline.pydocs.paragraphs import Paragraph, paragraphs
from pipeline.pydocs.sources import Module

_TOPICS = "pydoc_data.topics"
_FILES_A_TURN = 32


@dataclass(frozen=True)
class Record:
    """One docstring, cleaned: what it documents and its paragraphs."""

    package: str
    module: str
    name: str
    parameters: tuple[str, ...]
    signature: str | None
    paragraphs: tuple[Paragraph, ...]

    @property
    def key(self) -> str:
        """What makes two records the same."""
        return " ".join(paragraph.key for paragraph in self.paragraphs)


@dataclass(frozen=True)
class Reading:
    """What one module says: its records in the file's order, its classes, and the names its annotations use."""

    package: str
    module: str
    records: tuple[Record, ...]
    classes: frozenset[str] = frozenset()
    annotations: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Library:
    """Every module read, in the order of the files, and how many files could not be parsed."""

    readings: tuple[Reading, ...]
    unreadable: int


def read_all(modules: tuple[Module, ...], jobs: int) -> Library:
    """Read the files, with `jobs` processes when more than one."""
    if jobs <= 1:
        return _library(map(read, modules))
    context = multiprocessing.get_context("spawn")  # the caller may hold threads, which a fork would break
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        return _library(pool.map(read, modules, chunksize=_FILES_A_TURN))


def read(module: Module) -> tuple[Reading, ...] | None:
    """One file's readings: one, or one per topic for the language's own help; None when it cannot be parsed."""
    source = module.path.read_bytes()
    if module.name == _TOPICS:
        return tuple(_topic(module.package, name, text) for name, text in topics(source))
    parsed = parse(source)
    if parsed is None:
        return None
    records = tuple(_record(module.package, module.name, docstring) for docstring in parsed.docstrings)
    spoken = tuple(record for record in records if record.paragraphs)
    return (Reading(module.package, module.name, spoken, parsed.classes, parsed.annotations),)


def _library(answers: Iterable[tuple[Reading, ...] | None]) -> Library:
    listed = list(answers)
    readings = tuple(reading for answer in listed if answer is not None for reading in answer)
    return Library(readings, unreadable=sum(answer is None for answer in listed))


def _record(package: str, module: str, docstring: Docstring) -> Record:
    cleaned = paragraphs(docstring.text)
    # Qualified, as manuals print it: `scipy.signal.convolve(in1, in2)`.
    owner = docstring.name.rpartition(".")[0]
    signature = docstring.signature and ".".join(filter(None, [module, owner, docstring.signature]))
    return Record(package, module, docstring.name, docstring.parameters, signature, cleaned)


def _topic(package: str, name: str, text: str) -> Reading:
    module = f"{_TOPICS}.{name}"
    return Reading(package, module, (_record(package, module, Docstring("", text)),))
