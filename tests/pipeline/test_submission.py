"""`triptych submission`: exit codes, messages, and the few options."""

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from pipeline.cli import main
from pipeline.commands.submission import command


def invoke(*words: object) -> Result:
    return CliRunner(env={"TRIPTYCH_DATA": ""}).invoke(main, ["submission", *map(str, words)])


def predictions(folder: Path, rows: int = 3861, label: str = "1") -> Path:
    """What `evaluate --out` writes of AFQMC's test set."""
    (folder / "predictions").mkdir(parents=True)
    lines = (json.dumps({"id": str(row), "label": label}) + "\n" for row in range(rows))
    (folder / "predictions" / "afqmc.test.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder


def test_the_two_commands_and_their_options_are_these_and_no_others() -> None:
    expected = {
        "write": {"predictions", "--suite", "--to", "--data", "--fill-missing"},
        "check": {"file", "--suite", "--data"},
    }
    assert isinstance(command, click.Group)
    found = {name: {opt for p in sub.params for opt in p.opts} for name, sub in command.commands.items()}
    assert found == expected


def test_what_is_written_is_told_and_passes_the_check(tmp_path: Path) -> None:
    zipped = tmp_path / "clue.zip"
    written = invoke("write", predictions(tmp_path / "scores"), "--suite", "clue", "--to", zipped)
    assert written.exit_code == 0
    assert f"{zipped}: CLUE 1.1" in written.output
    assert "afqmc_predict.json: 3,861 answers" in written.output
    assert "tnews11_predict.json is left out: no predictions of tnews (test)" in written.output
    checked = invoke("check", zipped, "--suite", "clue")
    assert checked.exit_code == 0
    assert "nothing that the board would reject" in checked.output
    assert "not in it: tnews11_predict.json, " in checked.output
    assert "ids not compared with the test file (no --data given)" in checked.output


def test_a_zip_that_would_be_rejected_ends_with_exit_code_1_and_says_why(tmp_path: Path) -> None:
    zipped = tmp_path / "clue.zip"
    invoke("write", predictions(tmp_path / "scores"), "--suite", "clue", "--to", zipped)
    checked = invoke("check", zipped, "--suite", "glue")
    assert checked.exit_code == 1
    assert "12 to mend" in checked.output  # eleven files are missing, one is another board's
    assert "afqmc_predict.json: the board has no file of this name: that is its name on CLUE 1.1." in checked.output
    assert "error    QQP.tsv: it is not in the zip" in checked.output


def test_predictions_that_the_board_would_reject_are_one_message_and_no_file(tmp_path: Path) -> None:
    given = predictions(tmp_path / "scores", rows=10)
    result = invoke("write", given, "--suite", "clue", "--to", tmp_path / "clue.zip")
    assert result.exit_code == 1
    assert "triptych: " in result.stderr
    assert "10 answers, the test set has 3,861 rows" in result.stderr
    assert not (tmp_path / "clue.zip").exists()


def test_a_folder_in_the_place_of_the_zip_is_refused_and_keeps_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "notes").write_text("a year's")
    found = invoke("write", predictions(tmp_path / "predictions"), "--suite", "clue", "--to", tmp_path / "work")
    assert (found.exit_code, f"--to {tmp_path / 'work'} is a folder; give a file's name" in found.output) == (1, True)
    assert (tmp_path / "work" / "notes").read_text() == "a year's"


def test_a_file_on_the_way_to_the_zip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("a year's")
    place = tmp_path / "notes" / "clue.zip"
    found = invoke("write", predictions(tmp_path / "predictions"), "--suite", "clue", "--to", place)
    told = f"triptych: --to {place}: {tmp_path / 'notes'} is a file, and a folder is needed there; give another one.\n"
    assert (found.exit_code, found.stderr) == (1, told)


@pytest.mark.parametrize("name", ["write", "check"])
def test_an_unknown_suite_is_told_with_those_that_are(name: str, tmp_path: Path) -> None:
    result = invoke(name, tmp_path, "--suite", "superglue")
    assert result.exit_code == 2
    assert "'glue', 'clue', 'clue10', 'fewclue', 'tianchi', 'tianchi-a', 'cluener'" in result.stderr
