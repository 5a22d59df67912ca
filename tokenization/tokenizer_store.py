"""The store of tokenizers: `store/tokenizers/<hash>`, each trained once for what it is made of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tokenization import atomic, fingerprint
from tokenization.building.units import Progress
from tokenization.cleaning.documents import Cleaner, Kept
from tokenization.corpus_identity import training_identity
from tokenization.held_out import below_share, content_hash
from tokenization.locking import locked
from tokenization.reading.files import resolve_files
from tokenization.reading.readers import read_documents
from tokenization.spec import CorpusSpec
from tokenization.vocabularies.sampling import sampled
from tokenization.vocabularies.training import VocabularySpec, train_tokenizer
from tokenization.vocabulary import Tokenizer

_TRAINER_VERSION = 2


def open_or_train_tokenizer(
    corpora: Sequence[CorpusSpec], spec: VocabularySpec, store: Path, progress: Progress | None = None
) -> Tokenizer:
    """Open the tokenizer that these corpora train; train it where it is not there yet.

    Documents in the held-out share of their corpus do not count: those whose hash lies below it. A corpus in which
    fewer than four documents do holds out a few above it as well. Which, only the finished corpus tells, since
    duplicates and documents without a token are none of them: those few the vocabulary does see.

    Raises:
        RecipeError, DataError: a size too small; a source missing, malformed or empty.
    """
    texts = TrainingTexts(tuple(_limited(corpus, spec.documents) for corpus in corpora), store)
    folder = _tokenizer_folder(texts, spec, store)
    if not folder.is_dir():
        with locked(store / "locks" / folder.name, progress):
            if not folder.is_dir():
                trained = _train(texts, spec, progress)
                with atomic.aside(folder) as temporary:
                    trained.save(temporary)
    return Tokenizer.load(folder)


def find_tokenizer(corpora: Sequence[CorpusSpec], spec: VocabularySpec, store: Path) -> Tokenizer | None:
    """The tokenizer if it is in the store, else None. Writes nothing.

    Raises:
        DataError: a source is missing.
    """
    texts = TrainingTexts(tuple(_limited(corpus, spec.documents) for corpus in corpora))
    for corpus in texts.corpora:
        resolve_files(corpus)
    if not (store / "tokenizers").is_dir():
        return None
    folder = _tokenizer_folder(texts, spec, store, remember=False)
    return Tokenizer.load(folder) if folder.is_dir() else None


@dataclass(frozen=True)
class TrainingTexts:
    """The texts of some corpora without those below their held-out share; they can be gone through more than once.

    They are cleaned one by one, as their corpus is; duplicates, and what is kept out of the corpus, still count.
    """

    corpora: tuple[CorpusSpec, ...]
    store: Path | None = None

    def __iter__(self) -> Iterator[str]:
        for spec in self.corpora:
            yield from (text for text, held_out in _cleaned(spec, self.store) if not held_out)


def held_out_sample(spec: CorpusSpec, store: Path, documents: int) -> list[str]:
    """Of a corpus's first documents those in the held-out share, cleaned; no vocabulary was trained on them.

    Raises:
        DataError: a source is missing or malformed.
    """
    return [text for text, held_out in _cleaned(_limited(spec, documents), store) if held_out]


def _cleaned(spec: CorpusSpec, store: Path | None) -> Iterator[tuple[str, bool]]:
    """Each document's text, cleaned by itself, and whether it is in the held-out share."""
    cleaner = Cleaner(replace(spec.clean, decontaminate=None), spec.language)
    for document in read_documents(spec, store=store):
        found = cleaner.clean(document.text)
        if isinstance(found, Kept):
            yield found.text, below_share(content_hash(found.text), spec.held_out)


def _train(texts: TrainingTexts, spec: VocabularySpec, progress: Progress | None) -> Tokenizer:
    counted = sampled(texts, spec.kind, spec.characters)
    if progress is not None:
        part = "" if counted.share >= 1 else f", on {counted.share:.2%} of their documents"
        names = ", ".join(corpus.name for corpus in texts.corpora)
        progress(f"tokenizer: training {spec.size} pieces ({spec.kind}) on {names}{part}")
    return train_tokenizer(counted, spec.kind, spec.size, spec.lowercase)


def _tokenizer_folder(texts: TrainingTexts, spec: VocabularySpec, store: Path, remember: bool = True) -> Path:
    parts = [training_identity(corpus, store, remember) for corpus in texts.corpora]
    made = [spec.kind, spec.size, spec.lowercase, spec.characters]
    return store / "tokenizers" / fingerprint.of_value([_TRAINER_VERSION, parts, *made])


def _limited(spec: CorpusSpec, documents: int | None) -> CorpusSpec:
    limits = [limit for limit in (spec.documents, documents) if limit is not None]
    return replace(spec, documents=min(limits, default=None))
