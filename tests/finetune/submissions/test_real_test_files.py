"""Against the test files of the data folder: their ids decide, whatever the tables say."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from finetune.submissions.board import AnswerFile
from finetune.submissions.boards import BOARDS
from finetune.submissions.check import check_submission
from finetune.submissions.official import official_rows
from finetune.submissions.write import write_submission

pytestmark = pytest.mark.data

THERE = {
    "clue": ("afqmc", "tnews", "ocnli", "cmrc2018"),
    "clue10": ("afqmc", "tnews", "cmrc2018"),
    "fewclue": ("cluewscf", "chidf"),
    "tianchi": ("tianchi-ocnli", "ocemotion", "tianchi-tnews"),
    "tianchi-a": ("tianchi-ocnli", "ocemotion", "tianchi-tnews"),
}
"""Tasks whose test files are in the data folder."""


def predictions(folder: Path, file: AnswerFile, ids: tuple[str, ...]) -> None:
    answer = {"place": 1, "text": "范廷颂"}.get(file.answer) or file.spec.labels[-1]
    lines = (json.dumps({"id": identity, "label": answer}, ensure_ascii=False) + "\n" for identity in ids)
    (folder / f"{file.task}.{file.split}.jsonl").write_text("".join(lines), encoding="utf-8")


@pytest.mark.parametrize("suite", THERE)
def test_predictions_of_the_real_test_files_are_taken_and_compared_with_them(
    suite: str, tmp_path: Path, data_folder: Path
) -> None:
    files = [file for file in BOARDS[suite].files if file.task in THERE[suite]]
    for file in files:
        ids = official_rows(file, data_folder).ids
        assert ids is not None
        assert len(ids) == file.rows
        predictions(tmp_path, file, ids)
    written = write_submission(tmp_path, BOARDS[suite], tmp_path / "out.zip", data_folder)
    assert list(written.answers) == [file.name for file in files]
    assert written.verdict.notes == ()


@pytest.mark.parametrize(
    ("suite", "name", "change", "words"),
    [
        ("clue", "afqmc_predict.json", (b'"id": 7,', b'"id": 9007,'), "id '9007' is no row of the test file"),
        (
            "fewclue",
            "cluewscf_predict.json",
            (b'{"id": 7, "label": "true"}\n', b""),
            "289 answers, the test set has 290",
        ),
        ("fewclue", "chidf_predict.json", (b'"id": 3000,', b'"id": 2999,'), "its ids go from id '3000' to id '4999'"),
        ("clue", "cmrc2018_predict.json", (b"TEST_0_QUERY_0", b"TEST_0_QUERY_9"), "id 'TEST_0_QUERY_9' is no row"),
    ],
)
def test_ids_that_are_not_the_test_file_s_are_told(
    suite: str, name: str, change: tuple[bytes, bytes], words: str, tmp_path: Path, data_folder: Path
) -> None:
    (file,) = (file for file in BOARDS[suite].files if file.name == name)
    ids = official_rows(file, data_folder).ids
    assert ids is not None
    predictions(tmp_path, file, ids)
    write_submission(tmp_path, BOARDS[suite], tmp_path / "sound.zip", data_folder)
    with zipfile.ZipFile(tmp_path / "sound.zip") as sound, zipfile.ZipFile(tmp_path / "broken.zip", "w") as broken:
        assert change[0] in sound.read(name)
        broken.writestr(name, sound.read(name).replace(*change, 1))
    (finding,) = check_submission(tmp_path / "broken.zip", BOARDS[suite], data_folder).errors
    assert words in str(finding)


def test_a_test_file_that_is_not_there_is_noted(
    tmp_path: Path, data_folder: Path, zipped: Callable[..., Path], sound: dict[str, dict[str, bytes]]
) -> None:
    path = zipped({"csl_predict.json": sound["clue"]["csl_predict.json"]})
    verdict = check_submission(path, BOARDS["clue"], data_folder)
    assert verdict.accepted
    (note,) = verdict.notes
    assert "csl_predict.json: number of rows compared with the official 3,000; ids not compared" in note
