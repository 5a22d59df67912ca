"""Predictions → the zip that a board takes; nothing is left behind that `check` would not let pass."""

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from finetune.submissions.board import HEADER, AnswerFile, Board
from finetune.submissions.check import check_submission
from finetune.submissions.findings import Verdict
from finetune.submissions.official import official_rows
from finetune.submissions.predicted import Answered, answered, predictions_file, predictions_folder
from tokenization.atomic import aside
from tokenization.errors import DataError, RecipeError

_EPOCH = (1980, 1, 1, 0, 0, 0)
_READABLE = 0o644 << 16


@dataclass(frozen=True)
class Written:
    """What is in the zip.

    Attributes:
        answers: each file with its number of answers.
        filled: files that hold a constant in the place of predictions.
        missing: files of the board that are left out.
        verdict: what `check` says of it: no errors.
    """

    answers: dict[str, int]
    filled: tuple[AnswerFile, ...]
    missing: tuple[AnswerFile, ...]
    verdict: Verdict


def write_submission(given: Path, board: Board, to: Path, data: Path | None = None, fill: bool = False) -> Written:
    """Write what a board takes, in the order and with the ids of the predictions.

    Args:
        given: a folder that `triptych evaluate --split test --out` wrote, or the predictions within it.
        data: the data folder, against whose test files the zip is checked; CLUENER needs it for its raw text.
        fill: answer what has no predictions by its file's constant, where the board needs every file.

    Raises:
        RecipeError: `fill` for a board whose files have no constant.
        DataError: predictions are missing or not of these tasks, or the board would reject what they give.
    """
    if fill and not all(file.filler for file in board.files):
        raise RecipeError(
            f"--fill-missing is for boards that need a file of every task, as GLUE's; {board.title} is none."
        )
    folder = predictions_folder(given)
    present = tuple(file for file in board.files if predictions_file(folder, file).is_file())
    missing = tuple(file for file in board.files if file not in present)
    filled = missing if fill else ()
    if not present or (board.whole and missing != filled):
        raise DataError(_incomplete(folder, board, missing))
    answers = {file.name: _answers(folder, file, data, file in filled) for file in (*present, *filled)}
    with aside(to) as temporary:
        _write_zip(
            temporary, {file.name: _bytes(file, answers[file.name]) for file in board.files if file.name in answers}
        )
        verdict = check_submission(temporary, board, data)
        if not verdict.accepted:
            problems = "\n".join(f"  {finding}" for finding in verdict.errors)
            raise DataError(f"{to} is not written: {board.title} would not take what {folder} holds.\n{problems}")
    counts = {name: len(found) for name, found in answers.items()}
    return Written(counts, filled, () if filled else missing, verdict)


def _incomplete(folder: Path, board: Board, missing: Sequence[AnswerFile]) -> str:
    """What is missing, and the ways out."""
    files = ", ".join(f"{predictions_file(folder, file).name} ({file.name})" for file in missing)
    needs = f"{board.title} needs all of its {len(board.files)} files" if board.whole else "Nothing to hand in"
    constant = " Or let --fill-missing answer them by a constant." if all(file.filler for file in missing) else ""
    tasks = f"--tasks {','.join(dict.fromkeys(file.task for file in missing))}"
    asked = tasks if board.whole else f"--suite {board.name}"  # of a board that takes parts, nothing is there
    return (
        f"{folder}: {needs}; there are no predictions {files}. "
        f"`triptych evaluate MODEL {asked} --split test --out DIR` writes them where the model has the heads."
        f"{constant}"
    )


def _answers(folder: Path, file: AnswerFile, data: Path | None, constant: bool) -> list[Answered]:
    if constant:
        assert file.rows is not None
        return [Answered(index, file.filler) for index in range(file.rows)]
    texts = None
    if file.answer == "spans":
        official = official_rows(file, data)
        if official.texts is None:
            raise DataError(f"{file.name} counts characters of the raw text, which --data must hold: {official.absent}")
        texts = official.texts
    return answered(predictions_file(folder, file), file, texts)


def _bytes(file: AnswerFile, answers: Sequence[Answered]) -> bytes:
    if file.form == "dict":
        whole = {str(answer.id): answer.value for answer in answers}
        return (json.dumps(whole, ensure_ascii=False, indent=1) + "\n").encode()
    if file.form == "tsv":
        lines = ["\t".join(HEADER), *(f"{answer.id}\t{answer.value}" for answer in answers)]
    else:
        rows = ({"id": answer.id, file.key: answer.value} for answer in answers)
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    return ("\n".join(lines) + "\n").encode()


def _write_zip(path: Path, files: dict[str, bytes]) -> None:
    """The same answers give the same bytes: no times, no owner."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = _READABLE
            entry.create_system = 3
            archive.writestr(entry, data)
