"""What a sample says of its corpus: cleaned, cut and tokenised as the build would do it.

Letters: T tokens, S sentences, D documents.
"""

import time
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from tokenization.building.tokenised import encoded, sentences_of
from tokenization.cleaning.documents import EXACT_DUPLICATE, Cleaner, Dropped
from tokenization.cleaning.scripts import SCRIPTS, script_share
from tokenization.held_out import content_hash
from tokenization.reading.documents import Document
from tokenization.sample import Sample
from tokenization.spec import CorpusSpec
from tokenization.vocabularies.report import VocabularyReport, vocabulary_report
from tokenization.vocabulary import Tokenizer

_LOOKED_AT = 500_000  # characters of which words are counted


@dataclass(frozen=True)
class Findings:
    """What a sample says of its corpus.

    Attributes:
        documents: about how many there are; None where the size is not known, as are tokens, shard_bytes, seconds.
        median_sentences: of a document; single: share of documents of one sentence.
        median_tokens: of a document.
        empty, duplicates: shares of the documents read; a duplicate is an exact copy of an earlier one in the sample.
        unknown: share of tokens that the vocabulary does not know.
        fit: how the vocabulary cuts the words of a part of the sample.
        script: share of that part's letters in the language's script; None where that is not known.
        lost_marks: combining marks (accents, tones, vowel signs) a letter of that part that the vocabulary takes off.
        tagged: documents of plain text that hold WikiExtractor's `<doc id=`.
        dropped: reason → share of the documents that cleaning takes out (of duplicates, the exact copies within the
            sample).
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
    fit: VocabularyReport
    script: float | None
    lost_marks: float
    tagged: int
    dropped: dict[str, float]
    tokens: int | None
    shard_bytes: int | None
    seconds: float | None


def examine(spec: CorpusSpec, read: Sample, tokenizer: Tokenizer, cleaner: Cleaner | None = None) -> Findings:
    """Clean, cut and tokenise a sample, and count."""
    started = time.perf_counter()
    kept, dropped = _cleaned(read.documents, cleaner)
    sentences = [sentences_of(document, spec) for document in kept]
    flat = [sentence for row in sentences for sentence in row]
    ids_T, lengths_S, _ = encoded(flat, spec.segmenter, tokenizer)
    seconds = read.seconds + time.perf_counter() - started
    count_D = np.array([len(row) for row in sentences])
    ends_S1 = np.concatenate([[0], np.cumsum(lengths_S)])
    tokens_D = np.diff(ends_S1[np.concatenate([[0], np.cumsum(count_D)]).astype(np.int64)])
    total = len(read.documents)
    texts = _part(read.documents)
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
        fit=vocabulary_report(tokenizer, texts),
        script=script_share("".join(texts), spec.language) if spec.language in SCRIPTS else None,
        lost_marks=_lost_marks(texts, tokenizer),
        tagged=sum("<doc id=" in text for text in texts) if _is_plain(read) else 0,
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
    kept = [replace(d, text=result.text) for d, result in results if not isinstance(result, Dropped)]
    if not cleaner.spec.exact:
        return kept, dropped
    first = {content_hash(document.text): document for document in reversed(kept)}
    single = [document for document in kept if first[content_hash(document.text)] is document]
    return single, dropped + Counter({EXACT_DUPLICATE: len(kept) - len(single)})


def _part(documents: Sequence[Document]) -> list[str]:
    """Every n-th text, so that they are about as many characters as are looked at."""
    step = 1 + sum(len(document.text) for document in documents) // _LOOKED_AT
    return [document.text for document in documents[::step]]


def _lost_marks(texts: Sequence[str], tokenizer: Tokenizer) -> float:
    before, after = _categories(texts), _categories(map(tokenizer.normalised, texts))
    return (before["M"] - after["M"]) / max(1, before["L"])


def _categories(texts: Iterable[str]) -> Counter[str]:
    """How many characters are letters (L), marks (M) and so on, an accented letter being a letter and a mark."""
    found: Counter[str] = Counter()
    characters = Counter(chain.from_iterable(unicodedata.normalize("NFD", text) for text in texts))
    for character, count in characters.items():
        found[unicodedata.category(character)[0]] += count
    return found


def _is_plain(read: Sample) -> bool:
    return all(name.split(".")[0] in ("text", "lines", "document") for name in read.formats)


def _scaled(count: float, scale: float | None) -> int | None:
    return None if scale is None else round(count * scale)


def _median(values: np.ndarray) -> float:
    return float(np.median(values)) if len(values) else 0.0
