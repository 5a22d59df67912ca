"""Where the documents of a unit stood, kept on disk beside their sketches, for the few duplicates that a report quotes.

numbers.bin: of each document the byte or row at which it begins, and which of `places.json` (file and `byte` or `row`)
stands before that in its origin.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

_NUMBERS, _PLACES = "numbers.bin", "places.json"
_RECORD = np.dtype([("number", np.uint64), ("place", np.uint32)])


@contextmanager
def noting_origins(folder: Path) -> Iterator[Callable[[str], None]]:
    """Yield what is to be told the origin of each document of a unit, in order; they are written to a new folder.

    Memory holds the names of the unit's files.
    """
    folder.mkdir()
    places: dict[str, int] = {}
    with open(folder / _NUMBERS, "wb") as file:

        def note(origin: str) -> None:
            place, number = origin.rsplit(" ", 1)
            file.write(np.array((int(number), places.setdefault(place, len(places))), dtype=_RECORD).tobytes())

        yield note
    (folder / _PLACES).write_text(json.dumps(list(places)), encoding="utf-8")


def read_origin(folder: Path, document: int) -> str:
    """The origin of the document of this number in the unit."""
    (record,) = np.fromfile(folder / _NUMBERS, dtype=_RECORD, offset=document * _RECORD.itemsize, count=1)
    places = json.loads((folder / _PLACES).read_text(encoding="utf-8"))
    return f"{places[record['place']]} {record['number']}"
