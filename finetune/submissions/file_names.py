"""Which of the board's files is meant by a name: its own, an earlier one, another board's, another program's."""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import NamedTuple

from finetune.submissions.board import AnswerFile, Board
from finetune.submissions.boards import BOARDS
from finetune.submissions.findings import Finding

_ANSWERS = (".tsv", ".json", ".jsonl", ".txt", ".csv")
_PROGRAMS = {
    r"predict_results_(.+)\.txt": "run_glue of transformers writes it so; the board reads no such file",
    r"test_results_(.+)\.txt": "run_glue of earlier transformers wrote it so; the board reads no such file",
    r"(.+)_predict_(?:[0-4]|all)\.json": "that is a name on FewCLUE's board of several runs",
    r"test_prediction\.json": "EasyNLP calls the file of every task so; the board reads no such file",
}
_NEAR = 0.75


@dataclass(frozen=True)
class Named:
    """The board's files as the zip holds them.

    Attributes:
        found: the board's file → the name that it has in the zip.
        missing: the board's files that are not there under any name.
    """

    found: Mapping[str, str]
    missing: tuple[AnswerFile, ...]
    findings: tuple[Finding, ...]


def match_names(board: Board, names: tuple[str, ...]) -> Named:
    """Find each of the board's files; a wrongly named one is told as that, not as missing too."""
    found = {file.name: file.name for file in board.files if file.name in names}
    findings: list[Finding] = []
    for name in dict.fromkeys(names):
        if name in found:
            continue
        meant = _meant(board, name)
        findings.append(_finding(board, name, meant))
        if meant.file is not None:
            found.setdefault(meant.file.name, name)
    missing = tuple(file for file in board.files if file.name not in found)
    return Named(found, missing, (*findings, *_absent(board, missing, len(found))))


class _Meant(NamedTuple):
    """The file that is meant, why its name is wrong, and whether it holds answers to another test set."""

    file: AnswerFile | None
    why: str = ""
    other_test: bool = False


def _meant(board: Board, name: str) -> _Meant:
    for file in board.files:
        if name in file.also:
            return _Meant(file, "the suite's own programs write it so; the data set's example has another name")
        if name in file.former:
            return _Meant(file, file.former[name])
    for other in BOARDS.values():
        for theirs in other.files:
            if theirs.name == name:
                own = _of_task(board, theirs.task)
                other_test = own is not None and own.split != theirs.split
                more = ", which has another test set" if other_test else ""
                return _Meant(own, f"that is its name on {other.title}{more}", other_test)
    for pattern, why in _PROGRAMS.items():
        match = re.fullmatch(pattern, name)
        if match:
            return _Meant(_of_task(board, _task_of(*match.groups())), why)
    return _Meant(_near(board, name))


def _task_of(given: str = "") -> str:
    return {"sst-2": "sst2", "sts-b": "stsb", "mnli-mm": "mnli"}.get(given, given)


def _of_task(board: Board, task: str) -> AnswerFile | None:
    """The file of a task; none where the task has several, since the name does not say which."""
    files = [file for file in board.files if file.task == task]
    return files[0] if len(files) == 1 else None


def _near(board: Board, name: str) -> AnswerFile | None:
    def plain(text: str) -> str:
        return re.sub(r"[^a-z0-9]", "", PurePath(text).stem.casefold())

    by_plain = {plain(file.name): file for file in board.files}
    if PurePath(name).suffix not in _ANSWERS:
        return None
    close = difflib.get_close_matches(plain(name), by_plain, n=1, cutoff=_NEAR)
    return by_plain[close[0]] if close else None


def _finding(board: Board, name: str, meant: _Meant) -> Finding:
    answers = bool(meant.why) or meant.file is not None or PurePath(name).suffix in _ANSWERS
    return Finding(
        kind="name" if answers else "extra",
        file=name,
        line=None,
        what=f"the board has no file of this name{': ' + meant.why if meant.why else ''}",
        why="What is in it scores 0" if answers else "The board does not read it",
        remedy=_remedy(board, meant) if answers else "Leave it out",
        is_error=answers and not (meant.file is not None and name in meant.file.also),
    )


def _remedy(board: Board, meant: _Meant) -> str:
    if meant.file is None:
        return f"Its files: {', '.join(file.name for file in board.files)}"
    anew = f"Predict {meant.file.split} of {meant.file.task} and call that" if meant.other_test else "Call it"
    return f"{anew} {meant.file.name}"


def _absent(board: Board, missing: tuple[AnswerFile, ...], found: int) -> Iterator[Finding]:
    if board.whole:
        for file in missing:
            what = f"it is not in the zip; it holds the answers of {file.task} ({file.split})"
            remedy = f"Predict {file.split} and write the zip anew"
            yield Finding("missing", file.name, None, what, "The board needs every file", remedy)
    elif not found:
        names = ", ".join(file.name for file in board.files)
        yield Finding("missing", "", None, "none of the board's files is in it", "Nothing is scored", f"Add {names}")
    else:
        names = ", ".join(file.name for file in missing if not file.optional)
        what, why = f"not in it: {names}", "Their tasks will have no score"
        if names:
            yield Finding("missing", "", None, what, why, "Leave it so, or add them", is_error=False)
