"""Decontamination: does a document hold an example of a dev or test set?

A text of an example is looked for by its units (`ngrams`: words, or characters of scripts without spaces; the example
is measured in characters where more than half of its units are). A long one matches by any n-gram; a shorter one
whole, from the start of a sentence to the end of one, so that a phrase inside another sentence is no match; what is
shorter still cannot be told from chance and is listed as not checkable. Hashes only propose: a match is compared unit
by unit, so that no document is dropped for a collision.

Letters: U units, N texts, G n-grams, S sentences.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from tokenization.cleaning.ngrams import I64, U64, Units, hash_ngrams, hash_spans, hash_units, units_of
from tokenization.cleaning.run_table import RunTable, make_table
from tokenization.cleaning.spec import Decontamination
from tokenization.sentences import split_sentences

_SHORT_EXAMPLES = 3


@dataclass(frozen=True)
class KeptOutText:
    """A text of a dev or test example, and where it stands."""

    task: str
    split: str
    row: str
    text: str


@dataclass(frozen=True)
class NotCheckable:
    """Texts of a task that are too short to be looked for: how many, of how many, and a few of them."""

    task: str
    count: int
    of: int
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Match:
    """What a document holds of an example.

    Attributes:
        task, split, row: where the example stands.
        what: the units that both hold, parted by spaces.
    """

    task: str
    split: str
    row: str
    what: str


class KeptOut:
    """Examples that no document may hold. Can be pickled.

    Attributes:
        fingerprint: of the settings and the examples.
        tasks: that have any text, in order.
        not_checkable: by task, in order.
        not_checked: files of the suites that are not there.
    """

    def __init__(
        self, texts: Iterable[KeptOutText], settings: Decontamination, not_checked: Sequence[str] = ()
    ) -> None:
        given = tuple(texts)
        self.not_checked = tuple(not_checked)
        self.tasks = tuple(dict.fromkeys(entry.task for entry in given))
        self.fingerprint = _fingerprint(given, settings)
        firsts: dict[str, KeptOutText] = {}
        for entry in given:
            firsts.setdefault(entry.text, entry)
        self._texts = tuple(firsts.values())
        units, bounds_N1 = _units_of_all([entry.text for entry in self._texts])
        is_characters_N = _mostly_characters(units, bounds_N1)
        self._lengths = (settings.words, settings.characters)
        self._tables = tuple(
            _ngram_table(units.hashes_U, bounds_N1, is_characters_N == kind, length)
            for kind, length in enumerate(self._lengths)
        )
        lengths_N = np.diff(bounds_N1)
        long_N = lengths_N >= np.where(is_characters_N, settings.characters, settings.words)
        too_short_N = lengths_N < np.where(is_characters_N, settings.short_characters, settings.short_words)
        self._whole = _whole_table(units.hashes_U, bounds_N1, ~long_N & ~too_short_N)
        self._longest = int(self._whole.lengths_G.max(initial=0))
        too_short = {self._texts[int(number)].text for number in np.flatnonzero(too_short_N)}
        self.not_checkable = tuple(_not_checkable(given, too_short))

    def match(self, text: str, language: str, splitter: str | None = None) -> Match | None:
        """An example that the document holds: the first by n-grams, or else the first that matches whole."""
        sentences = split_sentences(text, language, splitter)
        joined = "\n".join(sentences)
        units = hash_units(joined)
        own: list[str] = []
        for start, table, row in self._proposed(units, sentences):
            own = own or units_of(joined)
            example = self._texts[table.texts_G[row]]
            place, length = int(table.places_G[row]), int(table.lengths_G[row])
            shared = own[start : start + length]
            if shared == units_of(example.text)[place : place + length]:
                return Match(example.task, example.split, example.row, " ".join(shared))
        return None

    def _proposed(self, units: Units, sentences: Sequence[str]) -> Iterator[tuple[int, RunTable, int]]:
        """Runs whose hash is an example's: the unit at which each starts, the table and its row."""
        for length, table in zip(self._lengths, self._tables, strict=True):
            if len(table.hashes_G):
                places, rows = table.find(hash_ngrams(units.hashes_U, length))
                yield from ((int(place), table, int(row)) for place, row in zip(places, rows, strict=True))
        if self._longest:
            starts_G, stops_G = _sentence_runs(units.starts_U, sentences, self._longest)
            places, rows = self._whole.find(hash_spans(units.hashes_U, starts_G, stops_G))
            yield from ((int(starts_G[place]), self._whole, int(row)) for place, row in zip(places, rows, strict=True))


