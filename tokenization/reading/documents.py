"""Blocks, the addressed pieces of a corpus's input, and the documents in them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from tokenization.errors import DataError
from tokenization.reading.faults import Faults
from tokenization.reading.files import SourceFile
from tokenization.reading.tables import dataset_cells, parquet_cells
from tokenization.reading.text import text_cells
from tokenization.spec import CorpusSpec


@dataclass(frozen=True)
class Document:
    """A text, stripped and not empty, and where it came from.

    Attributes:
        origin: file and byte (of the decompressed text), or file and row.
        presplit: each line is one sentence already (format `lines`), and is not to be split further.
    """

    text: str
    origin: str
    presplit: bool = False

    @property
    def place(self) -> int:
        """The byte or row of its source at which it begins."""
        return int(self.origin.rsplit(" ", 1)[1])


@dataclass(frozen=True)
class Block:
    """The unit of reading: what one call reads, without knowing of any other.

    Attributes:
        start, stop: the bytes (of text) or rows (of a table) start … stop - 1; a stop of None is the source's end.
        weight: how often an epoch sees its text.
        bytes: about how much text it holds.
        documents: at most so many of its non-empty documents are read; None: all.
    """

    source: SourceFile
    start: int = 0
    stop: int | None = None
    weight: float = 1.0
    bytes: int = 0
    documents: int | None = None


def read_block(spec: CorpusSpec, block: Block, faults: Faults) -> Iterator[Document]:
    """Yield a block's documents in their order; what is left out of them is told to `faults`.

    Raises:
        DataError: malformed input, unless `faults` skips it.
    """
    return islice(_documents(spec, block, faults), block.documents)


def _documents(spec: CorpusSpec, block: Block, faults: Faults) -> Iterator[Document]:
    presplit = block.source.format == "lines"
    nothing, bad_before = True, faults.bad_count
    for text, origin in _cells(spec, block, faults):
        nothing = False
        stripped = text.strip()
        if stripped:
            yield Document(stripped, origin, presplit)
        else:
            faults.skip_empty(origin)
    if nothing and faults.bad_count == bad_before and block.start == 0 and block.stop is None:
        place = block.source.place
        faults.meet(
            DataError(f"corpora.{spec.name}: no text in {place}: it is empty. Leave it out, or fetch it again.")
        )


def _cells(spec: CorpusSpec, block: Block, faults: Faults) -> Iterator[tuple[str, str]]:
    if block.source.format == "dataset":
        return dataset_cells(spec, block.source.place, block.start, block.stop, faults)
    read = parquet_cells if block.source.format == "parquet" else text_cells
    return read(block.source, block.start, block.stop, spec.field, faults)
