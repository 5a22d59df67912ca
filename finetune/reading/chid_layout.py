"""ChID (Zheng et al. 2019): which idiom belongs into a blank of a passage; a blank, an example.

CLUE gives JSON lines {"candidates", "content": [passages]}, whose blanks are numbered (#idiom000123#), and the answers
in a file of their own, {blank: index}; FewCLUE gives rows {"id", "candidates", "content", "answer"} with one blank,
#idiom#; the hub gives CLUE's rows with {"answers": {"candidate_id"}} in the order of the blanks.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from finetune.reading.labels import right_candidate
from finetune.reading.row import Row
from finetune.reading.row_values import texts_of, value_of
from finetune.reading.taken import Taken, hides, own_id
from finetune.tasks.example import Example
from finetune.tasks.spec import TaskSpec
from tokenization.errors import DataError

_BLANK = re.compile(r"#idiom\d*#")
_NAMELESS = "#idiom#"
# What stands for the blank that is asked for, and for the others of its passage: one or three tokens of any vocabulary.
_ASKED, _OTHER = "[_]", "_"
# Characters kept on either side of the blank. Passages run to 500 characters, the longer part of a pair is cut from its
# end, and the sentence around the blank tells most: so the blank stays within 128 tokens.
_AROUND = 64


def chid(spec: TaskSpec, rows: Iterable[Row], split: str) -> Iterator[Taken]:
    """Candidates are (idiom, text around the blank); several blanks of one row are a group."""
    given = list(rows)
    answers: dict[str, Any] = {}
    for row in given:
        answers |= {} if "content" in row.values else _answers(row)
    hidden = hides(spec, split)
    for row in given:
        if "content" in row.values:
            yield from _of_row(spec, row, answers, hidden)


def _answers(row: Row) -> Mapping[str, Any]:
    """A row of the file of answers."""
    strange = [name for name in row.values if not _BLANK.fullmatch(name)]
    if strange:
        raise DataError(
            f"{row.place}: there is no column 'content', and {strange[0]!r} is no blank that has an answer; expected "
            "are {candidates, content}, or {#idiom000123#: index of its candidate, ...}."
        )
    return row.values


def _of_row(spec: TaskSpec, row: Row, answers: Mapping[str, Any], hidden: bool) -> Iterator[Taken]:
    idioms = texts_of(row, "candidates")
    content = value_of(row, "content")
    passages = [content] if isinstance(content, str) else texts_of(row, "content")
    blanks = [(passage, blank) for passage in passages for blank in _BLANK.finditer(passage)]
    names = [blank.group() for _, blank in blanks]
    if not blanks or (len(blanks) > 1 and _NAMELESS in names):
        raise DataError(
            f"{row.place}: {len(blanks)} blanks stand in column 'content' ({', '.join(names) or 'none'}); expected are "
            f"numbered ones, such as #idiom000123#, or a single {_NAMELESS}."
        )
    for index, (passage, blank) in enumerate(blanks):
        text = around(passage, blank.start(), blank.end())
        label = None if hidden else _right(spec, row, answers, names[index], index, idioms)
        yield Taken(
            f"{row.place}, blank {names[index]}",
            Example(
                id=own_id(spec, row) if names[index] == _NAMELESS else names[index],
                texts=(),
                words=(),
                label=label,
                candidates=tuple((idiom, text) for idiom in idioms),
                group=names[0] if len(names) > 1 else "",
            ),
        )


def around(passage: str, start: int, stop: int) -> str:
    """The text around a blank, with that blank and the others in it marked."""
    before, after = (_BLANK.sub(_OTHER, part) for part in (passage[:start], passage[stop:]))
    return f"{before[-_AROUND:]}{_ASKED}{after[:_AROUND]}"


def _right(spec: TaskSpec, row: Row, answers: Mapping[str, Any], name: str, index: int, idioms: list[str]) -> int:
    """The place of the right idiom: by the blank's name, by its order in the row, or the row's only answer."""
    ordered = row.values.get("answers")
    if name in answers:
        value = answers[name]
    elif isinstance(ordered, dict):
        value = _ordered(row, ordered.get("candidate_id"), index)
    elif name == _NAMELESS:
        value = value_of(row, spec.label)
    else:
        raise DataError(
            f"{row.place}: no answer for blank {name}; the files of a split are its passages and its answers, as "
            "train.json and train_answer.json."
        )
    return right_candidate(spec, row.part({spec.label: value}, "blank", index + 1), idioms)


def _ordered(row: Row, given: Any, index: int) -> Any:
    if not isinstance(given, list) or index >= len(given):
        raise DataError(
            f"{row.place}: no answer for blank {index + 1}, since candidate_id of column 'answers' is {given!r}; a "
            "list with an index for each blank is expected."
        )
    return given[index]
