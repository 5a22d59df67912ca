"""What must agree between the sections of a recipe.

The checks work on plain data that may be wrong elsewhere, so that they report beside the errors of single settings.
Each yields problems and leaves malformed parts to the validation of that part.
"""

from collections.abc import Callable, Iterable, Iterator

from finetune.tasks.spec import KINDS
from pipeline.recipe.checks_attention import ATTENTION_CHECKS
from pipeline.recipe.checks_rates import check_layer_decay, check_unfreezing
from pipeline.recipe.checks_stored import check_stored
from pipeline.recipe.checks_text import TEXT_CHECKS
from pipeline.recipe.fill import CORPUS_SOURCES, Raw, is_labelled, mapping, mappings, texts
from pipeline.recipe.objectives import ENTRIES
from pipeline.recipe.problems import Place, Problem, settings_of
from pipeline.recipe.recipe import Recipe
from pipeline.recipe.stage import Stage
from pipeline.recipe.walk import all_stages, all_streams, items, numbered, unknown_names
from tokenization.errors import did_you_mean


def cross_check(raw: Raw) -> list[Problem]:
    """Every contradiction between sections of a filled recipe."""
    return [problem for check in _CHECKS for problem in check(raw)]


def _ledger(raw: Raw) -> Iterator[Problem]:
    ledger = mapping(mapping(raw.get("evaluation")).get("ledger"))
    yield from unknown_names(ledger.get("corpora"), raw, "corpora", ("evaluation", "ledger", "corpora"))
    more = mapping(mapping(raw.get("evaluation")).get("more"))
    yield from unknown_names(list(more), raw, "tasks", ("evaluation", "more"))


def _lm_head_fit(raw: Raw) -> Iterator[Problem]:
    if raw.get("lm_head_fit") is not None and "from" not in mapping(raw.get("encoder")):
        yield Problem(("lm_head_fit",), " goes only with encoder.from; a new encoder trains its LM head from the start")


def _stage_names(raw: Raw) -> Iterator[Problem]:
    seen: set[str] = set()
    for place, stage in all_stages(raw):
        name = stage.get("name")
        if not isinstance(name, str):
            continue
        if name in seen:
            yield Problem((*place, "name"), f": a second stage is called '{name}'; give each its own name")
        if name in settings_of(Recipe):
            yield Problem(
                (*place, "name"), f": '{name}' is a setting of the recipe, so --set could not tell them apart"
            )
        seen.add(name)


def _parents(raw: Raw) -> Iterator[Problem]:
    earlier: list[str] = []
    for place, stage in all_stages(raw):
        parent, name = stage.get("parent"), stage.get("name")
        if isinstance(parent, str) and parent not in earlier:
            near = did_you_mean(parent, earlier)
            yield Problem(
                (*place, "parent"), f": given '{parent}'; earlier stages: {', '.join(earlier) or 'none'}{near}"
            )
        if isinstance(name, str):
            earlier.append(name)


def _stage_rules(raw: Raw) -> Iterator[Problem]:
    for place, stage in all_stages(raw):
        labelled = any(is_labelled(stream) for stream in mappings(stage.get("streams")))
        evaluate = stage.get("evaluate")
        if stage.get("sampling") == "alternate" and not labelled:
            yield Problem((*place, "sampling"), ": 'alternate' needs a stream with a task, and there is none")
        if stage.get("carry") == "best" and (evaluate is None or not labelled):
            lacks = "'evaluate: {every: N}'" if evaluate is None else "a stream with a task"
            yield Problem((*place, "carry"), f": 'best' needs {lacks}, by which the best is known; allowed here: last")
        if mapping(evaluate).get("patience") is not None and not labelled:
            yield Problem((*place, "evaluate", "patience"), " needs a stream with a task, and there is none")


def _stream_names(raw: Raw) -> Iterator[Problem]:
    for place, stage in all_stages(raw):
        seen: set[str] = set()
        for index, stream in numbered(stage.get("streams")):
            name, here = stream.get("name"), (*place, "streams", index, "name")
            if not isinstance(name, str):
                continue
            if name in seen:
                yield Problem(here, f": a second stream of the stage is called '{name}'; give each its own name")
            if name in settings_of(Stage):
                yield Problem(here, f": '{name}' is a setting of a stage, so --set could not tell them apart")
            seen.add(name)


def _sources(raw: Raw) -> Iterator[Problem]:
    for place, stream in all_streams(raw):
        source = mapping(stream.get("source"))
        for key in CORPUS_SOURCES:
            yield from unknown_names(source.get(key), raw, "corpora", (*place, "source", key))
        for key in ("task", "text_of"):
            yield from unknown_names(source.get(key), raw, "tasks", (*place, "source", key))


def _lengths(raw: Raw) -> Iterator[Problem]:
    encoder = mapping(raw.get("encoder"))
    positions = encoder.get("positions", 128)
    if "from" in encoder or not isinstance(positions, int):
        return
    places: list[tuple[Place, Raw]] = [
        ((*place, "source", "length"), mapping(stream.get("source"))) for place, stream in all_streams(raw)
    ]
    places = [(place, source) for place, source in places if set(source) & set(CORPUS_SOURCES)]
    places += [(("tasks", name, "length"), mapping(task)) for name, task in mapping(raw.get("tasks")).items()]
    for place, section in places:
        length = section.get("length", 128)
        if isinstance(length, int) and length > positions:
            given = length if "length" in section else f"its default, {length},"
            yield Problem(
                place,
                f": {given} is more than encoder.positions ({positions}); set this length to at most {positions}, or "
                f"encoder.positions to at least {length}",
            )


def _objectives(raw: Raw) -> Iterator[Problem]:
    for place, stream in all_streams(raw):
        source, here = mapping(stream.get("source")), (*place, "objectives")
        given = [next(iter(texts(o) or mapping(o)), "") for o in items(stream.get("objectives"))]
        if "task" in source and given:
            yield Problem(here, f": given {', '.join(given)}; leave it out: a task's objective follows from its kind")
            continue
        if "task" not in source and source and not given:
            yield Problem(here, " is missing: say what is asked of the text, for example [mlm]")
        for name in (name for name in given if name in KINDS):
            yield Problem(here, f": '{name}' is asked of a task of that kind, not of text; give source: {{task: NAME}}")
        entries = {name: ENTRIES[name] for name in given if name in ENTRIES}
        if sum(name in entries and entries[name].edits for name in given) > 1:
            yield Problem(here, ": two objectives that edit the text; a stream may have one, so make a second stream")
        elif len(set(given)) < len(given):
            yield Problem(here, f": one is listed twice: {', '.join(given)}")
        for name, entry in entries.items():
            if source and not set(entry.sources) & set(source):
                why = f", {entry.needs}" if entry.needs else ""
                yield Problem(here, f": '{name}' goes only with {' or '.join(entry.sources)}{why}")


_CHECKS: tuple[Callable[[Raw], Iterable[Problem]], ...] = (
    _lm_head_fit,
    _stage_names,
    _parents,
    _stage_rules,
    check_unfreezing,
    check_layer_decay,
    check_stored,
    _stream_names,
    _sources,
    _lengths,
    _objectives,
    _ledger,
    *ATTENTION_CHECKS,
    *TEXT_CHECKS,
)
