"""What must agree on the text side of a recipe: tokenizer, corpora, and the units that streams mask."""

from collections.abc import Callable, Iterable, Iterator

from pipeline.recipe_fill import CORPUS_SOURCES, Raw, mapping, texts
from pipeline.recipe_problems import Place, Problem
from pipeline.recipe_stream import Spans
from pipeline.recipe_walk import all_streams, numbered, unknown_names


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
        for index, objective in numbered(stream.get("objectives")):
            mlm, here = mapping(objective.get("mlm")), (*place, "objectives", index, "mlm")
            unit, span = mlm.get("unit", "token"), mapping(mlm.get("span"))
            default = Spans().model_dump(mode="json")
            given = [key for key, value in span.items() if key in default and value != default[key]]
            if given and unit != "span":
                yield Problem(
                    (*here, "span"), f": {', '.join(given)} given, but 'unit' is '{unit}'; only 'span' has any"
                )
            if span.get("shares") and set(given) - {"shares"}:
                yield Problem((*here, "span"), ": 'shares' stands in the place of 'geometric' and 'longest'; give one")
            if unit == "phrase":
                yield from _phrases(raw, stream, (*here, "unit"))


def _phrases(raw: Raw, stream: Raw, place: Place) -> Iterator[Problem]:
    source = mapping(stream.get("source"))
    if "text_of" in source:
        yield Problem(
            place, ": 'phrase' goes only with a corpus, which has a lexicon; for tasks there are 'word', 'span'"
        )
    for name in (name for key in CORPUS_SOURCES for name in texts(source.get(key))):
        if not mapping(mapping(raw.get("corpora")).get(name)).get("lexicon"):
            yield Problem(place, f": 'phrase' needs the phrases: give corpora.{name}.lexicon a file with one a line")


TEXT_CHECKS: tuple[Callable[[Raw], Iterable[Problem]], ...] = (_tokenizer, _mask_units)
