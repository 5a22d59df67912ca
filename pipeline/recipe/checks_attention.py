"""What the objectives of a stream must agree on: a pair's second half, and what each token sees."""

from collections.abc import Callable, Iterable, Iterator

from pipeline.recipe.fill import Raw, mapping, texts
from pipeline.recipe.objectives import ENTRIES
from pipeline.recipe.problems import Problem
from pipeline.recipe.walk import all_streams, items

_FIRST = ("nsp", "sop")
"""The objectives that read a pair's [CLS]."""


def _second_halves(raw: Raw) -> Iterator[Problem]:
    for place, stream in all_streams(raw):
        wanted = {ENTRIES[name].second: name for name in _settings(stream) if ENTRIES[name].second}
        if len(wanted) > 1:
            names = " and ".join(f"'{name}'" for name in wanted.values())
            yield Problem(
                (*place, "objectives"), f": {names} each want another second sentence; give each a stream of its own"
            )


def _prefixes(raw: Raw) -> Iterator[Problem]:
    for place, stream in all_streams(raw):
        source = mapping(stream.get("source"))
        if _settings(stream).get("mlm", {}).get("attention") == "prefix" and source and "pairs_of" not in source:
            yield Problem(
                (*place, "objectives"),
                ": 'attention: prefix' of mlm goes only with pairs_of, whose first sentence is the prefix",
            )


def _blind(raw: Raw) -> Iterator[Problem]:
    """[CLS] must see the pair that it is asked about."""
    for place, stream in all_streams(raw):
        given = _settings(stream)
        for name in (name for name in _FIRST if name in given):
            for editing, sees in _sights(given):
                if sees in ("left", "prefix") and not ENTRIES[editing].second:  # else both want another second half
                    yield Problem(
                        (*place, "objectives"),
                        f": '{name}' is read at [CLS], which under '{editing}' does not see the whole pair; "
                        "give each a stream of its own",
                    )


def _sights(given: dict[str, Raw]) -> Iterator[tuple[str, str]]:
    """What a token sees under each objective; `left` also where only some sequences see no more."""
    for name, settings in given.items():
        if name == "mlm":
            yield name, str(settings.get("attention", "both"))
        elif name == "causal":
            yield name, "right" if settings.get("direction") == "right" else "left"
        elif name == "seq2seq":
            yield name, "prefix"


def _settings(stream: Raw) -> dict[str, Raw]:
    """The settings of each known objective of a stream, by its name."""
    found: dict[str, Raw] = {}
    for given in items(stream.get("objectives")):
        name = next(iter(texts(given) or mapping(given)), "")
        if name in ENTRIES:
            found[name] = mapping(mapping(given).get(name))
    return found


ATTENTION_CHECKS: tuple[Callable[[Raw], Iterable[Problem]], ...] = (_second_halves, _prefixes, _blind)
