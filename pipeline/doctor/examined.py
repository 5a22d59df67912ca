"""`triptych doctor`: what is wrong with a recipe's text and tasks, said before any work is done."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from finetune.reading.read import read_split
from finetune.tasks.example import Split
from finetune.tasks.spec import TaskSpec
from finetune.tasks.suites import find_suite
from pipeline.doctor.finding import Finding
from pipeline.doctor.findings_text import figures, warnings
from pipeline.doctor.tasks import LookedAt, examined_tasks, texts_of
from pipeline.materials import Materials
from pipeline.measure import measured_splits
from pipeline.needs import missing
from pipeline.recipe.recipe import Recipe
from pipeline.recipe.task import BuiltInTask
from pipeline.recipe.text import TokenizerTraining
from pipeline.run_folder import RunFolder
from pipeline.store import NotMade
from tokenization.building.runners import usable_cores
from tokenization.cleaning.documents import Cleaner
from tokenization.errors import RecipeError, TriptychError
from tokenization.examine import examine
from tokenization.sample import Sample, sample
from tokenization.spec import CorpusSpec
from tokenization.vocabularies.training import train_tokenizer
from tokenization.vocabulary import Tokenizer
from tokenization.words.segmenters import require_installed


def examined(recipe: Recipe, folder: RunFolder, cores: int | None = None) -> Iterator[Finding]:
    """Yield the findings corpus by corpus and task by task. What cannot be read or is missing is one."""
    materials = Materials(recipe, folder.store, click.echo, make=False)
    samples: dict[str, Sample] = {}
    told: list[str] = []
    for name in recipe.corpora:
        try:
            samples[name] = sample(materials.corpus_spec(name), folder.store)
        except TriptychError as error:
            told.append(str(error))
            yield Finding(f"{name}: CANNOT BE READ\n  ! {error}", refused=True)
    others = [message for message in missing(materials, recipe.corpora) if message not in told]
    if others:
        yield Finding("\n".join(["MISSING:", *(f"  ! {message}" for message in others)]), refused=True)
    if not any(read.documents for read in samples.values()):
        lines = [f"{name}\n  ! no document with text was found in the sample" for name in samples]
        yield from (Finding(line, refused=True) for line in lines)
        samples = {}
    tasks = [
        LookedAt(materials.task(name), task.length, measured_splits(materials, name))
        for name, task in recipe.tasks.items()
    ]
    if not samples and not tasks:
        return
    tokenizer, remark = _tokenizer(materials, samples, tasks, [*told, *others])
    yield remark
    for name, read in samples.items():
        spec = _installed(materials.corpus_spec(name))
        assert tokenizer is not None, "a sample with text gives a vocabulary"
        found = examine(spec, read, tokenizer, _cleaner(materials, name, spec))
        lines = [*figures(found, cores or usable_cores()), *warnings(spec, found)]
        malformed = bool(read.bad_count) and not spec.skip_bad
        yield Finding("\n".join([f"{name} ({spec.language})", *lines]), malformed or not read.documents)
    yield from examined_tasks(tasks, materials.read, tokenizer)


def examined_suite(name: str, data: Path) -> Iterator[Finding]:
    """Yield the findings on a suite's tasks in a data folder, without a recipe.

    Raises:
        RecipeError: no suite is called so.
    """
    read = partial(_read, data)
    tasks = [LookedAt(spec, BuiltInTask.model_fields["length"].default) for spec in find_suite(name).tasks]
    tokenizer, remark = _stand_in(texts_of(tasks, read), TokenizerTraining(corpora=("tasks",)), "no recipe names one")
    yield remark
    yield from examined_tasks(tasks, read, tokenizer)


def _read(data: Path, spec: TaskSpec, split: str) -> Split:
    return read_split(spec, data, split, "--data, or TRIPTYCH_DATA")


def _tokenizer(
    materials: Materials, samples: Mapping[str, Sample], tasks: Sequence[LookedAt], told: list[str]
) -> tuple[Tokenizer | None, Finding]:
    """The recipe's tokenizer, or one that stands in for it; and what is to be said of that."""
    refused = False
    try:
        return materials.tokenizer, Finding(f"tokenizer: {materials.tokenizer.size:,} pieces")
    except NotMade:
        why = "not trained yet"
    except TriptychError as error:
        refused = True
        why = "cannot be made of what is there" if str(error) in told else f"CANNOT BE MADE\n  ! {error}\n "
    train = materials.recipe.tokenizer.train or TokenizerTraining(corpora=("tasks",))
    names = [name for name in train.corpora if name in samples and samples[name].documents] or list(samples)
    texts = [document.text for name in names for document in samples[name].documents]
    tokenizer, remark = _stand_in(texts or texts_of(tasks, materials.read), train, why)
    return tokenizer, replace(remark, refused=remark.refused or refused)


def _stand_in(texts: list[str], train: TokenizerTraining, why: str) -> tuple[Tokenizer | None, Finding]:
    """A vocabulary that is trained on what was read; None where nothing could be."""
    if not texts:
        return None, Finding(f"tokenizer: {why}; no text could be read, so the figures below do without")
    refused = False
    try:
        made, kind = train_tokenizer(texts, train.kind, train.size, train.lowercase), train.kind
    except RecipeError as error:  # too small for its kind; so many are not
        refused, why = True, f"CANNOT BE MADE\n  ! {error}\n "
        size, kind = TokenizerTraining.model_fields["size"].default, "bpe"
        made = train_tokenizer(texts, kind, size, train.lowercase)
    told = (
        f"tokenizer: {why}; the figures below are by a {kind} vocabulary trained on the samples "
        f"({made.size:,} pieces), the real one differs a little"
    )
    return made, Finding(told, refused)


def _installed(spec: CorpusSpec) -> CorpusSpec:
    """The corpus without its segmenter, if that is not installed, which is told above."""
    try:
        if spec.segmenter is not None:
            require_installed(spec.segmenter)
    except RecipeError:
        return replace(spec, segmenter=None)
    return spec


def _cleaner(materials: Materials, name: str, spec: CorpusSpec) -> Cleaner | None:
    """What cleans as the build does; without what is to be kept out where that cannot be read, which is told above."""
    if spec.clean.changes_nothing:
        return None
    try:
        return Cleaner(spec.clean, spec.language, materials.kept_out(name), spec.splitter)
    except TriptychError:
        return Cleaner(replace(spec.clean, decontaminate=None), spec.language, None, spec.splitter)
