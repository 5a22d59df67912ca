"""One unit of work: some blocks of input become one shard. Doing it again, or twice at once, changes nothing."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from tokenization import atomic
from tokenization.building.pulse import Pulse
from tokenization.building.record import UnitRecord
from tokenization.building.shard_writer import ShardWriter, hashes_name
from tokenization.building.tokenised import tokenised
from tokenization.building.work import Work
from tokenization.cleaning.documents import Changed, Cleaner, Dropped
from tokenization.cleaning.duplicates import Duplicate, read_duplicates
from tokenization.cleaning.origins import noting_origins, read_origin
from tokenization.cleaning.report import CleaningReport
from tokenization.cleaning.sketch import write_sketches
from tokenization.manifest import FileEntry, describe_file
from tokenization.reading.documents import Document, read_block
from tokenization.reading.faults import Faults


def sketch_unit(work: Work, unit: int, pulse: Pulse | None = None) -> None:
    """Read and clean a unit, and keep what its duplicates are found by.

    Raises:
        DataError: malformed input, unless the spec skips it.
        RunError: the disk is full.
    """
    if work.sketch(unit).is_dir() or work.is_complete:
        return
    reading = _Reading(work, unit)
    with work.unless_complete(), atomic.scratch(work.aside) as mine:
        with noting_origins(mine / "origins") as note:
            write_sketches(reading.sketched(note, pulse or Pulse()), mine / "sketch", work.spec.clean)
        (mine / "origins").rename(_origins(mine / "sketch"))
        atomic.flush(mine / "sketch")
        _rename_folder(mine / "sketch", work.sketch(unit))


def build_unit(work: Work, unit: int, pulse: Pulse | None = None) -> None:
    """Read, clean and tokenise a unit into its shard.

    Raises:
        DataError: malformed input, unless the spec skips it.
        RunError: the disk is full.
    """
    if work.record(unit).is_file() or work.is_complete:
        return
    reading = _Reading(work, unit)
    pulse, unknown = pulse or Pulse(), 0
    with work.unless_complete(), atomic.scratch(work.aside) as mine:
        with ShardWriter(mine, unit, work.dtype, work.spec.segmenter is not None) as shard:
            faults = reading.faults
            for batch in tokenised(reading.without_duplicates(), work.spec, work.tokenizer, faults.skip_empty):
                shard.add(batch)
                pulse(unit, f"{shard.documents:,} documents, {shard.tokens:,} tokens")
                unknown += int(np.count_nonzero(batch.ids_T == work.tokenizer.unk))
        UnitRecord(
            documents=shard.documents,
            sentences=shard.sentences,
            tokens=shard.tokens,
            unknown=unknown,
            empty=faults.empty,
            bad=faults.bad_count,
            bad_examples=tuple(faults.bad),
            cleaning=reading.report.to_json(),
            files=_described(mine, unit),
        ).write(mine / "record")
        _publish(work, unit, mine)


class _Reading:
    """A unit's documents as they are read and cleaned, counted on the way."""

    def __init__(self, work: Work, unit: int) -> None:
        self._work, self._unit = work, unit
        self._cleaner = Cleaner(work.spec.clean, work.spec.language, work.kept_out, work.spec.splitter)
        self.faults = Faults(work.spec.skip_bad)
        self.report = CleaningReport()

    def cleaned(self) -> Iterator[tuple[Document, tuple[Changed, ...]]]:
        """The documents that cleaning keeps, duplicates included, and what was changed in each."""
        for document in self._read():
            found = self._cleaner.clean(document.text)
            if isinstance(found, Dropped):
                self.report.drop(found, document.origin, document.text)
            else:
                yield Document(found.text, document.origin, document.presplit), found.changed

    def sketched(self, note: Callable[[str], None], pulse: Pulse) -> Iterator[str]:
        """The texts that cleaning keeps; `note` is told where each stood."""
        for number, (document, _) in enumerate(self.cleaned()):
            note(document.origin)
            pulse(self._unit, f"{number:,} documents")
            yield document.text

    def without_duplicates(self) -> Iterator[Document]:
        """The documents that the corpus holds, all of them counted in the report."""
        duplicates = read_duplicates(self._work.sketch(self._unit)) if self._work.finds_duplicates else {}
        for number, (document, changed) in enumerate(self.cleaned()):
            if number in duplicates:
                self.report.drop(self._dropped(duplicates[number]), document.origin, document.text)
            else:
                self.report.keep(len(document.text), changed)
                yield document

    def _dropped(self, duplicate: Duplicate) -> Dropped:
        """Why a duplicate goes; the kept document's origin is looked up only where the report quotes it."""
        if not self.report.quotes(duplicate.reason):
            return duplicate.dropped("a document")
        return duplicate.dropped(read_origin(_origins(self._work.sketch(duplicate.kept_unit)), duplicate.kept_document))

    def _read(self) -> Iterator[Document]:
        for block in self._work.units[self._unit]:
            yield from read_block(self._work.spec, block, self.faults)


def _origins(sketch: Path) -> Path:
    return sketch / "origins"


def _described(mine: Path, unit: int) -> tuple[FileEntry, ...]:
    files = (path for path in sorted(mine.iterdir()) if path.name != hashes_name(unit))
    return tuple(describe_file(path) for path in files)


def _publish(work: Work, unit: int, mine: Path) -> None:
    """Rename what is whole into place, the record last."""
    atomic.flush(mine)
    record, hashes = mine / "record", mine / hashes_name(unit)
    for path in sorted(mine.iterdir()):
        if path != record:
            path.replace((work.aside if path == hashes else work.folder) / path.name)
    atomic.flush_entry(work.folder)
    record.replace(work.record(unit))
    atomic.flush_entry(work.aside)


def _rename_folder(source: Path, target: Path) -> None:
    """Put a folder in its place, unless another process was faster with the same."""
    try:
        source.rename(target)
    except OSError:
        if not target.is_dir():
            raise
    atomic.flush_entry(target.parent)
