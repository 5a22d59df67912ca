"""What `triptych evaluate` predicted for a board's file, turned into the board's ids and answers."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.submissions.board import DECIMALS, AnswerFile
from finetune.tasks.spec import OUTSIDE
from tokenization.errors import DataError, did_you_mean

PREDICTIONS = "predictions"
"""The folder of a task's predictions within what `triptych evaluate --out` writes."""


@dataclass(frozen=True)
class Answered:
    """An answer as the board has it."""

    id: str | int
    value: Any


def predictions_folder(given: Path) -> Path:
    """The folder of predictions: the given one, or the one within it.

    Raises:
        DataError: there is none.
    """
    folder = given / PREDICTIONS if (given / PREDICTIONS).is_dir() else given
    if not folder.is_dir():
        raise DataError(f"{given}: no such folder. `triptych evaluate MODEL --split test --out {given}` writes one.")
    return folder


def predictions_file(folder: Path, file: AnswerFile) -> Path:
    """Where the predictions of a board's file are."""
    return folder / f"{file.task}.{file.split}.jsonl"


def answered(path: Path, file: AnswerFile, texts: Mapping[str, str] | None) -> list[Answered]:
    """Read predictions and say them as the board does, in their order.

    Args:
        texts: the raw text of each id, which spans count characters of.

    Raises:
        DataError: lines that are no predictions of this task, all of them at once.
    """
    say = _SAY[file.answer](file, texts or {})
    found: list[Answered] = []
    problems: list[str] = []
    for number, line in enumerate(_lines(path), 1):
        try:
            row = _row(line)
            found.append(Answered(_identity(file, row["id"]), say(row["id"], row["label"])))
        except _Unfit as error:
            problems.append(f"{path}, line {number}: {error}")
    if problems:
        more = f"\n… and {len(problems) - _TOLD} more lines" if len(problems) > _TOLD else ""
        raise DataError("\n".join(problems[:_TOLD]) + more)
    return found


_TOLD = 5


class _Unfit(Exception):
    """A prediction that the board has no word for."""


def _lines(path: Path) -> list[str]:
    """Only a line feed ends a line: an answer may hold what else Unicode lets end one."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: broken UTF-8 at byte {error.start}; `triptych evaluate` writes it whole.") from None
    return lines if lines[-1] else lines[:-1]


def _row(line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise _Unfit(f"not valid JSON ({error.msg}); `triptych evaluate` writes one object a line") from None
    if not isinstance(row, dict) or not {"id", "label"} <= row.keys() or not isinstance(row["id"], str):
        raise _Unfit(f"{line[:60]!r} is no prediction; an object with a string 'id' and a 'label' is expected")
    return row


def _identity(file: AnswerFile, given: str) -> str | int:
    if file.text_ids or file.form == "dict":
        return given
    if not given.isdecimal():
        raise _Unfit(f"id {given!r}; {file.name} takes numbers")
    return int(given)


Say = Callable[[str, Any], Any]


def _label(file: AnswerFile, texts: Mapping[str, str]) -> Say:
    names = file.names

    def say(identity: str, given: Any) -> str:
        if given not in names if isinstance(given, str) else True:
            near = did_you_mean(given, names) if isinstance(given, str) else ""
            raise _Unfit(f"label {given!r} is not one of task {file.task!r}; allowed: {', '.join(names)}{near}")
        return names[given]

    return say


def _score(file: AnswerFile, texts: Mapping[str, str]) -> Say:
    low, high = file.spec.score_range

    def say(identity: str, given: Any) -> str:
        if type(given) not in (int, float) or given != given:
            raise _Unfit(f"score {given!r}; a number is expected")
        return f"{min(max(given, low), high):.{DECIMALS}f}"

    return say


def _place(file: AnswerFile, texts: Mapping[str, str]) -> Say:
    def say(identity: str, given: Any) -> int:
        if type(given) is not int or not 0 <= given < file.places:
            raise _Unfit(f"candidate {given!r}; a place from 0 to {file.places - 1} is expected")
        return int(given)

    return say


def _text(file: AnswerFile, texts: Mapping[str, str]) -> Say:
    def say(identity: str, given: Any) -> str:
        if not isinstance(given, str):
            raise _Unfit(f"answer {given!r}; a text is expected")
        return given

    return say


def _spans(file: AnswerFile, texts: Mapping[str, str]) -> Say:
    tags = frozenset(file.spec.labels)

    def say(identity: str, given: Any) -> dict[str, dict[str, list[list[int]]]]:
        if identity not in texts:
            raise _Unfit(f"id {identity!r} is no row of the test file")
        text = texts[identity]
        if not isinstance(given, list) or len(given) != len(text) or not tags.issuperset(map(str, given)):
            raise _Unfit(
                f"{len(text)} tags of task {file.task!r} are expected, one for each character of {text[:20]!r}"
            )
        found: dict[str, dict[str, list[list[int]]]] = {}
        for name, first, last in entities(given):
            found.setdefault(name, {}).setdefault(text[first : last + 1], []).append([first, last])
        return found

    return say


def entities(tags: Iterable[str]) -> list[tuple[str, int, int]]:
    """Spans of BIO tags: type, first and last place, both within. An I- that continues nothing opens a span."""
    found: list[tuple[str, int, int]] = []
    last = OUTSIDE
    for place, tag in enumerate(tags):
        if tag.startswith("I-") and last[2:] == tag[2:]:
            name, first, _ = found[-1]
            found[-1] = (name, first, place)
        elif tag != OUTSIDE:
            found.append((tag[2:], place, place))
        last = tag
    return found


_SAY: dict[str, Callable[[AnswerFile, Mapping[str, str]], Say]] = {
    "label": _label,
    "score": _score,
    "place": _place,
    "text": _text,
    "spans": _spans,
}
