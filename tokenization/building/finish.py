"""Putting finished units together: counts, the choice of held-out documents, the manifest last.

One unit's arrays are in memory at a time.

Letters: S sentences, D documents.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokenization import atomic
from tokenization.building.record import UnitRecord
from tokenization.building.shard_writer import HASH, hashes_name
from tokenization.building.work import Work
from tokenization.cleaning.report import CleaningReport
from tokenization.corpus import HELD_OUT, TIMES, Corpus
from tokenization.errors import DataError
from tokenization.held_out import held_out_bound
from tokenization.manifest import (
    FORMAT_VERSION,
    CorpusManifest,
    Counts,
    FileEntry,
    ShardEntry,
    describe_file,
    write_manifest,
)
from tokenization.shard_files import COUNT, LENGTH, bounds, documents_name, lengths_name, mapped

I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]
REPORT = "cleaning.json"
_BAD_EXAMPLES = 20


def finish(work: Work) -> Corpus:
    """Make a corpus of a work all of whose units are finished.

    Raises:
        DataError: there is no text in it.
        RunError: the disk is full.
    """
    assert sys.byteorder == "little", "ids are written in the machine's order, which is declared little-endian"
    if not work.is_complete:
        _complete(work, [UnitRecord.read(work.record(unit)) for unit in range(len(work.units))])
    # From here on the folder is whole; a kill leaves only this to be done.
    _clear(work.aside)
    work.folder.rename(work.target)
    atomic.flush_entry(work.target.parent)
    return Corpus.open(work.target)


def _clear(aside: Path) -> None:
    """Remove a folder; under another name first, since another process may still be writing to it."""
    outgoing = aside.with_name(f"{atomic.ASIDE}{aside.name}")
    atomic.remove(outgoing)
    if aside.is_dir():
        aside.rename(outgoing)
    atomic.remove(outgoing)


def _complete(work: Work, records: Sequence[UnitRecord]) -> None:
    if not any(record.tokens for record in records):
        atomic.remove(work.folder)
        raise _no_text(work, records)
    bound = held_out_bound(_hashes(work), work.spec.held_out)
    own = [_write_held_out(work, bound), *_write_times(work)]
    files = sorted([*own, *(file for record in records for file in record.files)], key=lambda file: file.name)
    counts = _counts(work, records, bound)
    atomic.write_json(work.folder / REPORT, _report(work, records).to_json())
    write_manifest(work.folder, _manifest(work, records, counts, tuple(files)))


def _no_text(work: Work, records: Sequence[UnitRecord]) -> DataError:
    empty, bad = sum(record.empty for record in records), sum(record.bad for record in records)
    dropped = _report(work, records).dropped
    advice = f"{', or clean less' if dropped else ''}{', or mend what is malformed:' if bad else '.'}"
    return DataError(
        f"corpora.{work.spec.name}: no text in {', '.join(map(str, work.spec.files))} ({empty:,} empty documents, "
        f"{dropped:,} dropped by cleaning, {bad:,} places of malformed input skipped). Name files that hold text"
        f"{advice}{_bad_examples(records)}"
    )


def _bad_examples(records: Sequence[UnitRecord]) -> str:
    examples = [example for record in records for example in record.bad_examples][:_BAD_EXAMPLES]
    return "".join(f"\n    {line}" for line in examples)


def _hashes(work: Work) -> Iterator[U64]:
    """The content hashes of each unit's documents."""
    for unit in range(len(work.units)):
        yield mapped(work.aside / hashes_name(unit), HASH)


def _write_held_out(work: Work, bound: int) -> FileEntry:
    """Mark the documents held out of training, a byte each."""
    marks = [hashes_D < np.uint64(bound) for hashes_D in _hashes(work)]
    return _write_array(work.folder / HELD_OUT, np.concatenate(marks))


def _write_times(work: Work) -> list[FileEntry]:
    """How often an epoch sees each document, by the weight of its source; no file where that is once for all."""
    weights = [blocks[0].weight for blocks in work.units]
    if all(weight == 1 for weight in weights):
        return []
    times = [_times(hashes_D, weight) for hashes_D, weight in zip(_hashes(work), weights, strict=True)]
    return [_write_array(work.folder / TIMES, np.concatenate(times))]


