"""The store of tokenizers: `store/tokenizers/<hash>`, each trained once for what it is made of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tokenization import atomic, fingerprint
from tokenization.building.work import Progress
from tokenization.corpus_identity import text_identity
from tokenization.held_out import below_share, content_hash
from tokenization.locking import locked
from tokenization.reading.files import resolve_files
from tokenization.reading.readers import read_documents
from tokenization.spec import CorpusSpec
from tokenization.vocabulary import Tokenizer, train_wordpiece

_TRAINER_VERSION = 1


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
                if progress is not None:
                    progress(f"tokenizer: training {size} word pieces on {', '.join(s.name for s in corpora)}")
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


def _tokenizer_folder(texts: TrainingTexts, size: int, lowercase: bool, store: Path, remember: bool = True) -> Path:
    parts = [[text_identity(spec, store, remember), spec.held_out] for spec in texts.corpora]
    return store / "tokenizers" / fingerprint.of_value([_TRAINER_VERSION, parts, size, lowercase])


def _limited(spec: CorpusSpec, documents: int | None) -> CorpusSpec:
    limits = [limit for limit in (spec.documents, documents) if limit is not None]
    return replace(spec, documents=min(limits, default=None))
