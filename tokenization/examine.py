"""A look at a corpus before any work: a sample of each source, read, cut and tokenised as the build would do it."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from tokenization.cleaning.documents import Cleaner, Dropped
from tokenization.errors import DataError
from tokenization.held_out import content_hash
from tokenization.reading.blocks import Block, all_blocks, read_block
from tokenization.reading.documents import Document
from tokenization.reading.faults import Faults
from tokenization.reading.files import resolve_files
from tokenization.reading.opening import endings
from tokenization.sentences import split_sentences
from tokenization.spec import CorpusSpec
from tokenization.vocabulary import Tokenizer
from tokenization.words.boundaries import segmented_flat

_SAMPLED_BLOCKS = 16
_CHARACTERS = 4_000_000


@dataclass(frozen=True)
class Sample:
    """Documents of a corpus, from blocks spread over it.

    Attributes:
        formats: format and compression of the sources, with their number.
        documents: what was read; `seconds` it took.
        share: about which part of the corpus's text was read; None where its size is not known.
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
    """
    formats = Counter(source.format + endings(source.place)[1] for source in resolve_files(spec))
    faults = Faults(skip=True)
    started = time.perf_counter()
    blocks = all_blocks(replace(spec, skip_bad=True), store)
    every = list(islice(blocks, 1) if spec.streaming else blocks)
    chosen = [every[at] for at in sorted(set(np.linspace(0, len(every) - 1, _SAMPLED_BLOCKS).astype(int).tolist()))]
    beginnings = [_beginning(read_block(spec, block, faults), characters // len(chosen)) for block in chosen]
    found = tuple(document for documents, _ in beginnings for document in documents)[: spec.documents]
    if not found and faults.bad:
        raise DataError(faults.bad[0])
    whole = len(chosen) == len(every) and all(ended for _, ended in beginnings)
    return Sample(
        formats=dict(formats),
        documents=found,
        seconds=time.perf_counter() - started,
        share=None if spec.streaming else 1.0 if whole else _share(spec, found, every),
        empty=faults.empty,
        bad=tuple(faults.bad),
        bad_count=faults.bad_count,
    )


def _beginning(documents: Iterator[Document], characters: int) -> tuple[list[Document], bool]:
    """The first documents, and whether there are no others."""
    found: list[Document] = []
    for document in documents:
        found.append(document)
        characters -= len(document.text)
        if characters <= 0:
            return found, False
    return found, True


def _share(spec: CorpusSpec, found: tuple[Document, ...], blocks: list[Block]) -> float:
    read = sum(len(document.text.encode()) for document in found)
    share = read / max(1, sum(block.bytes for block in blocks))
    return min(1.0, max(share, len(found) / spec.documents if spec.documents else 0.0))


@dataclass(frozen=True)
class Findings:
    """What a sample says of its corpus.

    Attributes:
        documents: about how many there are; None where the size is not known, as are tokens, shard_bytes, seconds.
        median_sentences: of a document; single: share of documents of one sentence.
        median_tokens: of a document.
        empty, duplicates: shares of the documents read; a duplicate is an exact copy of an earlier one in the sample.
        unknown: share of tokens that the vocabulary does not know.
        dropped: reason → share of the documents that cleaning takes out (duplicates apart).
        seconds: about how long one core takes to tokenise it.
    """

    sample: Sample
    documents: int | None
    median_sentences: float
    single: float
    median_tokens: float
    empty: float
    duplicates: float
    unknown: float
    dropped: dict[str, float]
    tokens: int | None
    shard_bytes: int | None
    seconds: float | None


def examine(spec: CorpusSpec, read: Sample, tokenizer: Tokenizer, cleaner: Cleaner | None = None) -> Findings:
    """Clean, cut and tokenise a sample, and count."""
    started = time.perf_counter()
    kept, dropped = _cleaned(read.documents, cleaner)
    sentences = [_sentences(spec, document) for document in kept]
    flat = [sentence for row in sentences for sentence in row]
    ids_T, lengths_S = _encoded(spec, tokenizer, flat)
    seconds = read.seconds + time.perf_counter() - started
    count_D = np.array([len(row) for row in sentences])
    ends_S1 = np.concatenate([[0], np.cumsum(lengths_S)])
    tokens_D = np.diff(ends_S1[np.concatenate([[0], np.cumsum(count_D)]).astype(np.int64)])
    total = len(read.documents)
    scale = None if read.share is None else 1.0 / max(read.share, 1e-12)
    a_token = (2.0 if tokenizer.size <= 1 << 16 else 4.0) + 2.0 * len(flat) / max(1, len(ids_T))
    return Findings(
        sample=read,
        documents=_scaled(total, scale),
        median_sentences=_median(count_D),
        single=float((count_D == 1).mean()) if len(count_D) else 0.0,
        median_tokens=_median(tokens_D),
        empty=read.empty / max(1, total + read.empty),
        duplicates=1.0 - len({content_hash(document.text) for document in read.documents}) / max(1, total),
        unknown=float((ids_T == tokenizer.unk).mean()) if len(ids_T) else 0.0,
        dropped={reason: count / max(1, total) for reason, count in dropped.items()},
        tokens=_scaled(len(ids_T), scale),
        shard_bytes=_scaled(len(ids_T) * (a_token + (0.125 if spec.segmenter else 0.0)), scale),
        seconds=None if scale is None else seconds * scale,
    )


def _cleaned(documents: tuple[Document, ...], cleaner: Cleaner | None) -> tuple[list[Document], Counter[str]]:
    if cleaner is None:
        return list(documents), Counter()
    results = [(document, cleaner.clean(document.text)) for document in documents]
    dropped = Counter(result.reason for _, result in results if isinstance(result, Dropped))
    return [replace(d, text=result.text) for d, result in results if not isinstance(result, Dropped)], dropped


def _sentences(spec: CorpusSpec, document: Document) -> list[str]:
    if document.presplit:
        return [line.strip() for line in document.text.splitlines() if line.strip()]
    return split_sentences(document.text, spec.language, spec.splitter)


def _encoded(spec: CorpusSpec, tokenizer: Tokenizer, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    if spec.segmenter is None:
        return tokenizer.encode_flat(texts)
    ids_T, lengths_S, _ = segmented_flat(tokenizer, spec.segmenter, texts)
    return ids_T, lengths_S


def _scaled(count: float, scale: float | None) -> int | None:
    return None if scale is None else round(count * scale)


def _median(values: np.ndarray) -> float:
    return float(np.median(values)) if len(values) else 0.0
