"""What must agree between the sections of a recipe.

The checks work on plain data that may be wrong elsewhere, so that they report beside the errors of single settings.
Each yields problems and leaves malformed parts to the validation of that part.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from finetune.tasks.own import limit_rows, spec_from_fields
from finetune.tasks.spec import TaskSpec
from finetune.tasks.table import find_task
from pipeline.recipe import Recipe
from pipeline.recipe_fill import CORPUS_SOURCES, Raw, is_labelled, mapping, mappings, texts
from pipeline.recipe_problems import Place, Problem, settings_of
from pipeline.recipe_stage import Stage
from pipeline.recipe_stream import Spans
from pipeline.recipe_text import OwnTask, Task
from tokenization.errors import RecipeError, did_you_mean

EDITING = ("mlm",)


def cross_check(raw: Raw) -> list[Problem]:
    """Every contradiction between sections of a filled recipe."""
    return [problem for check in _CHECKS for problem in check(raw)]


def check_tasks(tasks: dict[str, Task]) -> list[Problem]:
    """What is wrong in tasks whose single settings are sound."""
    problems: list[Problem] = []
    for name, task in tasks.items():
        try:
            _spec(name, task)
        except RecipeError as error:
            problems += [_of_line(line, name) for line in str(error).splitlines()]
    return problems


def check_splits(raw: Raw, tasks: Mapping[str, Task]) -> list[Problem]:
    """Splits to be scored that a task does not have, or whose labels are hidden."""
    evaluation = mapping(raw.get("evaluation"))
    trained = {name for _, stream in _streams(raw) for name in texts(mapping(stream.get("source")).get("task"))}
    asked: list[tuple[Place, str, Any]] = [
        (("evaluation", "split"), name, evaluation.get("split", "dev")) for name in tasks if name in trained
    ]
    asked += [
        (("evaluation", "more", name), name, split)
        for name, splits in mapping(evaluation.get("more")).items()
        for split in texts(splits)
    ]
    problems: list[Problem] = []
    for place, name, split in asked:
        try:
            spec = _spec(name, tasks[name])
        except (KeyError, RecipeError):
            continue  # told where the task is named or described
        scored = [known for known in spec.files if known not in spec.hidden]
        if isinstance(split, str) and split not in scored:
            hides = "hides the labels of its" if split in spec.files else "has no"
            known = f"splits with labels: {', '.join(scored)}{did_you_mean(split, scored)}"
            problems.append(Problem(place, f": task {name} {hides} split '{split}'; {known}"))
    return problems


def _spec(name: str, task: Task) -> TaskSpec:
    if isinstance(task, OwnTask):
        return spec_from_fields(name, **task.spec_fields())
    return limit_rows(find_task(name), task.limit)


def _of_line(line: str, name: str) -> Problem:
    head, _, text = line.partition(": ")
    rest = head.removeprefix(f"tasks.{name}").strip(".")
    return Problem(("tasks", name, *filter(None, rest.split("."))), f": {text}")


def _tokenizer(raw: Raw) -> Iterator[Problem]:
    train = mapping(mapping(raw.get("tokenizer")).get("train"))
    yield from _names(train.get("corpora"), raw, "corpora", ("tokenizer", "train", "corpora"))
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


def _ledger(raw: Raw) -> Iterator[Problem]:
    ledger = mapping(mapping(raw.get("evaluation")).get("ledger"))
    yield from _names(ledger.get("corpora"), raw, "corpora", ("evaluation", "ledger", "corpora"))
    more = mapping(mapping(raw.get("evaluation")).get("more"))
    yield from _names(list(more), raw, "tasks", ("evaluation", "more"))


def _lm_head_fit(raw: Raw) -> Iterator[Problem]:
    if raw.get("lm_head_fit") is not None and "from" not in mapping(raw.get("encoder")):
        yield Problem(("lm_head_fit",), " goes only with encoder.from; a new encoder trains its LM head from the start")


def _stage_names(raw: Raw) -> Iterator[Problem]:
    seen: set[str] = set()
    for place, stage in _stages(raw):
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
    for place, stage in _stages(raw):
        parent, name = stage.get("parent"), stage.get("name")
        if isinstance(parent, str) and parent not in earlier:
            near = did_you_mean(parent, earlier)
            yield Problem(
                (*place, "parent"), f": given '{parent}'; earlier stages: {', '.join(earlier) or 'none'}{near}"
            )
        if isinstance(name, str):
            earlier.append(name)


def _stage_rules(raw: Raw) -> Iterator[Problem]:
    for place, stage in _stages(raw):
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
    for place, stage in _stages(raw):
        seen: set[str] = set()
        for index, stream in _numbered(stage.get("streams")):
            name, here = stream.get("name"), (*place, "streams", index, "name")
            if not isinstance(name, str):
                continue
            if name in seen:
                yield Problem(here, f": a second stream of the stage is called '{name}'; give each its own name")
            if name in settings_of(Stage):
                yield Problem(here, f": '{name}' is a setting of a stage, so --set could not tell them apart")
            seen.add(name)


def _sources(raw: Raw) -> Iterator[Problem]:
    for place, stream in _streams(raw):
        source = mapping(stream.get("source"))
        for key in CORPUS_SOURCES:
            yield from _names(source.get(key), raw, "corpora", (*place, "source", key))
        for key in ("task", "text_of"):
            yield from _names(source.get(key), raw, "tasks", (*place, "source", key))


def _lengths(raw: Raw) -> Iterator[Problem]:
    encoder = mapping(raw.get("encoder"))
    positions = encoder.get("positions", 128)
    if "from" in encoder or not isinstance(positions, int):
        return
    places: list[tuple[Place, Any]] = [
        ((*place, "source", "length"), mapping(stream.get("source"))) for place, stream in _streams(raw)
    ]
    places = [(place, source.get("length", 128)) for place, source in places if set(source) & set(CORPUS_SOURCES)]
    places += [
        (("tasks", name, "length"), mapping(task).get("length", 128))
        for name, task in mapping(raw.get("tasks")).items()
    ]
    for place, length in places:
        if isinstance(length, int) and length > positions:
            yield Problem(place, f": {length} is more than encoder.positions ({positions})")


def _objectives(raw: Raw) -> Iterator[Problem]:
    for place, stream in _streams(raw):
        source, here = mapping(stream.get("source")), (*place, "objectives")
        given = [next(iter(texts(o) or mapping(o)), "") for o in _items(stream.get("objectives"))]
        if "task" in source and given:
            yield Problem(here, f": given {', '.join(given)}; leave it out: a task's objective follows from its kind")
            continue
        if "task" not in source and source and not given:
            yield Problem(here, " is missing: say what is asked of the text, for example [mlm]")
        if sum(name in EDITING for name in given) > 1:
            yield Problem(here, ": two objectives that edit the text; a stream may have one, so make a second stream")
        elif len(set(given)) < len(given):
            yield Problem(here, f": one is listed twice: {', '.join(given)}")
        if "nsp" in given and source and "pairs_of" not in source:
            yield Problem(here, ": 'nsp' goes only with pairs_of, which has two sentences to ask about")


def _mask_units(raw: Raw) -> Iterator[Problem]:
    for place, stream in _streams(raw):
        for index, objective in _numbered(stream.get("objectives")):
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


def _names(given: Any, raw: Raw, section: str, place: Place) -> Iterator[Problem]:
    """A problem for each name that the section lacks."""
    if not isinstance(raw.get(section, {}), dict):
        return
    known = list(raw.get(section, {}))
    for name in dict.fromkeys(texts(given)):
        if name not in known:
            near = did_you_mean(name, known)
            yield Problem(place, f": given '{name}'; {section} of the recipe: {', '.join(known) or 'none'}{near}")


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _numbered(value: Any) -> Iterator[tuple[int, Raw]]:
    return ((index, item) for index, item in enumerate(_items(value)) if isinstance(item, dict))


def _stages(raw: Raw) -> Iterator[tuple[Place, Raw]]:
    return ((("stages", index), stage) for index, stage in _numbered(raw.get("stages")))


def _streams(raw: Raw) -> Iterator[tuple[Place, Raw]]:
    for place, stage in _stages(raw):
        for index, stream in _numbered(stage.get("streams")):
            yield (*place, "streams", index), stream


_CHECKS: tuple[Callable[[Raw], Iterable[Problem]], ...] = (
    _tokenizer,
    _lm_head_fit,
    _stage_names,
    _parents,
    _stage_rules,
    _stream_names,
    _sources,
    _lengths,
    _objectives,
    _mask_units,
    _ledger,
)
