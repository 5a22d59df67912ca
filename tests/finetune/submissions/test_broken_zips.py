"""Zips that are wrong as zips: the archive, its folders, the names of its files, and what is missing."""

import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from finetune.submissions.boards import BOARDS
from finetune.submissions.check import check_submission
from finetune.submissions.findings import Finding
from tokenization.errors import DataError

Sound = Mapping[str, Mapping[str, bytes]]
Zipped = Callable[..., Path]


def told(path: Path, suite: str) -> list[Finding]:
    return list(check_submission(path, BOARDS[suite]).errors)


def test_a_glue_file_that_is_missing_is_told(sound: Sound, zipped: Zipped) -> None:
    (finding,) = told(zipped({name: data for name, data in sound["glue"].items() if name != "QQP.tsv"}), "glue")
    assert (finding.kind, finding.file) == ("missing", "QQP.tsv")
    assert "needs every file" in str(finding)


def test_a_zip_without_any_of_the_board_s_files_is_told_once(zipped: Zipped) -> None:
    (finding,) = told(zipped({"notes.md": b"later"}), "clue")
    assert (finding.kind, finding.file) == ("missing", "")


def test_files_in_a_folder_are_told_once_and_still_looked_at(sound: Sound, zipped: Zipped) -> None:
    files = {f"submit/{name}": data for name, data in sound["clue"].items()}
    files["submit/csl_predict.json"] = files["submit/csl_predict.json"].replace(b'"0"', b'"2"', 1)
    folder, label = told(zipped(files), "clue")
    assert (folder.kind, folder.times, label.kind) == ("folder", len(files), "label")
    assert "'submit/" in str(folder)
    assert "zip -j -D" in str(folder)


def test_the_folder_that_the_finder_adds_is_called_by_its_name(sound: Sound, zipped: Zipped) -> None:
    files = {**sound["tianchi"], "__MACOSX/._ocnli_predict.json": b"\0"}
    found = told(zipped(files), "tianchi")
    assert found[0].kind == "folder"
    assert "the Mac's Finder" in str(found[0])


def test_a_file_that_is_in_the_zip_twice_is_told(sound: Sound, zipped: Zipped) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = zipped([*sound["tianchi"].items(), *sound["tianchi"].items()])
    assert [(f.kind, f.file) for f in told(path, "tianchi")] == [("twice", name) for name in sound["tianchi"]]


@pytest.mark.parametrize(
    ("suite", "given", "right", "why"),
    [
        ("clue", "wsc_predict.json", "cluewsc11_predict.json", "scored 0"),
        ("clue", "ocnli_predict.json", "ocnli_50k_predict.json", "scored 0"),
        ("clue", "OCNLI_50k.json", "ocnli_50k_predict.json", "older board"),
        ("clue", "tnews_predict.json", "tnews11_predict.json", "two versions"),
        ("clue", "tnews10_predict.json", "tnews11_predict.json", "CLUE 1.0, which has another test set"),
        ("clue10", "c311_predict.json", "c310_predict.json", "CLUE 1.1"),
        ("clue10", "cluewsc_predict.json", "cluewsc10_predict.json", "two versions"),
        ("clue", "AFQMC_predict.json", "afqmc_predict.json", ""),
        ("clue", "test_prediction.json", "", "EasyNLP"),
        ("fewclue", "tnews_predict.json", "tnewsf_predict.json", "drops the f"),
        ("fewclue", "bustm_predict_all.json", "bustm_predict.json", "several runs"),
        ("glue", "predict_results_wnli.txt", "WNLI.tsv", "run_glue"),
        ("glue", "predict_results_sst2.txt", "SST-2.tsv", "run_glue"),
        ("glue", "wnli.tsv", "WNLI.tsv", ""),
        ("glue", "SST2.tsv", "SST-2.tsv", ""),
        ("glue", "diagnostic.tsv", "", ""),
    ],
)
def test_a_wrong_name_is_explained_and_not_told_as_missing_too(
    suite: str, given: str, right: str, why: str, sound: Sound, zipped: Zipped
) -> None:
    data = sound[suite].get(right, b"{}")
    found = [finding for finding in told(zipped({given: data}), suite) if finding.file in {given, right} - {""}]
    assert [(finding.kind, finding.file) for finding in found] == [("name", given)]
    assert why in str(found[0])
    assert f" {right}." in str(found[0]) if right else "Its files: " in str(found[0])


