"""A sample of a corpus: documents from places spread over it, and how much of it they are."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from tokenization.errors import DataError
from tokenization.reading.blocks import Block, all_blocks, read_block
from tokenization.reading.documents import Document
from tokenization.reading.faults import Faults
from tokenization.reading.files import resolve_files
from tokenization.reading.opening import endings
from tokenization.reading.text_formats import FORMATS
from tokenization.spec import CorpusSpec

_SAMPLED_BLOCKS = 16
_CHARACTERS = 4_000_000


@dataclass(frozen=True)
class Sample:
    """Documents of a corpus, from blocks spread over it.

    Attributes:
        formats: format and compression of the sources, with their number.
        documents: what was read; `seconds` it took.
        share: about which part of the corpus was read; None where its size is not known.
        empty: documents without text that were met on the way.
        bad: the messages of malformed input, `bad_count` in all.
    """

    formats: dict[str, int]
    documents: tuple[Document, ...]
    seconds: float
    share: float | None
    empty: int
    bad: tuple[str, ...]
    bad_count: int


def sample(spec: CorpusSpec, store: Path, characters: int = _CHARACTERS) -> Sample:
    """Read about so many characters of a corpus, at its beginning and at places spread over it.

    Malformed input is counted, whatever the spec says. Of a stream the first block alone is read (and stays spooled).

    Raises:
        DataError: a source is missing, or nothing in it can be read.
        RunError: the disk or the network fails.
    """
    formats = Counter(source.format + endings(source.place)[1] for source in resolve_files(spec))
    faults = Faults(skip=True)
    started = time.perf_counter()
    blocks = all_blocks(replace(spec, skip_bad=True), store)
    every = list(islice(blocks, 1) if spec.streaming else blocks)
    chosen = [every[at] for at in sorted(set(np.linspace(0, len(every) - 1, _SAMPLED_BLOCKS).astype(int).tolist()))]
    read = [_beginning(read_block(spec, block, faults), block, characters // len(chosen)) for block in chosen]
    found = tuple(document for documents, _ in read for document in documents)[: spec.documents]
    if not found and faults.bad:
        raise DataError(faults.bad[0])
    taken = sum(share * max(1, block.bytes) for block, (_, share) in zip(chosen, read, strict=True))
    share = taken / sum(max(1, block.bytes) for block in every)
    return Sample(
        formats=dict(formats),
        documents=found,
        seconds=time.perf_counter() - started,
        share=None if spec.streaming else max(share, len(found) / spec.documents if spec.documents else 0.0),
        empty=faults.empty,
        bad=tuple(faults.bad),
        bad_count=faults.bad_count,
    )


def _beginning(documents: Iterator[Document], block: Block, characters: int) -> tuple[list[Document], float]:
    """A block's first documents, and the share of the block's input that stands before the next one."""
    found: list[Document] = []
    for document in documents:
        if characters <= 0:
            return found, min(1.0, _share_before(document, block, found))
        found.append(document)
        characters -= len(document.text)
    return found, 1.0


def _share_before(following: Document, block: Block, found: list[Document]) -> float:
    """By the input, of which the text may be a small part: other keys, escapes, tags."""
    if block.stop is None and block.source.format not in FORMATS:  # rows to the table's end, which are not counted
        return sum(len(document.text.encode()) for document in found) / max(1, block.bytes)
    length = block.bytes if block.stop is None else block.stop - block.start
    return (following.place - block.start) / max(1, length)
