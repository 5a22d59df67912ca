"""All documents of a corpus, block after block."""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from tokenization.reading.blocks import all_blocks
from tokenization.reading.documents import Document, read_block
from tokenization.reading.faults import Faults
from tokenization.spec import CorpusSpec

__all__ = ["Document", "read_block", "read_documents"]


def read_documents(
    spec: CorpusSpec, on_empty: Callable[[str], None] | None = None, store: Path | None = None
) -> Iterator[Document]:
    """Yield a corpus's documents in the order of its files, the first `spec.documents` of them.

    Args:
        on_empty: called with the origin of every empty document, which is skipped.
        store: where a stream is spooled; only streams need it.

    Raises:
        DataError: a file is missing, malformed (file and line, or byte offset) or lacks the field.
    """
    faults = Faults(spec.skip_bad, on_empty)
    documents = (document for block in all_blocks(spec, store) for document in read_block(spec, block, faults))
    return islice(documents, spec.documents)