def test_the_name_of_cluener_s_baseline_is_taken_with_a_warning(sound: Sound, zipped: Zipped) -> None:
    path = zipped({"test_submit.json": sound["cluener"]["cluener_predict.json"]})
    verdict = check_submission(path, BOARDS["cluener"])
    assert verdict.accepted
    assert [finding.kind for finding in verdict.warnings] == ["name"]


def test_a_file_that_holds_no_answers_is_a_warning(sound: Sound, zipped: Zipped) -> None:
    verdict = check_submission(zipped({**sound["tianchi"], "README.md": b"ours"}), BOARDS["tianchi"])
    assert verdict.accepted
    assert [(finding.kind, finding.file) for finding in verdict.warnings] == [("extra", "README.md")]


def test_what_is_no_zip_is_told_for_what_it_is(tmp_path: Path) -> None:
    tar = io.BytesIO()
    tarfile.open(fileobj=tar, mode="w:gz").close()
    for data, essence in (
        (b"", "an empty file"),
        (tar.getvalue(), "a gzip archive"),
        (b"index\tprediction\n", "no zip"),
    ):
        path = tmp_path / "submission.zip"
        path.write_bytes(data)
        (finding,) = told(path, "glue")
        assert finding.kind == "archive"
        assert essence in str(finding)


def test_a_zip_cut_short_is_told(sound: Sound, zipped: Zipped) -> None:
    path = zipped(sound["tianchi"])
    path.write_bytes(path.read_bytes()[:-40])
    (finding,) = told(path, "tianchi")
    assert "a zip cut short" in str(finding)


def test_an_empty_zip_is_told(zipped: Zipped) -> None:
    (finding,) = told(zipped({}), "clue")
    assert "holds no files" in str(finding)


def test_damaged_bytes_of_a_file_are_told(sound: Sound, zipped: Zipped) -> None:
    path = zipped(sound["tianchi"])
    data = bytearray(path.read_bytes())
    data[data.index(b'"like"') + 1] ^= 1  # stored as it is, so that the checksum alone tells
    path.write_bytes(bytes(data))
    (finding,) = told(path, "tianchi")
    assert (finding.kind, finding.file) == ("archive", "ocemotion_predict.json")
    assert "damaged" in str(finding)


def test_an_encrypted_file_is_told(sound: Sound, zipped: Zipped) -> None:
    path = zipped({"csl_predict.json": sound["clue"]["csl_predict.json"]})
    data = bytearray(path.read_bytes())
    data[6] |= 1  # the flag of encryption, here and in the list of contents
    data[data.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(bytes(data))
    (finding,) = told(path, "clue")
    assert (finding.kind, finding.file) == ("archive", "csl_predict.json")
    assert "encrypted" in str(finding)


def test_a_method_of_compression_that_boards_do_not_know_is_told(sound: Sound, zipped: Zipped) -> None:
    path = zipped({"csl_predict.json": sound["clue"]["csl_predict.json"]})
    data = bytearray(path.read_bytes())
    data[8] = data[data.index(b"PK\1\2") + 10] = 97
    path.write_bytes(bytes(data))
    (finding,) = told(path, "clue")
    assert "method 97" in str(finding)


def test_a_zip_that_unpacks_to_no_end_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "submission.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("csl_predict.json", "w") as file:
        for _ in range(257):
            file.write(bytes(1 << 20))
    (finding,) = told(path, "clue")
    assert "269,484,032 bytes" in str(finding)


def test_a_file_that_is_no_utf_8_is_told_with_the_byte(sound: Sound, zipped: Zipped) -> None:
    data = sound["clue"]["cmrc2018_predict.json"].decode().encode("gb18030")
    (finding,) = told(zipped({"cmrc2018_predict.json": data}), "clue")
    assert (finding.kind, finding.file) == ("encoding", "cmrc2018_predict.json")
    assert "not UTF-8: byte 20" in str(finding)


def test_a_zip_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        check_submission(tmp_path / "none.zip", BOARDS["glue"])
