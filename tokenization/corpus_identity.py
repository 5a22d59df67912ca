"""What a corpus is made of, field by field: readable in its manifest, and hashed into its name.

Content, not places: a moved file is the same text. Hashing 100 GB at each start is no option, so the hash of a file is
remembered in the store with the file's path, size and time of change.
"""

import dataclasses
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tokenization import atomic, fingerprint
from tokenization.cleaning.contamination import KeptOut
from tokenization.deciding import deciding_versions
from tokenization.locking import locked
from tokenization.manifest import FORMAT_VERSION
from tokenization.reading.files import SourceFile, resolve_files
from tokenization.reading.opening import is_url
from tokenization.reading.remote import remote_version
from tokenization.spec import CorpusSpec
from tokenization.vocabulary import Tokenizer

_WITH_FIELDS = {"jsonl", "parquet", "dataset"}
_TOO_FRESH_NS = 2_000_000_000


def corpus_identity(
    spec: CorpusSpec, tokenizer: Tokenizer | None, kept_out: KeptOut | None, store: Path, remember: bool = True
) -> dict[str, Any]:
    """All that decides a corpus's bytes. Left out are its name, the lexicon, which lies beside it, and `skip_bad`.

    Args:
        tokenizer: None where it is not known yet, for comparing all else.
        remember: whether hashes of files that were not known are written down in the store.

    Raises:
        DataError: a source is missing.
        RecipeError: there is no such segmenter, or it is not installed.
    """
    sources = resolve_files(spec)
    return {
        "format": FORMAT_VERSION,
        # The weight stands with the content: which of `files` it was given to, a pattern may tell otherwise.
        "files": [f"{_content(source, store, remember)}{_taken(spec, source)}" for source in sources],
        **_read_by(spec, sources),
        "language": spec.language,
        "documents": spec.documents,
        "clean": dataclasses.asdict(spec.clean),
        "held_out": spec.held_out,
        "splitter": spec.splitter,
        "segmenter": spec.segmenter,
        "tokenizer": tokenizer.fingerprint if tokenizer else None,
        "decontaminated": kept_out.fingerprint if kept_out else None,
        "versions": deciding_versions(spec),
    }


def training_identity(spec: CorpusSpec, store: Path, remember: bool) -> dict[str, Any]:
    """What decides the texts that a vocabulary is trained on: those not held out, each cleaned by itself."""
    sources, clean = resolve_files(spec), spec.clean
    return {
        "files": [_content(source, store, remember) for source in sources],
        **_read_by(spec, sources),
        "documents": spec.documents,
        "held_out": spec.held_out,
        "clean": [clean.unicode, clean.control, clean.min_characters, clean.script_share],
        "language": spec.language if clean.script_share else None,
    }


def _read_by(spec: CorpusSpec, sources: Sequence[SourceFile]) -> dict[str, Any]:
    """The settings that say where in the files the text is, as far as their formats have them."""
    formats = {source.format for source in sources}
    column = {"field": spec.field} if formats & _WITH_FIELDS else {}
    return column | ({"config": spec.config, "split": spec.split} if "dataset" in formats else {})


def _taken(spec: CorpusSpec, source: SourceFile) -> str:
    """How a file's documents come to be in shards, where that is not the usual way."""
    weight = spec.weight(source.entry)
    streamed = ", as a stream" if spec.streaming and source.format == "dataset" else ""
    return streamed + (f", weight {float(weight)!r}" if weight != 1 else "")


def _content(source: SourceFile, store: Path, remember: bool) -> str:
    """A file's format, and what it holds."""
    return f"{source.format} {_held(source, store, remember)}"


def _held(source: SourceFile, store: Path, remember: bool) -> str:
    """The content of a file or folder; of a URL what its server tells; a public dataset is known by its name alone."""
    if is_url(source.place):
        return f"remote:{remote_version(source.place)}"
    if not source.path.exists():
        return f"name:{source.place}"
    if source.path.is_file():
        return file_hash(source.path, store, remember)
    files = sorted(path for path in source.path.rglob("*") if path.is_file())
    return fingerprint.of_value([[str(f.relative_to(source.path)), file_hash(f, store, remember)] for f in files])


@dataclass(frozen=True)
class _Remembered:
    path: str
    size: int
    mtime_ns: int
    hash: str


def file_hash(path: Path, store: Path, remember: bool = True) -> str:
    """The hash of a file's bytes, remembered in the store until its size or time of change is another.

    Args:
        remember: whether a hash that was not known is written down.
    """
    state = path.stat()
    memory = store / "hashes" / f"{fingerprint.of_value(str(path))}.json"
    known = _recall(memory)  # without the lock: what is written there is whole
    if known is not None and known == _Remembered(str(path), state.st_size, state.st_mtime_ns, known.hash):
        return known.hash
    found = fingerprint.of_file(path)
    # A file changed a moment ago could change again within the clock's grain: remember it another time.
    if remember and time.time_ns() - state.st_mtime_ns > _TOO_FRESH_NS:
        with locked(store / "locks" / "hashes"):
            atomic.write_json(memory, asdict(_Remembered(str(path), state.st_size, state.st_mtime_ns, found)))
    return found


def _recall(memory: Path) -> _Remembered | None:
    """A remembered hash, or None where there is none that can be read: it is only a shortcut."""
    try:
        return _Remembered(**json.loads(memory.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
