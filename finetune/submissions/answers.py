"""Is each answer one that the board knows: a label as it spells it, a score in range, a place, a text, spans?"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from finetune.submissions.answer_rows import AnswerRow
from finetune.submissions.board import AnswerFile
from finetune.submissions.findings import Finding
from finetune.tasks.spec import OUTSIDE
from tokenization.errors import did_you_mean

Told = Iterator[tuple[str, str, str]]
"""Kind, what is wrong and what to do."""

_MANY = 20
_AS_FILES = "Map the classes' numbers back to what stands in the task's own files"


def check_answers(file: AnswerFile, rows: tuple[AnswerRow, ...], texts: Mapping[str, str] | None) -> Iterator[Finding]:
    """What is wrong with the answers of a file.

    Args:
        texts: the raw text of each id, for spans; None where the test file is not there.
    """
    check = _CHECKS[file.answer](file, texts or {})
    for row in rows:
        for kind, what, remedy in check(row):
            where = "" if row.line is not None else f"id {row.id!r}: "
            yield Finding(kind, file.name, row.line, where + what, _WHY[kind], remedy)


_WHY = {
    "label": "The board scores it as wrong, or rejects the file",
    "label-type": "The board compares strings with strings and numbers with numbers, so none is right",
    "range": "The board rejects a score out of range",
    "number": "The board rejects what is not a number",
    "place": "There is no such candidate",
    "text": "The board expects one text for each question",
    "spans": "The board finds none of the entities",
    "inclusive": "Each entity counts as wrong",
    "surface": "Each entity counts as wrong",
}

Check = Callable[[AnswerRow], Told]


def _labels(file: AnswerFile, texts: Mapping[str, str]) -> Check:
    allowed = tuple(file.names.values())
    ours = {name: label for name, label in file.names.items() if name != label}
    sound = frozenset(allowed)
    said = ", ".join(allowed) if len(allowed) <= _MANY else f"{', '.join(allowed[:_MANY])} … ({len(allowed)} of them)"

    def check(row: AnswerRow) -> Told:
        given = row.value
        if isinstance(given, str) and given in sound:
            return
        if not isinstance(given, str):
            if str(given).lower() in sound and not isinstance(given, float):
                what = f"the label is {given!r} as JSON's {_json_type(given)}, a string is expected"
                yield "label-type", what, f'Write "{str(given).lower()}"'
                return
            yield "label", f"the label is {given!r}; allowed: {said}", _remedy(given, allowed)
        elif given in ours:
            yield "label", f"the label is {given!r}, the board calls it {ours[given]!r}", f"Write {ours[given]!r}"
        else:
            near = did_you_mean(given, allowed)
            yield "label", f"the label is {given!r}; allowed: {said}{near}", _remedy(given, allowed)

    return check


def _remedy(given: Any, allowed: tuple[str, ...]) -> str:
    """A number below the number of classes is most likely the class's number in training."""
    number = str(given)
    is_class = number.isdecimal() and int(number) < len(allowed)
    return f"{_AS_FILES}: {number} may stand for {allowed[int(number)]!r}" if is_class else "Write one of these"


def _scores(file: AnswerFile, texts: Mapping[str, str]) -> Check:
    low, high = file.spec.score_range

    def check(row: AnswerRow) -> Told:
        try:
            score = float(row.value)
        except (TypeError, ValueError):
            yield "number", f"the score is {row.value!r}, a number from {low:g} to {high:g} is expected", "Write one"
            return
        if not math.isfinite(score):
            yield (
                "number",
                f"the score is {row.value!r}, no finite number",
                "The model's weights are spoilt; train anew",
            )
        elif not low <= score <= high:
            yield "range", f"the score is {row.value}, allowed is {low:g} to {high:g}", "Clip scores to the range"

    return check


def _places(file: AnswerFile, texts: Mapping[str, str]) -> Check:
    def check(row: AnswerRow) -> Told:
        given = row.value
        if isinstance(given, str) and given.isdecimal():
            yield "label-type", f"the answer is the string {given!r}, a number is expected", f"Write {given}"
        elif not isinstance(given, int) or isinstance(given, bool):
            yield "place", f"the answer is {given!r}; allowed: whole numbers from 0 to {file.places - 1}", _FROM_0
        elif not 0 <= given < file.places:
            yield "place", f"the answer is {given}; allowed: 0 to {file.places - 1}", _FROM_0

    return check


_FROM_0 = "Write the place of the chosen candidate, counted from 0"


def _texts(file: AnswerFile, texts: Mapping[str, str]) -> Check:
    def check(row: AnswerRow) -> Told:
        if not isinstance(row.value, str):
            what = f"the answer is JSON's {_json_type(row.value)}, a text is expected"
            yield "text", what, "Write the best answer alone, as a string"

    return check


def _spans(file: AnswerFile, texts: Mapping[str, str]) -> Check:
    types = tuple(dict.fromkeys(label[2:] for label in file.spec.labels if label != OUTSIDE))

    def check(row: AnswerRow) -> Told:
        if not isinstance(row.value, dict):
            yield "spans", f"the label is JSON's {_json_type(row.value)}, an object of types is expected", _AS_SPANS
            return
        for name, entities in row.value.items():
            if name not in types:
                what = f"{name!r} is no type; allowed: {', '.join(types)}{did_you_mean(name, types)}"
                yield "label", what, "Write one of these"
            elif not isinstance(entities, dict):
                yield "spans", f"{name!r} holds {entities!r}, an object of entities is expected", _AS_SPANS
            else:
                for surface, places in entities.items():
                    yield from _entity(surface, places, texts.get(str(row.id)))

    return check


_AS_SPANS = 'Write {"name": {"the entity": [[first character, last character]]}}, and {} where there is none'


def _entity(surface: str, places: Any, text: str | None) -> Told:
    if not isinstance(places, list) or not all(map(_is_pair, places)):
        yield "spans", f"{surface!r} is at {places!r}, a list of [first, last] is expected", _AS_SPANS
        return
    for first, last in places:
        if last - first + 1 == len(surface) + 1:
            what = f"{surface!r} has {len(surface)} characters, [{first}, {last}] spans {last - first + 1}"
            yield "inclusive", f"{what}: the end is not inclusive", "Subtract 1 from each end"
        elif last - first + 1 != len(surface):
            what = f"{surface!r} has {len(surface)} characters, [{first}, {last}] spans {last - first + 1}"
            yield "surface", what, "Count characters of the raw text, not tokens"
        elif text is not None and text[first : last + 1] != surface:
            what = f"[{first}, {last}] is {text[first : last + 1]!r} in the text, not {surface!r}"
            yield "surface", what, "Count characters of the raw text, not tokens"


def _is_pair(place: Any) -> bool:
    return isinstance(place, list) and len(place) == 2 and all(type(end) is int and end >= 0 for end in place)


def _json_type(value: Any) -> str:
    names = {bool: "true or false", int: "number", float: "number", list: "list", dict: "object", str: "string"}
    return names.get(type(value), "null")


_CHECKS: dict[str, Callable[[AnswerFile, Mapping[str, str]], Check]] = {
    "label": _labels,
    "score": _scores,
    "place": _places,
    "text": _texts,
    "spans": _spans,
}
