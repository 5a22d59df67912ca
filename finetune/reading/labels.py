"""The label of a row, by the kind of its task; every one is checked against what the task declares."""

import math
from collections.abc import Sequence
from typing import Any

from finetune.reading.row import Row
from finetune.reading.row_values import as_text, list_of, value_of
from finetune.tasks.bio import as_bio, first_break
from finetune.tasks.example import Span
from finetune.tasks.spec import TaskSpec
from tokenization.errors import DataError, did_you_mean

_NOWHERE = -1
# What data sets write, in lower case, where nobody agreed on a label.
_LIKE_NONE = ("", "-", "--", "?", "-1", "none", "null", "nan", "n/a", "na")


def is_dropped(spec: TaskSpec, row: Row) -> bool:
    """Whether what stands in the label column says that the row has none; the hub says so by a class of -1."""
    if not spec.dropped:
        return False
    value = value_of(row, spec.label)
    return value is None or as_text(value) in spec.dropped


def class_of(spec: TaskSpec, row: Row) -> str:
    """The name of the row's class."""
    given = as_text(value_of(row, spec.label))
    return _checked(spec, spec.label_values.get(given, given), given, row.place, _dropped_hint(spec, given))


def classes_of(spec: TaskSpec, row: Row) -> tuple[str, ...]:
    """The names of the row's classes, in id order; none is allowed, one twice is not."""
    given = [as_text(value) for value in list_of(row, spec.label)]
    names = [_checked(spec, spec.label_values.get(value, value), value, row.place) for value in given]
    if len(set(names)) != len(names):
        raise DataError(f"{row.place}: column {spec.label!r} names a label twice: {', '.join(given)}.")
    return tuple(sorted(names, key=spec.labels.index))


def score_of(spec: TaskSpec, row: Row) -> float:
    """The row's score, within the declared range."""
    low, high = spec.score_range
    value = value_of(row, spec.label)
    try:
        score = float(value)
    except (TypeError, ValueError, OverflowError):
        score = math.nan
    if not low <= score <= high:
        raise DataError(
            f"{row.place}: column {spec.label!r} is {value!r}, but task {spec.name!r} declares scores from {low:g} "
            f"to {high:g}.{_dropped_hint(spec, as_text(value))}"
        )
    return score


def tags_of(spec: TaskSpec, row: Row, words: Sequence[str]) -> tuple[str, ...]:
    """A BIO tag for each word."""
    values = value_of(row, spec.label)
    if not isinstance(values, list) or len(values) != len(words):
        found = f"{len(values)} tags" if isinstance(values, list) else repr(values)
        raise DataError(f"{row.place}: column {spec.label!r} holds {found} for {len(words)} words.")
    given = tuple(as_text(value) for value in values)
    written = tuple(spec.label_values.get(value, value) for value in given)
    tags = as_bio(written, spec.scheme)
    for index, tag in enumerate(tags):
        _checked(spec, tag, given[index], row.word_place(index))
    wrong = first_break(written, spec.scheme)
    if wrong is not None:
        raise DataError(f"{row.word_place(wrong)}: {_break_told(spec, written[wrong], words[wrong])}")
    return tags


def right_candidate(spec: TaskSpec, row: Row, options: Sequence[str]) -> int:
    """The index of the right candidate: the label is its text, or its index from 0.

    Args:
        options: what tells the candidates apart. Of two equal ones the first is taken.

    Raises:
        DataError: the label is neither, or is the text of one and the index of another.
    """
    value = value_of(row, spec.label)
    index = int(value) if isinstance(value, str) and value.isdecimal() else value
    is_place = _is_whole(index) and 0 <= index < len(options)
    if isinstance(value, str) and value in options:
        if is_place and options[index] != value:
            raise DataError(
                f"{row.place}: column {spec.label!r} is {value!r}, which is the text of candidate "
                f"{options.index(value)} and the index of {options[index]!r}. Give indices as numbers, which JSON and "
                "parquet tell from texts, or candidates that are no numbers."
            )
        return options.index(value)
    if not is_place:
        raise DataError(
            f"{row.place}: column {spec.label!r} is {value!r}, which is neither one of the {len(options)} candidates "
            f"nor the index of one (0 to {len(options) - 1}){did_you_mean(str(value), options)}"
        )
    return int(index)


