"""The store of corpora, under names made of what they are made of. Same inputs, nothing to do.

`store/corpora/<name>-<hash>`; `store/tokenizers/` beside it is tokenizer_store.py's. Hashing 100 GB at each start is no
option: the hash of a file is remembered with the file's path, size and time of change.
"""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from tokenization import atomic, fingerprint
from tokenization.corpus import Corpus
from tokenization.corpus_build import Progress, build_corpus
from tokenization.locking import locked
from tokenization.manifest import FORMAT_VERSION
from tokenization.reading.files import SourceFile, resolve_files
from tokenization.spec import CorpusSpec
from tokenization.vocabulary import Tokenizer

_TOO_FRESH_NS = 2_000_000_000


def open_or_build_corpus(
    spec: CorpusSpec, tokenizer: Tokenizer, store: Path, progress: Progress | None = None
) -> Corpus:
    """Open the corpus that this text, these settings and this tokenizer make; build it where it is not there yet.

    Raises:
        DataError: a source is missing or malformed, or a stored corpus is damaged.
        RunError: the disk is full.
    """
    folder = _corpus_folder(spec, tokenizer, store)
    if not folder.is_dir():
        with locked(store / "locks" / folder.name, progress):
            if not folder.is_dir():
                _say(progress, f"corpus {spec.name}: reading and tokenising")
                return build_corpus(spec, tokenizer, folder, progress)
    return Corpus.open(folder)


def find_corpus(spec: CorpusSpec, tokenizer: Tokenizer, store: Path) -> Corpus | None:
    """The corpus if it is in the store, to be read only; None where it is not. Writes nothing.

    Raises:
        DataError: a source is missing, or a stored corpus is damaged.
    """
    resolve_files(spec)
    if not any((store / "corpora").glob(f"{spec.name}-*")):
        return None  # nothing of this name: no need to hash what may be large
    folder = _corpus_folder(spec, tokenizer, store, remember=False)
    return Corpus.open(folder, read_only=True) if folder.is_dir() else None


def _corpus_folder(spec: CorpusSpec, tokenizer: Tokenizer, store: Path, remember: bool = True) -> Path:
    identity = [FORMAT_VERSION, text_identity(spec, store, remember), spec.held_out, tokenizer.fingerprint]
    return store / "corpora" / f"{spec.name}-{fingerprint.of_value(identity)}"


def text_identity(spec: CorpusSpec, store: Path, remember: bool) -> list[object]:
    """What decides a corpus's documents: the content of its files, not their places, and how they are read.

    Args:
        remember: whether hashes of files that were not known are written down in the store.
    """
    settings = [spec.field, spec.split, spec.language, spec.documents]
    return [settings, [[source.format, _source_hash(source, store, remember)] for source in resolve_files(spec)]]


def _source_hash(source: SourceFile, store: Path, remember: bool) -> str:
    """The content of a file or folder; a public dataset is known by its name alone."""
    if not source.path.exists():
        return f"name:{source.path}"
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


def _say(progress: Progress | None, line: str) -> None:
    if progress is not None:
        progress(line)
