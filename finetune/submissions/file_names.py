"""Which of the board's files is meant by a name: its own, an earlier one, another board's, another program's."""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath

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
        file, why = _meant(board, name)
        findings.append(_finding(board, name, file, why))
        if file is not None:
            found.setdefault(file.name, name)
    missing = tuple(file for file in board.files if file.name not in found)
    return Named(found, missing, (*findings, *_absent(board, missing, len(found))))


def _meant(board: Board, name: str) -> tuple[AnswerFile | None, str]:
    """The file that is meant and why its name is wrong; neither where nobody knows."""
    for file in board.files:
        if name in file.also:
            return file, "the suite's own programs write it so; the data set's example has another name"
        if name in file.former:
            return file, file.former[name]
    for other in BOARDS.values():
        for file in other.files:
            if file.name == name:
                return _of_task(board, file.task), f"that is its name on {other.title}"
    for pattern, why in _PROGRAMS.items():
        match = re.fullmatch(pattern, name)
        if match:
            return _of_task(board, _task_of(*match.groups())), why
    return _near(board, name), ""


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


def _finding(board: Board, name: str, file: AnswerFile | None, why: str) -> Finding:
    answers = bool(why) or file is not None or PurePath(name).suffix in _ANSWERS
    return Finding(
        kind="name" if answers else "extra",
        file=name,
        line=None,
        what=f"the board has no file of this name{': ' + why if why else ''}",
        why="What is in it scores 0" if answers else "The board does not read it",
        remedy=_remedy(board, file) if answers else "Leave it out",
        is_error=answers and not (file is not None and name in file.also),
    )


def _remedy(board: Board, file: AnswerFile | None) -> str:
    return f"Call it {file.name}" if file else f"Its files: {', '.join(file.name for file in board.files)}"


def _absent(board: Board, missing: tuple[AnswerFile, ...], found: int) -> Iterator[Finding]:
    for file in missing:
        if not board.whole and (file.optional or not found):
            continue
        yield Finding(
            kind="missing",
            file=file.name,
            line=None,
            what=f"it is not in the zip; it holds the answers of {file.task} ({file.split})",
            why="The board needs every file" if board.whole else f"{file.task} will have no score",
            remedy=f"Predict {file.split} and write the zip anew" if board.whole else "Leave it so, or add it",
            is_error=board.whole,
        )
    if not board.whole and not found:
        names = ", ".join(file.name for file in board.files)
        yield Finding("missing", "", None, "none of the board's files is in it", "Nothing is scored", f"Add {names}")
