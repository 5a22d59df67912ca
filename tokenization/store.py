"""The store: tokenizers and corpora under names made of what they are made of. Same inputs, nothing to do.

`store/corpora/<name>-<hash>`, `store/tokenizers/<hash>`. Hashing 100 GB at each start is no option: the hash of a file
is remembered with the file's path, size and time of change.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tokenization import atomic, fingerprint
from tokenization.corpus import Corpus
from tokenization.corpus_build import Progress, build_corpus
from tokenization.held_out import below_share, content_hash
from tokenization.locking import locked
from tokenization.manifest import FORMAT_VERSION
from tokenization.reading.files import SourceFile, resolve_files
from tokenization.reading.readers import read_documents
from tokenization.spec import CorpusSpec
from tokenization.vocabulary import Tokenizer, train_wordpiece

_TRAINER_VERSION = 1
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


def open_or_train_tokenizer(
    corpora: Sequence[CorpusSpec],
    size: int,
    lowercase: bool,
    store: Path,
    documents: int | None = None,
    progress: Progress | None = None,
) -> Tokenizer:
    """Open the tokenizer that these corpora train; train it where it is not there yet.

    Documents in the held-out share of their corpus do not count.

    Args:
        documents: at most so many of each corpus, or None for all that the corpus takes.

    Raises:
        RecipeError, DataError: a size too small; a source missing, malformed or empty.
    """
    texts = TrainingTexts(tuple(_limited(spec, documents) for spec in corpora))
    folder = _tokenizer_folder(texts, size, lowercase, store)
    if not folder.is_dir():
        with locked(store / "locks" / folder.name, progress):
            if not folder.is_dir():
                _say(progress, f"tokenizer: training {size} word pieces on {', '.join(s.name for s in corpora)}")
                trained = train_wordpiece(texts, size, lowercase)
                with atomic.aside(folder) as temporary:
                    trained.save(temporary)
    return Tokenizer.load(folder)


def find_tokenizer(
    corpora: Sequence[CorpusSpec], size: int, lowercase: bool, store: Path, documents: int | None = None
) -> Tokenizer | None:
    """The tokenizer if it is in the store, else None. Writes nothing.

    Raises:
        DataError: a source is missing.
    """
    texts = TrainingTexts(tuple(_limited(spec, documents) for spec in corpora))
    for spec in texts.corpora:
        resolve_files(spec)
    if not (store / "tokenizers").is_dir():
        return None
    folder = _tokenizer_folder(texts, size, lowercase, store, remember=False)
    return Tokenizer.load(folder) if folder.is_dir() else None


@dataclass(frozen=True)
class TrainingTexts:
    """The texts of some corpora without their held-out share; they can be gone through more than once."""

    corpora: tuple[CorpusSpec, ...]

    def __iter__(self) -> Iterator[str]:
        for spec in self.corpora:
            for document in read_documents(spec):
                if not below_share(content_hash(document.text), spec.held_out):
                    yield document.text


def _corpus_folder(spec: CorpusSpec, tokenizer: Tokenizer, store: Path, remember: bool = True) -> Path:
    identity = [FORMAT_VERSION, _text_identity(spec, store, remember), spec.held_out, tokenizer.fingerprint]
    return store / "corpora" / f"{spec.name}-{fingerprint.of_value(identity)}"


def _tokenizer_folder(texts: TrainingTexts, size: int, lowercase: bool, store: Path, remember: bool = True) -> Path:
    parts = [[_text_identity(spec, store, remember), spec.held_out] for spec in texts.corpora]
    return store / "tokenizers" / fingerprint.of_value([_TRAINER_VERSION, parts, size, lowercase])


def _limited(spec: CorpusSpec, documents: int | None) -> CorpusSpec:
    limits = [limit for limit in (spec.documents, documents) if limit is not None]
    return replace(spec, documents=min(limits, default=None))


def _text_identity(spec: CorpusSpec, store: Path, remember: bool) -> list[object]:
    """What decides a corpus's documents: the content of its files, not their places, and how they are read."""
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
