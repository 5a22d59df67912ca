"""A corpus's manifest: what its folder holds, and what was counted when it was made."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenization import atomic, fingerprint
from tokenization.errors import DataError
from tokenization.shard_files import is_words_name

# Raised also when reading or sentence splitting changes: it is part of a stored corpus's name.
FORMAT_VERSION = 2
MANIFEST = "manifest.json"
_REBUILD = "Remove the corpus's folder and run the same command again: it is built anew."


@dataclass(frozen=True)
class Counts:
    """What the corpus holds.

    Attributes:
        single_sentence: documents of one sentence, which make no sentence pair.
        empty: documents skipped because nothing was left of them.
        bad: places of malformed input that were skipped, because the corpus allows it.
        dropped: documents that cleaning took out, duplicates included.
        unknown_share: the share of tokens that the vocabulary does not know.
    """

    documents: int
    sentences: int
    tokens: int
    held_out_documents: int
    held_out_tokens: int
    median_sentences: float
    single_sentence: int
    empty: int
    bad: int
    dropped: int
    unknown_share: float


@dataclass(frozen=True)
class ShardEntry:
    """The sizes of one shard.

    Attributes:
        weight: how often an epoch sees its documents; a fraction is a share of them.
    """

    documents: int
    sentences: int
    tokens: int
    weight: float = 1.0


@dataclass(frozen=True)
class FileEntry:
    """A file of the folder, its bytes and their hash."""

    name: str
    bytes: int
    checksum: str


@dataclass(frozen=True)
class CorpusManifest:
    """Written last: a folder without it is not a corpus.

    Attributes:
        dtype: `uint16` or `uint32`, the type of the ids on disk.
        tokenizer: fingerprint of the tokenizer that made the ids; vocabulary_size its size.
        segmenter: what found the words whose bounds are stored, or None.
        files: of the data; indexes and reports that lie beside it are not listed.
        identity: what the corpus was made of, field by field, for `plan` to compare.
        notes: what the user should know, a sentence each.
    """

    version: int
    name: str
    language: str
    dtype: str
    tokenizer: str
    vocabulary_size: int
    held_out: float
    segmenter: str | None
    counts: Counts
    shards: tuple[ShardEntry, ...]
    files: tuple[FileEntry, ...]
    identity: dict[str, Any]
    notes: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """The content address: equal ids, bounds, held-out documents and weights give equal fingerprints.

        What a segmenter found in the same text is told beside it: who masks single tokens never looks at it.
        """
        others = [file.checksum for file in self.files if not is_words_name(file.name)]
        return fingerprint.of_value([self.dtype, self.tokenizer, others])

    @property
    def words_fingerprint(self) -> str | None:
        """The content address of the bounds of words that a segmenter found; None where none was asked."""
        words = [file.checksum for file in self.files if is_words_name(file.name)]
        return fingerprint.of_value(words) if words else None


def describe_file(path: Path) -> FileEntry:
    """A file's name, bytes and their hash."""
    return FileEntry(path.name, path.stat().st_size, fingerprint.of_file(path))


def write_manifest(folder: Path, manifest: CorpusManifest) -> None:
    atomic.write_json(folder / MANIFEST, dataclasses.asdict(manifest))


def read_manifest(folder: Path) -> CorpusManifest:
    """Read a corpus's manifest.

    Raises:
        DataError: there is none, it is malformed, or another version wrote it.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise DataError(f"{folder}: no {MANIFEST}, so this is no finished corpus. Build it with `triptych tokenize`.")
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        if value["version"] != FORMAT_VERSION:
            raise DataError(f"{path}: version {value['version']}; this program reads {FORMAT_VERSION}. {_REBUILD}")
        return CorpusManifest(
            **value
            | {
                "counts": Counts(**value["counts"]),
                "shards": tuple(ShardEntry(**shard) for shard in value["shards"]),
                "files": tuple(FileEntry(**file) for file in value["files"]),
                "notes": tuple(value["notes"]),
            }
        )
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: damaged ({error}). {_REBUILD}") from None


def verify_files(folder: Path, manifest: CorpusManifest, checksums: bool) -> None:
    """Compare the folder's files with the manifest, by size or by every byte.

    Raises:
        DataError: a file is missing, of another size (with both sizes), or of other content.
    """
    for file in manifest.files:
        path = folder / file.name
        if not path.is_file():
            raise DataError(f"{path}: missing. {_REBUILD}")
        size = path.stat().st_size
        if size != file.bytes:
            how = "cut short" if size < file.bytes else "too long"
            raise DataError(f"{path}: {how}: {size} bytes, the manifest says {file.bytes}. {_REBUILD}")
        if checksums and fingerprint.of_file(path) != file.checksum:
            raise DataError(f"{path}: its bytes have changed since it was written. {_REBUILD}")
