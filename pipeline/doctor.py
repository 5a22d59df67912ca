"""`triptych doctor`: what is wrong with a recipe's text, said before any work is done."""

from collections.abc import Iterator

import click

from pipeline.materials import Materials, NotMade
from pipeline.recipe import Recipe
from pipeline.run_folder import RunFolder
from tokenization.building.runners import usable_cores
from tokenization.cleaning.documents import Cleaner
from tokenization.errors import DataError
from tokenization.examine import Findings, Sample, examine, sample
from tokenization.spec import CorpusSpec
from tokenization.vocabularies.training import train_tokenizer
from tokenization.vocabulary import Tokenizer

_FEW_UNKNOWN = 0.01
_DUPLICATES = 0.01
_EMPTY = 0.05


def examined(recipe: Recipe, folder: RunFolder, cores: int | None = None) -> Iterator[str]:
    """Yield the findings line by line, corpus by corpus; a source that cannot be read is one of them."""
    materials = Materials(recipe, folder.store, click.echo, make=False)
    cores = cores or usable_cores()
    samples: dict[str, Sample] = {}
    for name in recipe.corpora:
        try:
            samples[name] = sample(materials.corpus_spec(name), folder.store)
        except DataError as error:
            yield f"{name}: CANNOT BE READ\n  ! {error}"
    if not samples:
        return
    tokenizer, remark = _tokenizer(materials, samples)
    yield remark
    for name, read in samples.items():
        spec = materials.corpus_spec(name)
        cleaner = None if spec.clean.changes_nothing else Cleaner(spec.clean, spec.language, materials.kept_out(name))
        found = examine(spec, read, tokenizer, cleaner)
        yield "\n".join([f"{name} ({spec.language})", *_figures(found, cores), *_warnings(spec, found)])


def _tokenizer(materials: Materials, samples: dict[str, Sample]) -> tuple[Tokenizer, str]:
    try:
        return materials.tokenizer, f"tokenizer: {materials.tokenizer.size:,} pieces"
    except NotMade:
        train = materials.recipe.tokenizer.train
        assert train is not None
        texts = [document.text for name in train.corpora if name in samples for document in samples[name].documents]
        made = train_tokenizer(texts, train.kind, train.size, train.lowercase)
        return made, (
            "tokenizer: not trained yet; the figures below are by word pieces trained on the samples "
            f"({made.size:,} pieces), the real one differs a little"
        )


def _figures(found: Findings, cores: int) -> Iterator[str]:
    read = found.sample
    formats = ", ".join(f"{count:,} × {name}" for name, count in read.formats.items())
    part = "of a stream of unknown size" if read.share is None else f"about {read.share:.2%} of the text"
    yield f"  sources      {formats}"
    yield f"  sampled      {len(read.documents):,} documents, {part}"
    if found.documents is not None:
        yield f"  documents    about {found.documents:,}"
    yield (
        f"  a document   median {found.median_sentences:.0f} sentences, {found.median_tokens:,.0f} tokens; "
        f"{found.single:.1%} are one sentence"
    )
    yield f"  empty        {found.empty:.2%} of the documents"
    yield f"  duplicates   {found.duplicates:.2%} of the sample are exact copies of an earlier document in it"
    yield f"  unknown      {found.unknown:.3%} of the tokens"
    for reason, share in found.dropped.items():
        yield f"  cleaning     drops {share:.2%} of the documents: {reason}"
    if found.tokens is not None and found.shard_bytes is not None and found.seconds is not None:
        yield (
            f"  estimate     {found.tokens:,} tokens, {found.shard_bytes / 1e6:,.1f} MB of shards, "
            f"{found.seconds / 60 / cores:,.1f} minutes on {cores} core(s)"
        )


def _warnings(spec: CorpusSpec, found: Findings) -> Iterator[str]:
    read = found.sample
    if not read.documents:
        yield "  ! no document with text was found in the sample"
        return
    if found.median_sentences <= 1:
        yield (
            "  ! the median document has one sentence: every sentence is its own document, and NSP would be "
            "meaningless. If a blank line stands after each sentence, take these lines out, or ask for mlm alone"
        )
    if read.bad_count:
        yield f"  ! {read.bad_count:,} malformed places in the sample; `--skip-bad` would leave them out:"
        yield from (f"    {message}" for message in read.bad[:5])
    if found.unknown > _FEW_UNKNOWN:
        yield f"  ! {found.unknown:.1%} unknown tokens: is this the vocabulary of another language or of cased text?"
    if found.duplicates > _DUPLICATES and not spec.clean.exact:
        yield "  ! copies of documents: set `clean: {exact: true}`"
    if found.empty > _EMPTY:
        yield f"  ! {found.empty:.1%} of the documents are empty: is `field` the right one?"
