"""What is not there is told at once and before any work: sources, word lists, suites, packages."""

import sys
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.cli import main

SETS = (
    "tokenizer.extend={files: more.txt}",
    "corpora.general.clean.decontaminate={suites: [glue]}",
    "corpora.general.segmenter=rjieba",
)
TOLD = (
    "tokenizer.extend.files: there is no file ",
    "corpora.general.lexicon: there is no file ",
    "nothing of 'glue' is in the data folder",
    "'rjieba' needs the package rjieba, which is not installed",
    "corpora.domain.files: there is no ",
)


@pytest.fixture
def bare(house: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A house that lacks five things."""
    house.rewrite("general: {files: general.txt,", "general: {files: general.txt, lexicon: phrases.txt,")
    house.rewrite("objectives: [mlm, nsp]", "objectives: [{mlm: {unit: phrase}}, nsp]")
    (house.base / "data" / "domain.txt").unlink()
    monkeypatch.setitem(sys.modules, "rjieba", None)
    return house


@pytest.mark.parametrize("command", ["plan", "tokenize", "run"])
def test_all_that_is_missing_is_told_at_once_and_nothing_was_made(bare: Any, command: str) -> None:
    sets = [word for text in SETS for word in ("--set", text)]
    done = CliRunner().invoke(main, [command, str(bare.file), "--run-dir", str(bare.base / "runs" / "r"), *sets])
    assert done.exit_code == 1
    assert not [words for words in TOLD if words not in done.stderr], done.stderr
    assert not list((bare.base / "runs").rglob("tokenizers"))
