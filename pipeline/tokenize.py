"""`triptych tokenize`: the text side of a recipe alone."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import click

from pipeline.materials import Materials
from pipeline.needs import refuse_missing
from pipeline.recipe.recipe import Recipe
from pipeline.run_folder import RunFolder
from tokenization.building.finish import REPORT
from tokenization.building.runners import Runner
from tokenization.cleaning.report import CleaningReport
from tokenization.corpus import Corpus
from tokenization.corpus_build import Part
from tokenization.store import build_corpus_part, open_or_build_corpus
from tokenization.tokenizer_store import held_out_sample
from tokenization.vocabularies.report import vocabulary_report

_LOOKED_AT = 2000


@dataclass(frozen=True)
class Way:
    """How the text side is made; none of it changes what comes out.

    Attributes:
        runner: who does the units of work; processes on all usable cores if not given.
        part: do only this share of the units, and do not put the corpora together.
        skip_bad: count and list malformed input in every corpus instead of stopping at it.
    """

    runner: Runner | None = None
    part: Part | None = None
    skip_bad: bool = False


def tokenize_all(recipe: Recipe, folder: RunFolder, way: Way | None = None) -> str:
    """Make the tokenizer and tokenise every corpus; says what each holds and where it lies."""
    way = way or Way()
    materials = Materials(_skipping(recipe) if way.skip_bad else recipe, folder.store, click.echo)
    refuse_missing(materials, recipe.corpora)
    lines = [_vocabulary(recipe, materials.tokenizer.size)]
    for name in recipe.corpora:
        lines += _tokenised(materials, name, way)
    return "\n".join(lines) + "\n"


def _vocabulary(recipe: Recipe, size: int) -> str:
    train = recipe.tokenizer.train
    asked = train.size if train else 0
    short = f" (of {asked:,} asked for: the text has no more that occur twice)" if size < asked else ""
    return f"tokenizer: {size:,} pieces{short}"


def _tokenised(materials: Materials, name: str, way: Way) -> Iterator[str]:
    spec, kept_out, store = materials.corpus_spec(name), materials.kept_out(name), materials.store
    if way.part is not None:
        told = build_corpus_part(spec, materials.tokenizer, store, way.part, click.echo, kept_out, way.runner)
        yield f"{name}: {told}"
        return
    there = {folder.name for folder in (store / "corpora").glob("*")}
    corpus = open_or_build_corpus(spec, materials.tokenizer, store, click.echo, kept_out, way.runner)
    known = corpus.folder.name in there
    if known:
        yield f"{name}: nothing to do, it was tokenised before"
    yield from _held(corpus)
    texts = [] if known else held_out_sample(spec, store, _LOOKED_AT)
    if texts:
        fit = vocabulary_report(materials.tokenizer, texts)
        yield f"  the vocabulary on {len(texts)} held-out documents: {fit}"


def _held(corpus: Corpus) -> Iterator[str]:
    """What a corpus holds, what cleaning took out of it, and what its user should know."""
    counts = corpus.manifest.counts
    size = sum(file.bytes for file in corpus.manifest.files)
    yield (
        f"{corpus.manifest.name}: {counts.documents:,} documents ({counts.held_out_documents:,} held out), "
        f"{counts.sentences:,} sentences, {counts.tokens:,} tokens, {counts.unknown_share:.2%} unknown, "
        f"{size / counts.tokens:.2f} bytes a token: {corpus.folder}"
    )
    report = CleaningReport.from_json(json.loads((corpus.folder / REPORT).read_text(encoding="utf-8")))
    if report.changes or report.reasons or report.not_checkable or report.not_checked:
        yield from (f"  {line}" for line in report.text().splitlines())
    yield from (f"  {note}" for note in corpus.manifest.notes)


def _skipping(recipe: Recipe) -> Recipe:
    corpora = {name: corpus.model_copy(update={"skip_bad": True}) for name, corpus in recipe.corpora.items()}
    return recipe.model_copy(update={"corpora": corpora})
