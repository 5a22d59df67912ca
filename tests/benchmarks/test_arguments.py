"""What every benchmark takes, and what it refuses before hours of work."""

import argparse
import sys
from pathlib import Path

import pytest

from benchmarks.arguments import benchmark_parser, parsed


def given(folder: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> argparse.Namespace:
    monkeypatch.setattr(sys, "argv", ["benchmark", "--data", str(folder), *words])
    return parsed(benchmark_parser("what", blocks=None), [Path("text.parquet")])


def test_blocks_are_refused_where_there_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.parquet").touch()
    assert given(tmp_path, monkeypatch).data == tmp_path
    with pytest.raises(SystemExit):
        given(tmp_path, monkeypatch, "--blocks", "3")
    assert "unrecognized arguments: --blocks 3" in capsys.readouterr().err


def test_missing_data_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        given(tmp_path, monkeypatch)
    assert f"no such file: {tmp_path / 'text.parquet'}; name the data folder" in capsys.readouterr().err


def test_a_folder_in_the_place_of_the_results_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.parquet").touch()
    with pytest.raises(SystemExit):
        given(tmp_path, monkeypatch, "--out", str(tmp_path))
    assert f"--out {tmp_path} is a folder; name the file of the results" in capsys.readouterr().err
