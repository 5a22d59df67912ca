"""Documents to sentences to ids, a batch at a time.

Letters: T tokens, N sentences before and S after those without tokens are left out, D documents, likewise.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from tokenization.building.shard_writer import Batch
from tokenization.held_out import content_hash
from tokenization.reading.documents import Document
from tokenization.sentences import split_sentences
from tokenization.spec import CorpusSpec
from tokenization.vocabulary import Tokenizer
from tokenization.words.boundaries import segmented_flat

I64 = NDArray[np.int64]
_CHARACTERS_AT_ONCE = 1 << 20


def tokenised(
    documents: Iterable[Document], spec: CorpusSpec, tokenizer: Tokenizer, skip: Callable[[str], None]
) -> Iterator[Batch]:
    """Cut and tokenise documents, a million characters at a time: enough for the tokenizer, little for any memory.

    Args:
        skip: told the origin of each document without a token, which is left out; so are sentences without one.
    """
    for rows in _batches(documents):
        batch = _tokenised(rows, spec, tokenizer, skip)
        if len(batch.counts_D):
            yield batch


def sentences_of(document: Document, spec: CorpusSpec) -> list[str]:
    """A document's sentences: its lines where the format says that they are, else by the rules of its language."""
    if document.presplit:
        return [line.strip() for line in document.text.split("\n") if line.strip()]
    return split_sentences(document.text, spec.language, spec.splitter)


def encoded(
    sentences: list[str], segmenter: str | None, tokenizer: Tokenizer
) -> tuple[I64, I64, NDArray[np.bool_] | None]:
    """Ids of sentences end to end, the tokens of each, and, with a segmenter, which tokens continue a word."""
    if segmenter is None:
        return *tokenizer.encode_flat(sentences), None
    return segmented_flat(tokenizer, segmenter, sentences)


def _batches(documents: Iterable[Document]) -> Iterator[list[Document]]:
    batch: list[Document] = []
    characters = 0
    for document in documents:
        batch.append(document)
        characters += len(document.text)
        if characters >= _CHARACTERS_AT_ONCE:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _tokenised(documents: list[Document], spec: CorpusSpec, tokenizer: Tokenizer, skip: Callable[[str], None]) -> Batch:
    cut = [sentences_of(document, spec) for document in documents]
    ids_T, lengths_N, continues_T = encoded([sentence for row in cut for sentence in row], spec.segmenter, tokenizer)
    document_N = np.repeat(np.arange(len(cut)), [len(row) for row in cut])
    counts_D = np.bincount(document_N[lengths_N > 0], minlength=len(cut))
    for number in np.flatnonzero(counts_D == 0):
        skip(documents[number].origin)
    hashes = [content_hash(document.text) for document, count in zip(documents, counts_D, strict=True) if count]
    return Batch(
        ids_T=ids_T,
        lengths_S=lengths_N[lengths_N > 0],
        counts_D=counts_D[counts_D > 0],
        hashes_D=np.array(hashes, dtype=np.uint64),
        continues_T=continues_T,
    )
