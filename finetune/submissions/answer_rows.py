"""Text of a file of answers → its rows, and what of its form the board would not take."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from finetune.submissions.board import HEADER, AnswerFile
from finetune.submissions.findings import Finding
from finetune.submissions.text import Text
from tokenization.errors import did_you_mean

_AS_TSV = "Write the header 'index\\tprediction', then a number, one tab and a label on each line, nothing quoted"
_AS_LINES = 'Write one JSON object a line, such as {"id": 0, "label": "1"}'
_AS_DICT = "Write one JSON object of id → answer over the whole file"
_LISTS = "the board's own old program for C3 wrote a list, and such files score 0"


class AnswerRow(NamedTuple):
    """An answer as the file has it; a tuple, since QQP has 390,965 of them.

    Attributes:
        line: where it stands; None in a JSON object over the whole file.
        id: as given; a number for a TSV's index that is one.
        value: the answer, of whatever type JSON gave it; a TSV's are strings.
    """

    line: int | None
    id: Any
    value: Any


@dataclass(frozen=True)
class AnswerRows:
    """What could be read.

    Attributes:
        rows: None where the form is so wrong that there are none.
        findings: what is wrong with the form.
        dropped: lines that could not be read as rows.
    """

    rows: tuple[AnswerRow, ...] | None
    findings: tuple[Finding, ...]
    dropped: int = 0


def answer_rows(file: AnswerFile, text: Text) -> AnswerRows:
    """Read a file in its form."""
    if not text.lines:
        return AnswerRows(None, text.findings)
    read = {"tsv": _tsv, "lines": _lines, "dict": _dict}[file.form](file, text.lines)
    return replace(read, findings=(*text.findings, *read.findings))


def _tsv(file: AnswerFile, lines: Sequence[tuple[int, str]]) -> AnswerRows:
    first = lines[0][1]
    tab = "," if "\t" not in first and "," in first else "\t"
    header = [cell.strip('"') for cell in first.split(tab)]
    headless = header[0].isdecimal()
    findings = list(_header(file, *lines[0], tab, header))
    columns = 2 if headless else max(len(header), 2)
    below = lines if headless else lines[1:]
    rows: list[AnswerRow] = []
    for number, line in below:
        cells = line.split(tab)
        if len(cells) != columns:
            what = f"{len(cells)} columns in {line!r}, {columns} are expected"
            findings.append(_tsv_finding("columns", file, number, what))
            continue
        if '"' in line:
            findings.append(_tsv_finding("quotes", file, number, f"what is given stands in quotes: {line!r}"))
            cells = [cell.strip('"') for cell in cells]
        index, value = cells[-2:]
        rows.append(AnswerRow(number, int(index) if index.isdecimal() else index, value))
    return AnswerRows(tuple(rows), tuple(findings), len(below) - len(rows))


def _header(file: AnswerFile, number: int, line: str, tab: str, header: list[str]) -> Iterator[Finding]:
    if tab == ",":
        yield _tsv_finding("columns", file, number, f"columns are parted by commas, not by tabs: {line!r}")
    if '"' in line:
        yield _tsv_finding("quotes", file, number, f"what is given stands in quotes: {line!r}")
    if tuple(header) != HEADER:
        given = "there is no header: the first line is" if header[0].isdecimal() else "the header is"
        yield _tsv_finding("header", file, number, f"{given} {line!r}, 'index\\tprediction' is expected")


def _tsv_finding(kind: str, file: AnswerFile, line: int, what: str) -> Finding:
    return Finding(kind, file.name, line, what, "The board rejects a file of another layout", _AS_TSV)


def _lines(file: AnswerFile, lines: Sequence[tuple[int, str]]) -> AnswerRows:
    whole = _whole(lines)
    if isinstance(whole, list) or (isinstance(whole, dict) and not {"id", file.key} & whole.keys()):
        what = f"one JSON {'list' if isinstance(whole, list) else 'object'} over the whole file, lines are expected"
        why = f"The board reads line by line{'; ' + _LISTS if file.task == 'c3' else ''}"
        return AnswerRows(None, (Finding("form", file.name, None, what, why, _AS_LINES),))
    findings: list[Finding] = []
    rows: list[AnswerRow] = []
    for number, line in lines:
        found = _line(file, number, line)
        if isinstance(found, Finding):
            findings.append(found)
        else:
            rows.append(found)
    return AnswerRows(tuple(rows), tuple(findings), len(lines) - len(rows))


def _line(file: AnswerFile, number: int, line: str) -> AnswerRow | Finding:
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        quoted = ". JSON quotes with \" alone, not with '" if line.startswith(("{'", "['")) else ""
        what = f"column {error.colno} is not valid JSON ({error.msg}){quoted}"
        return Finding("json", file.name, number, what, "The board cannot read the line", _AS_LINES)
    if not isinstance(value, dict):
        what = f"a JSON object is expected, given {line[:60]!r}"
        why = f"There is no id to go by{'; ' + _LISTS if file.task == 'c3' else ''}"
        return Finding("form", file.name, number, what, why, _AS_LINES)
    for key in ("id", file.key):
        if key not in value:
            what = f"there is no {key!r}; keys here: {', '.join(map(repr, value)) or 'none'}{did_you_mean(key, value)}"
            return Finding(
                "keys", file.name, number, what, f"The board reads {key!r}", f"Call it {key!r}, as in the example files"
            )
    return AnswerRow(number, value["id"], value[file.key])


def _dict(file: AnswerFile, lines: Sequence[tuple[int, str]]) -> AnswerRows:
    pairs: list[tuple[str, Any]] = []

    def outermost(found: list[tuple[str, Any]]) -> dict[str, Any]:
        pairs[:] = found  # the outermost object is closed last
        return dict(found)

    try:
        whole = json.loads("\n".join(line for _, line in lines), object_pairs_hook=outermost)
    except json.JSONDecodeError as error:
        if isinstance(_whole(lines[:1]), dict | list) and len(lines) > 1:
            return _no_dict(file, "JSON lines, one JSON object over the whole file is expected")
        what = f"not valid JSON at column {error.colno} ({error.msg})"
        line = lines[error.lineno - 1][0]
        return AnswerRows(None, (Finding("json", file.name, line, what, "The board cannot read it", _AS_DICT),))
    if not isinstance(whole, dict):
        return _no_dict(file, f"a JSON {type(whole).__name__}, one JSON object over the whole file is expected")
    if whole.keys() <= {"id", "label", "answer"}:
        return _no_dict(file, "a line of JSON lines, one JSON object of id → answer is expected")
    return AnswerRows(tuple(AnswerRow(None, *pair) for pair in pairs), ())


def _no_dict(file: AnswerFile, what: str) -> AnswerRows:
    return AnswerRows(None, (Finding("form", file.name, None, what, "The board looks its ids up in one", _AS_DICT),))


def _whole(lines: Sequence[tuple[int, str]]) -> Any:
    """The value of lines that are one JSON document; None where they are not."""
    try:
        return json.loads("\n".join(line for _, line in lines))
    except json.JSONDecodeError:
        return None
