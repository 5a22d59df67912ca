"""Tokenizers and corpora that the runs beside each other share: found in their store, or made now."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenization.cleaning.contamination import KeptOut
from tokenization.corpus import Corpus
from tokenization.spec import CorpusSpec
from tokenization.store import find_corpus, open_or_build_corpus
from tokenization.tokenizer_store import find_tokenizer, open_or_train_tokenizer
from tokenization.vocabularies.training import VocabularySpec
from tokenization.vocabulary import Tokenizer

Say = Callable[[str], None]


class NotMade(Exception):
    """Not in the store yet, and these materials make nothing: the name of what is missing."""


@dataclass(frozen=True)
class Store:
    """A folder of them.

    Attributes:
        say: told of long work.
        make: whether what the folder lacks is made now; otherwise nothing is written, and to ask for it is `NotMade`.
    """

    folder: Path
    say: Say
    make: bool = True

    def tokenizer(self, corpora: Sequence[CorpusSpec], spec: VocabularySpec) -> Tokenizer:
        """A vocabulary trained on corpora."""
        if self.make:
            return open_or_train_tokenizer(corpora, spec, self.folder, self.say)
        found = find_tokenizer(corpora, spec, self.folder)
        if found is None:
            raise NotMade("tokenizer")
        return found

    def corpus(self, spec: CorpusSpec, tokenizer: Tokenizer, kept_out: KeptOut | None) -> Corpus:
        """A corpus, tokenised."""
        if self.make:
            return open_or_build_corpus(spec, tokenizer, self.folder, self.say, kept_out)
        found = find_corpus(spec, tokenizer, self.folder, kept_out)
        if found is None:
            raise NotMade(f"corpus {spec.name}")
        return found