def _times(hashes_D: U64, weight: float) -> NDArray[np.uint16]:
    """The whole part of the weight for all, and one more for its fraction of the documents.

    Which these are is read from the other end of the hash than who is held out, so that the choices are independent.
    """
    whole, fraction = divmod(weight, 1.0)
    more_D = hashes_D.byteswap() < np.uint64(fraction * 2.0**64)
    return (np.uint16(whole) + more_D).astype(np.uint16)


def _write_array(path: Path, array: NDArray[np.generic]) -> FileEntry:
    with atomic.aside(path) as temporary, open(temporary, "wb") as handle:
        np.save(handle, array)
    return describe_file(path)


def _counts(work: Work, records: Sequence[UnitRecord], bound: int) -> Counts:
    histogram: dict[int, int] = {}
    held_out_documents = held_out_tokens = 0
    for unit, hashes_D in enumerate(_hashes(work)):
        counts_D: I64 = mapped(work.folder / documents_name(unit), COUNT)
        for count, documents in zip(*np.unique(counts_D, return_counts=True), strict=True):
            histogram[int(count)] = histogram.get(int(count), 0) + int(documents)
        held_out_D = hashes_D < np.uint64(bound)
        starts_S1 = bounds(mapped(work.folder / lengths_name(unit), LENGTH))
        tokens_D = np.diff(starts_S1[bounds(counts_D)])
        held_out_documents += int(held_out_D.sum())
        held_out_tokens += int(tokens_D[held_out_D].sum())
    tokens = sum(record.tokens for record in records)
    return Counts(
        documents=sum(record.documents for record in records),
        sentences=sum(record.sentences for record in records),
        tokens=tokens,
        held_out_documents=held_out_documents,
        held_out_tokens=held_out_tokens,
        median_sentences=_median(histogram),
        single_sentence=histogram.get(1, 0),
        empty=sum(record.empty for record in records),
        bad=sum(record.bad for record in records),
        dropped=_report(work, records).dropped,
        unknown_share=sum(record.unknown for record in records) / tokens,
    )


def _median(histogram: dict[int, int]) -> float:
    """The median of values that come so often each."""
    values = np.array(sorted(histogram))
    reached = np.cumsum([histogram[int(value)] for value in values])
    middle = np.searchsorted(reached, [(reached[-1] - 1) // 2, reached[-1] // 2], side="right")
    return float(values[middle].mean())


def _report(work: Work, records: Sequence[UnitRecord]) -> CleaningReport:
    """What cleaning changed and dropped, all units in their order."""
    report = CleaningReport.of(work.spec.clean, work.kept_out)
    for record in records:
        report.merge(CleaningReport.from_json(record.cleaning))
    return report


def _manifest(
    work: Work, records: Sequence[UnitRecord], counts: Counts, files: tuple[FileEntry, ...]
) -> CorpusManifest:
    spec = work.spec
    return CorpusManifest(
        version=FORMAT_VERSION,
        name=spec.name,
        language=spec.language,
        dtype=work.dtype,
        tokenizer=work.tokenizer.fingerprint,
        vocabulary_size=work.tokenizer.size,
        held_out=spec.held_out,
        segmenter=spec.segmenter,
        counts=counts,
        shards=tuple(
            ShardEntry(record.documents, record.sentences, record.tokens, blocks[0].weight)
            for record, blocks in zip(records, work.units, strict=True)
        ),
        files=files,
        identity=work.identity,
        notes=tuple(_notes(counts, records)),
    )


def _notes(counts: Counts, records: Sequence[UnitRecord]) -> Iterator[str]:
    if not counts.held_out_documents:
        yield "No document is held out: held-out losses cannot be measured on this corpus."
    if counts.median_sentences == 1:
        yield "Half or more of the documents are single sentences: there may be too few for sentence pairs."
    if counts.unknown_share > 0.02:
        yield f"{counts.unknown_share:.1%} of the tokens are unknown to the vocabulary."
    if counts.bad:
        yield f"{counts.bad:,} places of malformed input were skipped:{_bad_examples(records)}"