def named_candidate(spec: TaskSpec, row: Row, options: Sequence[str]) -> int:
    """The index of the right candidate, where the label is always its text, be it a number."""
    value = value_of(row, spec.label)
    if value not in options:
        raise DataError(
            f"{row.place}: column {spec.label!r} is {value!r}, which is none of the {len(options)} candidates; the "
            f"text of one is expected{did_you_mean(str(value), options)}"
        )
    return options.index(value)


def spans_of(row: Row, value: Any, context: str) -> tuple[Span, ...]:
    """The answers that are right, as SQuAD 1.1 or 2.0 or a table gives them; none where the context holds none.

    Args:
        value: a text, a list of texts, a list of {text, answer_start}, or {text: [...], answer_start: [...]}.

    An answer that does not stand at its `answer_start` is looked for, the nearest occurrence taken; one that stands
    nowhere keeps its text, for scoring, with start -1.
    """
    if row.values.get("is_impossible") is True:
        return ()
    found: list[Span] = []
    for text, start in _answers(row, value):
        if not isinstance(text, str) or not text.strip():
            raise DataError(f"{row.place}: an answer is {text!r}, but text is expected.")
        if start is not None and not _is_whole(start):
            raise DataError(
                f"{row.place}: answer_start of {text!r} is {start!r}, but a number of characters is expected."
            )
        found.append(Span(text, located(context, text, start)))
    return tuple(dict.fromkeys(found))


def written(spec: TaskSpec, row: Row) -> str:
    """The text that is to be written for the row, or that its label stands for."""
    value = value_of(row, spec.label)
    if spec.label_values:
        given = as_text(value)
        if given not in spec.label_values:
            raise DataError(
                f"{row.place}: label {given!r} stands for no text to write; tasks.{spec.name}.label_values has "
                f"{', '.join(spec.label_values)}{did_you_mean(given, tuple(spec.label_values))}"
            )
        return spec.label_values[given]
    if not isinstance(value, str):
        raise DataError(f"{row.place}: column {spec.label!r} is {value!r}, but the text to write is expected.")
    return value


def located(context: str, text: str, start: int | None) -> int:
    """Where a text stands in its context, nearest to `start`; -1 where it does not."""
    places: list[int] = []
    place = context.find(text)
    while place >= 0:
        places.append(place)
        place = context.find(text, place + 1)
    return min(places, key=lambda place: abs(place - (start or 0)), default=_NOWHERE)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _answers(row: Row, value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, str):
        return [(value, None)] if value else []
    if isinstance(value, dict) and isinstance(value.get("text"), list):
        starts = value.get("answer_start")
        starts = [None] * len(value["text"]) if starts is None else starts
        if not isinstance(starts, list) or len(starts) != len(value["text"]):
            raise DataError(
                f"{row.place}: {len(value['text'])} answers ('text'), but answer_start is {starts!r}; a list with a "
                "place for each is expected."
            )
        return list(zip(value["text"], starts, strict=True))
    if isinstance(value, list):
        return [(a.get("text"), a.get("answer_start")) if isinstance(a, dict) else (a, None) for a in value]
    raise DataError(
        f"{row.place}: the answers are {value!r}; expected are a text, a list of texts, or SQuAD's "
        "[{text, answer_start}, ...]; an empty list where the text holds no answer."
    )


def _checked(spec: TaskSpec, name: str, given: str, place: str, hint: str = "") -> str:
    if name not in spec.labels:
        allowed = list(spec.label_values) or list(spec.labels)
        raise DataError(
            f"{place}: label {given!r} is not one of task {spec.name!r}; allowed: {', '.join(allowed)}"
            f"{did_you_mean(given, allowed) or '.' * bool(hint)}{hint}"
        )
    return name


def _dropped_hint(spec: TaskSpec, given: str) -> str:
    """Where a label looks like none: how its rows are left out."""
    if given.strip().lower() not in _LIKE_NONE:
        return ""
    return f" If such rows have no label, tasks.{spec.name}.dropped: {[*spec.dropped, given]} leaves them out."


def _break_told(spec: TaskSpec, tag: str, word: str) -> str:
    if spec.scheme == "bioes":
        return (
            f"tag {tag!r} of {word!r} cannot stand here; in BIOES an entity is B- I- ... E- of one type, or a single S-"
            f". For BIO files say tasks.{spec.name}.scheme: bio."
        )
    return (
        f"tag {tag!r} of {word!r} continues no entity of its type; in BIO an entity opens with 'B-{tag[2:]}'. "
        f"For IOB1 files say tasks.{spec.name}.scheme: iob1."
    )
