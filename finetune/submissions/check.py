"""What a board would say of a zip, wherever it comes from."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from finetune.submissions.answer_rows import answer_rows
from finetune.submissions.answers import check_answers
from finetune.submissions.archive import open_archive
from finetune.submissions.board import AnswerFile, Board
from finetune.submissions.file_names import match_names
from finetune.submissions.findings import Finding, Verdict, gathered
from finetune.submissions.official import Official, official_rows
from finetune.submissions.order import check_ids
from finetune.submissions.text import read_text


def check_submission(path: Path, board: Board, data: Path | None = None) -> Verdict:
    """Look at everything that a board looks at before it scores.

    Args:
        data: the data folder, whose test files decide ids and numbers of rows where they are there.

    Raises:
        DataError: there is no such zip.
    """
    archive = open_archive(path)
    if not archive.listed:
        return Verdict(board, path, gathered(archive.findings), ())
    named = match_names(board, archive.listed)
    findings = [*archive.findings, *named.findings]
    notes: list[str] = []
    for file in board.files:
        name = named.found.get(file.name)
        if name is None or name not in archive.files:
            continue
        official = Official() if board.rows_fixed else official_rows(file, data)
        findings += _of_file(replace(file, name=name), archive.files[name], official)
        notes += _note(board, file, official)
    return Verdict(board, path, gathered(findings), tuple(notes))


def _of_file(file: AnswerFile, data: bytes, official: Official) -> Iterator[Finding]:
    read = answer_rows(file, read_text(file.name, data))
    yield from read.findings
    if read.rows is not None:
        yield from check_ids(file, read.rows, official.ids, read.dropped)
        yield from check_answers(file, read.rows, official.texts)


def _note(board: Board, file: AnswerFile, official: Official) -> Iterator[str]:
    if board.rows_fixed or official.ids is not None:
        return
    known = "not looked at" if file.rows is None else f"compared with the official {file.rows:,}"
    yield f"{file.name}: number of rows {known}; ids not compared with the test file ({official.absent})"