def _units_of_all(texts: Sequence[str]) -> tuple[Units, I64]:
    """The units of all texts in a row, and where among them each text starts (N + 1 of them)."""
    units = hash_units("\n".join(texts))
    ends_N = np.cumsum([len(text) + 1 for text in texts], dtype=np.int64)
    return units, np.concatenate([[0], np.searchsorted(units.starts_U, ends_N)]).astype(np.int64)


def _mostly_characters(units: Units, bounds_N1: I64) -> NDArray[np.bool_]:
    characters_U1 = np.concatenate([[0], np.cumsum(units.is_character_U)])
    return 2 * np.diff(characters_U1[bounds_N1]) > np.diff(bounds_N1)


def _ngram_table(hashes_U: U64, bounds_N1: I64, wanted_N: NDArray[np.bool_], length: int) -> RunTable:
    """Every n-gram of the texts that are wanted and long enough; none that reaches from one text into the next."""
    hashes_G = hash_ngrams(hashes_U, length)
    texts_U = np.repeat(np.arange(len(bounds_N1) - 1), np.diff(bounds_N1))
    texts_G = texts_U[: len(hashes_G)]
    inside = np.flatnonzero(wanted_N[texts_G] & (texts_G == texts_U[length - 1 :][: len(hashes_G)]))
    texts = texts_G[inside]
    return make_table(hashes_G[inside], texts, inside - bounds_N1[texts], np.full(len(inside), length))


def _whole_table(hashes_U: U64, bounds_N1: I64, wanted_N: NDArray[np.bool_]) -> RunTable:
    texts = np.flatnonzero(wanted_N)
    starts, stops = bounds_N1[texts], bounds_N1[texts + 1]
    return make_table(hash_spans(hashes_U, starts, stops), texts, np.zeros(len(texts), dtype=np.int64), stops - starts)


def _sentence_runs(starts_U: I64, sentences: Sequence[str], longest: int) -> tuple[I64, I64]:
    """Runs of whole sentences of at most `longest` units: the first unit of each, and the one after its last."""
    ends = np.cumsum([len(sentence) + 1 for sentence in sentences], dtype=np.int64)
    bounds_S1 = np.unique(np.concatenate([[0], np.searchsorted(starts_U, ends)]))  # sentences without units vanish
    runs = []
    for count in range(1, min(longest, len(bounds_S1) - 1) + 1):
        first = np.flatnonzero(bounds_S1[count:] - bounds_S1[:-count] <= longest)
        if not len(first):
            break
        runs.append((bounds_S1[first], bounds_S1[first + count]))
    starts, stops = zip(*runs, strict=True) if runs else ([np.empty(0, dtype=np.int64)],) * 2
    return np.concatenate(starts), np.concatenate(stops)


def _not_checkable(given: Sequence[KeptOutText], too_short: set[str]) -> Iterator[NotCheckable]:
    of = Counter(entry.task for entry in given)
    for task, count in of.items():
        short = [entry.text for entry in given if entry.task == task and entry.text in too_short]
        if short:
            yield NotCheckable(task, len(short), count, tuple(dict.fromkeys(short))[:_SHORT_EXAMPLES])


def _fingerprint(texts: Sequence[KeptOutText], settings: Decontamination) -> str:
    state = hashlib.blake2b(json.dumps(asdict(settings), sort_keys=True).encode(), digest_size=8)
    for entry in texts:
        state.update(json.dumps([entry.task, entry.split, entry.row, entry.text]).encode())
    return state.hexdigest()
