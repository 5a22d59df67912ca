"""What a run is made from: tokenizer, corpora, tasks and a public checkpoint, each opened when first asked for."""

import copy
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from finetune.encoding.encode import encode_examples
from finetune.encoding.encoded import Encoded
from finetune.examine import is_trained_on_part
from finetune.reading.leaks import leaked_rows
from finetune.reading.read import read_split
from finetune.tasks.example import Example, Split
from finetune.tasks.spec import TRAIN, TaskSpec
from model.conditional import Condition
from model.config import EncoderConfig, HeadSpec
from model.network import Network
from model.public import HEADS, PublicModel, read_public
from model.public_extend import with_new_rows
from model.weights_file import weights_file
from pipeline.corpus_specs import corpus_spec
from pipeline.kept_out import kept_out_of
from pipeline.recipe.recipe import FreshEncoder, PublicEncoder, Recipe
from pipeline.store import NotMade, Say, Store
from tokenization.cleaning.contamination import KeptOut
from tokenization.cleaning.spec import Decontamination
from tokenization.corpus import Corpus
from tokenization.errors import RecipeError
from tokenization.fingerprint import of_files, of_value
from tokenization.spec import CorpusSpec
from tokenization.vocabularies.extend import Extension, extended
from tokenization.vocabularies.training import VocabularySpec
from tokenization.vocabulary import Tokenizer
from tokenization.word_lists import read_words
from tokenization.words.phrases import Phrases, open_or_build_phrases


