"""What must agree on the text side of a recipe: tokenizer, corpora, and the units that streams mask."""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, get_args

from finetune.reading.suite_texts import suite_names
from pipeline.recipe.fill import CORPUS_SOURCES, Raw, mapping, texts
from pipeline.recipe.objective_settings import Masks, Spans
from pipeline.recipe.objectives import ENTRIES
from pipeline.recipe.problems import Place, Problem
from pipeline.recipe.walk import all_streams, numbered, unknown_names
from tokenization.cleaning.scripts import SCRIPTS
from tokenization.errors import did_you_mean
from tokenization.reading.files import ENDINGS
from tokenization.reading.opening import endings
from tokenization.sentences import LANGUAGES, SPLITTERS
from tokenization.spec import Format
from tokenization.words.segmenters import SEGMENTERS


def _tokenizer(raw: Raw) -> Iterator[Problem]:
    train = mapping(mapping(raw.get("tokenizer")).get("train"))
    yield from unknown_names(train.get("corpora"), raw, "corpora", ("tokenizer", "train", "corpora"))
    if train and "from" in mapping(raw.get("encoder")):
        yield Problem(
            ("tokenizer", "train"),
            " does not go with encoder.from, whose embeddings belong to their own vocabulary; "
            "give tokenizer.from the same folder",
        )
    kind = train.get("kind", "wordpiece")
    if mapping(raw.get("tokenizer")).get("extend") is not None and kind in ("bpe", "unigram"):
        yield Problem(
            ("tokenizer", "extend"), f" does not go with train.kind {kind}: only a wordpiece vocabulary can be extended"
        )


def _mask_units(raw: Raw) -> Iterator[Problem]:
    for place, stream in all_streams(raw):
        for index, name, masks in _masking(stream):
            here = (*place, "objectives", index, name)
            unit, span = masks.get("unit", "token"), mapping(masks.get("span"))
            default = Spans().model_dump(mode="json")
            given = [key for key, value in span.items() if key in default and value != default[key]]
            if given and unit != "span":
                yield Problem(
                    (*here, "span"), f": {', '.join(given)} given, but 'unit' is '{unit}'; only 'span' has any"
                )
            if span.get("shares") and set(given) - {"shares", "of"}:
                yield Problem((*here, "span"), ": 'shares' stands in the place of 'geometric' and 'longest'; give one")
            if unit == "phrase":
                yield from _phrases(raw, stream, (*here, "unit"))


def _masking(stream: Raw) -> Iterator[tuple[int, str, Raw]]:
    """The place, name and settings of each of a stream's objectives that mask."""
    for index, objective in numbered(stream.get("objectives")):
        for name, settings in objective.items():
            if name in ENTRIES and issubclass(ENTRIES[name].settings, Masks):
                yield index, name, mapping(settings)


def _phrases(raw: Raw, stream: Raw, place: Place) -> Iterator[Problem]:
    source = mapping(stream.get("source"))
    if "text_of" in source:
        yield Problem(
            place, ": 'phrase' goes only with a corpus, which has a lexicon; for tasks there are 'word', 'span'"
        )
    for name in (name for key in CORPUS_SOURCES for name in texts(source.get(key))):
        if not mapping(mapping(raw.get("corpora")).get(name)).get("lexicon"):
            yield Problem(place, f": 'phrase' needs the phrases: give corpora.{name}.lexicon a file with one a line")


def _corpora(raw: Raw) -> Iterator[Problem]:
    own = list(mapping(raw.get("tasks")))
    with_phrases = set(_masked_by_phrases(raw))
    for name, corpus in mapping(raw.get("corpora")).items():
        here, corpus = ("corpora", name), mapping(corpus)
        cleaned = mapping(corpus.get("clean"))
        yield from _language(corpus, here)
        yield from _one_of(corpus.get("splitter"), SPLITTERS, (*here, "splitter"))
        yield from _one_of(corpus.get("segmenter"), SEGMENTERS, (*here, "segmenter"))
        suites = (*here, "clean", "decontaminate", "suites")
        for suite in texts(mapping(cleaned.get("decontaminate")).get("suites")):
            yield from _one_of(suite, suite_names(own), suites)
        yield from _of_other_formats(corpus, here)
        if corpus.get("lexicon") and name not in with_phrases:
            yield Problem(
                (*here, "lexicon"),
                ": no stream masks this corpus's phrases; ask for objectives: [{mlm: {unit: phrase}}], or leave it out",
            )


def _language(corpus: Raw, here: Place) -> Iterator[Problem]:
    given = corpus.get("language", "en")
    if not isinstance(given, str):
        return
    if given not in LANGUAGES:
        near = did_you_mean(given, LANGUAGES)
        yield Problem(
            (*here, "language"),
            f": given '{given}'; must be a two-letter code of ISO 639-1, such as en, zh or de{near}",
        )
    elif mapping(corpus.get("clean")).get("script_share") and given not in SCRIPTS:
        yield Problem(
            (*here, "clean", "script_share"),
            f" cannot be told for language '{given}', whose script is not known; known: {', '.join(sorted(SCRIPTS))}",
        )


def _of_other_formats(corpus: Raw, here: Place) -> Iterator[Problem]:
    """Settings that are read in none of the formats that the corpus's files can have."""
    formats = _formats(corpus)
    plain = {"text", "lines", "document", "wikiextractor"}
    for key, used_by, default in (
        ("field", set(get_args(Format)) - plain, "text"),
        ("split", {"auto", "dataset"}, "train"),
        ("streaming", {"auto", "dataset"}, False),
        ("config", {"dataset"}, None),
    ):
        if formats and corpus.get(key, default) != default and not formats & used_by:
            yield Problem((*here, key), f" is of no use with format {', '.join(sorted(formats))}; leave it out")


def _formats(corpus: Raw) -> set[str]:
    """The format given, or those that the files' endings tell, `auto` for what is told by a look at the files."""
    given = corpus.get("format", "auto")
    if given != "auto":
        return {given} if given in get_args(Format) else set()
    files = corpus.get("files")
    listed = files if isinstance(files, list) else [files]
    paths = [mapping(file).get("path") if isinstance(file, dict) else file for file in listed]
    return {ENDINGS.get(endings(path)[0], "auto") for path in paths if isinstance(path, str)}


def _masked_by_phrases(raw: Raw) -> Iterator[str]:
    """The corpora whose phrases a stream masks."""
    for _, stream in all_streams(raw):
        if any(masks.get("unit") == "phrase" for _, _, masks in _masking(stream)):
            source = mapping(stream.get("source"))
            yield from (name for key in CORPUS_SOURCES for name in texts(source.get(key)))


def _one_of(given: Any, allowed: Collection[str], place: Place) -> Iterator[Problem]:
    if isinstance(given, str) and given not in allowed:
        yield Problem(place, f": given '{given}'; allowed: {', '.join(allowed)}{did_you_mean(given, allowed)}")


TEXT_CHECKS: tuple[Callable[[Raw], Iterable[Problem]], ...] = (_tokenizer, _corpora, _mask_units)
