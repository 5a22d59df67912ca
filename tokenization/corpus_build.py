"""Building a corpus: documents to sentences to ids to shards, written aside until whole.

Letters: D documents, S sentences.
"""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokenization import atomic
from tokenization.corpus import HELD_OUT, Corpus
from tokenization.errors import DataError
from tokenization.held_out import choose_held_out, content_hash
from tokenization.manifest import (
    FORMAT_VERSION,
    CorpusManifest,
    Counts,
    ShardEntry,
    describe_files,
    write_manifest,
)
from tokenization.reading.readers import Document, read_documents
from tokenization.sentences import split_sentences
from tokenization.shard_writer import ShardWriter
from tokenization.spec import CorpusSpec
from tokenization.vocabulary import Tokenizer

I64 = NDArray[np.int64]
Progress = Callable[[str], None]

SHARD_TOKENS = 1 << 26
_CHARACTERS_AT_ONCE = 1 << 20
_SECONDS_BETWEEN_LINES = 5.0


def build_corpus(
    spec: CorpusSpec,
    tokenizer: Tokenizer,
    folder: Path,
    progress: Progress | None = None,
    shard_tokens: int = SHARD_TOKENS,
) -> Corpus:
    """Read, cut, tokenise and write a corpus, aside until it is whole.

    Raises:
        DataError: a source is missing or malformed, or there is no text in it.
        RunError: the disk is full.
    """
    dtype = "uint16" if tokenizer.size <= 1 << 16 else "uint32"
    with atomic.aside(folder) as temporary:
        temporary.mkdir()
        tally = _Tally(tokenizer.unk)
        writer = ShardWriter(temporary, dtype, shard_tokens)
        say = _Throttle(spec.name, progress)
        for document, ids, lengths_S in _tokenised(spec, tokenizer, tally):
            writer.add(ids, lengths_S, document.origin)
            tally.add(document, ids, lengths_S)
            say(tally)
        shards = tuple(writer.close())
        if not shards:
            raise DataError(
                f"corpora.{spec.name}: no text in {', '.join(map(str, spec.files))} "
                f"({tally.empty} empty documents). Name files that hold text."
            )
        held_out_D = choose_held_out(np.array(tally.hashes, dtype=np.uint64), spec.held_out)
        np.save(temporary / HELD_OUT, held_out_D)
        write_manifest(temporary, _manifest(spec, tokenizer, dtype, tally, shards, held_out_D, temporary))
    return Corpus.open(folder)


def _tokenised(spec: CorpusSpec, tokenizer: Tokenizer, tally: "_Tally") -> Iterator[tuple[Document, I64, I64]]:
    """Yield (document, its ids, the length of each sentence); sentences and documents without tokens are dropped."""
    for batch in _batches(read_documents(spec, tally.skip)):
        sentences = [split_sentences(document.text, spec.language) for document in batch]
        encoded = iter(tokenizer.encode([sentence for row in sentences for sentence in row]))
        for document, row in zip(batch, sentences, strict=True):
            pieces = [ids for ids in (next(encoded) for _ in row) if len(ids)]
            if pieces:
                yield document, np.concatenate(pieces), np.array([len(ids) for ids in pieces], dtype=np.int64)
            else:
                tally.skip(document.origin)


def _batches(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """Documents by the million characters: enough for all cores, little enough for any memory."""
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


class _Tally:
    """What is counted while a corpus is built; one entry a document in `hashes`, `tokens` and `sentences`."""

    def __init__(self, unk: int) -> None:
        self._unk = unk
        self.hashes: list[int] = []
        self.tokens: list[int] = []
        self.sentences: list[int] = []
        self.total = 0
        self.unknown = 0
        self.empty = 0

    def add(self, document: Document, ids: I64, lengths_S: I64) -> None:
        self.hashes.append(content_hash(document.text))
        self.tokens.append(len(ids))
        self.sentences.append(len(lengths_S))
        self.total += len(ids)
        self.unknown += int(np.count_nonzero(ids == self._unk))

    def skip(self, origin: str) -> None:
        self.empty += 1

    def counts(self, held_out_D: NDArray[np.bool_]) -> Counts:
        sentences_D = np.array(self.sentences)
        return Counts(
            documents=len(self.tokens),
            sentences=int(sentences_D.sum()),
            tokens=self.total,
            held_out_documents=int(held_out_D.sum()),
            held_out_tokens=int(np.array(self.tokens)[held_out_D].sum()),
            median_sentences=float(np.median(sentences_D)),
            single_sentence=int((sentences_D == 1).sum()),
            empty=self.empty,
            unknown_share=self.unknown / self.total,
        )


class _Throttle:
    """Says how far a build is, a line every few seconds."""

    def __init__(self, name: str, progress: Progress | None) -> None:
        self._name = name
        self._progress = progress
        self._last = time.monotonic()

    def __call__(self, tally: _Tally) -> None:
        now = time.monotonic()
        if self._progress is not None and now - self._last >= _SECONDS_BETWEEN_LINES:
            self._last = now
            self._progress(f"corpus {self._name}: {len(tally.tokens):,} documents, {tally.total:,} tokens")


def _manifest(
    spec: CorpusSpec,
    tokenizer: Tokenizer,
    dtype: str,
    tally: _Tally,
    shards: tuple[ShardEntry, ...],
    held_out_D: NDArray[np.bool_],
    folder: Path,
) -> CorpusManifest:
    assert sys.byteorder == "little", "ids are written in the machine's order, which is declared little-endian"
    counts = tally.counts(held_out_D)
    return CorpusManifest(
        version=FORMAT_VERSION,
        name=spec.name,
        language=spec.language,
        dtype=dtype,
        tokenizer=tokenizer.fingerprint,
        vocabulary_size=tokenizer.size,
        held_out=spec.held_out,
        counts=counts,
        shards=shards,
        files=describe_files(folder),
        notes=_notes(counts),
    )


def _notes(counts: Counts) -> tuple[str, ...]:
    notes = []
    if not counts.held_out_documents:
        notes.append("No document is held out: held-out losses cannot be measured on this corpus.")
    if counts.median_sentences == 1:
        notes.append("Half or more of the documents are single sentences: there may be too few for sentence pairs.")
    if counts.unknown_share > 0.02:
        notes.append(f"{counts.unknown_share:.1%} of the tokens are unknown to the vocabulary.")
    return tuple(notes)