class Materials:
    """The recipe's inputs.

    Args:
        store: the folder of tokenizers and corpora, shared by the runs beside each other.
        say: told of long work.
        make: whether what the store lacks is made now; otherwise nothing is written, and to ask for it is `NotMade`.
    """

    def __init__(self, recipe: Recipe, store: Path, say: Say, make: bool = True) -> None:
        self.recipe, self.store = recipe, store
        self._shared = Store(store, say, make)
        self._corpora: dict[str, Corpus] = {}
        self._kept_out: dict[Decontamination, KeptOut] = {}
        self._phrases: dict[str, Phrases] = {}
        self._splits: dict[tuple[str, str], Split] = {}
        self._encoded: dict[tuple[str, str], Encoded] = {}
        self._texts: dict[tuple[str, str], Encoded] = {}
        self._leaked: dict[tuple[str, str], NDArray[np.bool_]] = {}

    def with_recipe(self, recipe: Recipe) -> "Materials":
        """The same inputs, what is open already included, for a recipe of other stages or another seed."""
        twin = copy.copy(self)
        twin.recipe = recipe
        return twin

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The run's one tokenizer."""
        return self.extension.tokenizer if self.extension else self._given_tokenizer

    @cached_property
    def extension(self) -> Extension | None:
        """What the recipe's word lists add to the vocabulary, if it names any."""
        if self.recipe.tokenizer.extend is None:
            return None
        found = extended(self._given_tokenizer, self._domain_words)
        if self._shared.make:
            self._shared.say(str(found))
        return found

    @cached_property
    def _given_tokenizer(self) -> Tokenizer:
        given = self.recipe.tokenizer
        if given.train is None:
            return Tokenizer.load(Path(str(given.from_)), given.lowercase)
        corpora = [self.corpus_spec(name) for name in given.train.corpora]
        spec = VocabularySpec(**given.train.model_dump(exclude={"corpora"}))
        return self._shared.tokenizer(corpora, spec)

    @cached_property
    def _domain_words(self) -> list[str]:
        extend = self.recipe.tokenizer.extend
        files = extend.files if extend else ()
        return read_words([self.recipe.data_folder / file for file in files], "tokenizer.extend.files")

    @property
    def vocabulary_size(self) -> int:
        """Entries of the vocabulary; of one that is not trained yet, what it may have."""
        try:
            return self.tokenizer.size
        except NotMade:
            assert self.recipe.tokenizer.train is not None
            return self.recipe.tokenizer.train.size + len(self._domain_words)

    @cached_property
    def public(self) -> PublicModel | None:
        """The public checkpoint that the encoder comes from, if it does; with rows for what the vocabulary gained."""
        if not isinstance(self.recipe.encoder, PublicEncoder):
            return None
        model, given = read_public(Path(self.recipe.encoder.from_)), self._given_tokenizer
        if model.config.vocab_size != given.size:
            raise RecipeError(
                f"encoder.from has a vocabulary of {model.config.vocab_size}, the tokenizer one of "
                f"{given.size}: set tokenizer.from to the checkpoint's folder ({self.recipe.encoder.from_})."
            )
        return with_new_rows(model, self.extension.pieces) if self.extension else model

    @cached_property
    def public_fingerprint(self) -> str | None:
        """The content of the public checkpoint, wherever it lies: its sizes and the bytes of its weights."""
        if self.public is None or not isinstance(self.recipe.encoder, PublicEncoder):
            return None
        folder = Path(self.recipe.encoder.from_)
        files = [weights_file(folder), *(path for path in (folder / HEADS,) if path.is_file())]
        return of_value([self.public.config.sizes, of_files(files)])

    @cached_property
    def encoder(self) -> EncoderConfig:
        """The encoder's sizes, its vocabulary included."""
        given = self.recipe.encoder
        if isinstance(given, FreshEncoder):
            sizes = given.model_dump(exclude={"attention"})
            return EncoderConfig(vocab_size=self.vocabulary_size, **sizes)
        assert self.public is not None
        return EncoderConfig(**{**vars(self.public.config), "dropout": given.dropout})

    def network(
        self, heads: Sequence[HeadSpec], device: str | None = None, conditions: Sequence[Condition] = ()
    ) -> Network:
        """A network with new weights; on the device `meta` it has shapes alone."""
        with torch.device(device) if device else nullcontext():
            return Network(self.encoder, heads, self.recipe.encoder.attention, self.recipe.seed, conditions)

    def corpus_spec(self, name: str) -> CorpusSpec:
        """A corpus as the text side wants it described."""
        return corpus_spec(self.recipe, name)

    def kept_out(self, name: str) -> KeptOut | None:
        """The examples that no document of a corpus may hold, where it is to be decontaminated."""
        settings = self.corpus_spec(name).clean.decontaminate
        if settings is None:
            return None
        if settings not in self._kept_out:
            own = {task: self.task(task) for task in self.recipe.tasks}
            self._kept_out[settings] = kept_out_of(settings, own, self.recipe.data_folder)
        return self._kept_out[settings]

    def corpus(self, name: str) -> Corpus:
        """A tokenised corpus, built now if it is not in the store."""
        if name not in self._corpora:
            self._corpora[name] = self._shared.corpus(self.corpus_spec(name), self.tokenizer, self.kept_out(name))
        return self._corpora[name]

    def phrases(self, name: str) -> Phrases:
        """The phrases that a corpus's lexicon marks in it, found now if they never were."""
        if name not in self._phrases:
            files = self.corpus_spec(name).lexicon
            self._phrases[name] = open_or_build_phrases(self.corpus(name), self.tokenizer, files, self._shared.say)
        return self._phrases[name]

    def task(self, name: str) -> TaskSpec:
        """A task's spec: built in, or the recipe's own."""
        spec = self.recipe.tasks[name].spec(name)
        answering = self.recipe.tasks.get(spec.head)
        spec = spec.read_like(answering.spec(spec.head)) if answering else spec
        return replace(spec, condition=self.recipe.conditions.get(spec.answered_by, 0))

    def read(self, spec: TaskSpec, split: str) -> Split:
        """A split of a task, of the recipe or not, as its files have it."""
        return read_split(spec, self.recipe.data_folder, split, self._origin)

    def split(self, name: str, split: str) -> Split:
        """A split of a task of the recipe, read once."""
        if (name, split) not in self._splits:
            self._splits[name, split] = self.read(self.task(name), split)
        return self._splits[name, split]

    def examples(self, name: str, split: str) -> tuple[Example, ...]:
        """The rows of a split of a task of the recipe."""
        return self.split(name, split).examples

    def encoded(self, name: str, split: str) -> Encoded:
        """A split of a task, encoded once."""
        if (name, split) not in self._encoded:
            read, length = self.split(name, split), self.recipe.tasks[name].length
            self._encoded[name, split] = encode_examples(
                self.task(name), split, read.examples, self.tokenizer, length, read.dropped, read.limited
            )
        return self._encoded[name, split]

    def text(self, name: str, split: str) -> Encoded:
        """A split of a task as its texts alone have it, also where it is put to the language model; encoded once."""
        spec = self.task(name)
        if spec.is_plain:
            return self.encoded(name, split)
        if (name, split) not in self._texts:
            length = self.recipe.tasks[name].length
            self._texts[name, split] = encode_examples(
                spec.plain, split, self.examples(name, split), self.tokenizer, length
            )
        return self._texts[name, split]

    def leaked(self, name: str, split: str) -> NDArray[np.bool_]:
        """Which rows of a split also stand in what the answering head was trained on."""
        if (name, split) not in self._leaked:
            trained = self.task(name).answered_by
            self._leaked[name, split] = leaked_rows(self.examples(trained, TRAIN), self.examples(name, split))
        return self._leaked[name, split]

    def trains_on_part(self, name: str) -> bool:
        """Whether the head that answers a task is trained on fewer rows than the official ones."""
        trained = self.task(name).answered_by
        return is_trained_on_part(self.task(trained), lambda split: self.split(trained, split))

    def scored(self, name: str) -> tuple[str, ...]:
        """The splits that the recipe's evaluation means for a task: the first one selects, the others are reported.

        Empty where it means none of them, as of the diagnostic sets, which are tests alone.
        """
        spec = self.task(name)
        return tuple(split for split in spec.named(self.recipe.evaluation.split) if split not in spec.hidden)

    @property
    def _origin(self) -> str:
        if self.recipe.data is None:
            return "the working directory, since neither `data:` nor TRIPTYCH_DATA names a data folder"
        return f"{self.recipe.data} (`data:` in the recipe, or TRIPTYCH_DATA)"
