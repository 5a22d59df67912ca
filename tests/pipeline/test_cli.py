"""The command line as a whole: its few options frozen, mistakes in one message, help in a blink."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from pipeline.cli import COMMANDS, main

OPTIONS = {
    "plan": {"recipe", "--set", "--run-dir", "--seeds", "--extend"},
    "run": {"recipe", "--set", "--run-dir", "--seeds", "--from", "--only", "--extend", "--share"},
    "show": {"recipe", "--set", "--run-dir", "--stage", "--step", "--all"},
    "status": {"run_dir"},
    "compare": {"run_a", "run_b"},
    "report": {"run_dir"},
    "evaluate": {"model", "--suite", "--tasks", "--data", "--split", "--out"},
    "predict": {"model", "--task", "--input", "--out"},
    "rank": {"model", "--task", "--candidates", "--queries", "--label", "--top", "--store", "--out"},
    "features": {"model", "--tasks", "--data", "--pool", "--layer", "--out"},
    "submission": set(),
    "export": {"source", "--to", "--stage"},
    "doctor": {"recipe", "--set", "--run-dir", "--suite", "--data"},
    "tokenize": {"recipe", "--set", "--run-dir", "--workers", "--part", "--on", "--skip-bad"},
    "schema": set(),
}


def test_the_commands_and_their_options_are_these_and_no_others() -> None:
    assert COMMANDS.keys() == OPTIONS.keys()
    assert isinstance(main, click.Group)
    for name, expected in OPTIONS.items():
        command = main.get_command(click.Context(main), name)
        assert command is not None
        assert {option for parameter in command.params for option in parameter.opts} == expected, name


def test_help_lists_every_command() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    for name in OPTIONS:
        assert f"  {name} " in result.output


@pytest.mark.parametrize("name", OPTIONS)
def test_each_command_explains_itself(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0
    assert f"Usage: main {name}" in result.output
    assert COMMANDS[name].split()[0] in result.output


def test_a_recipe_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    for command in ("plan", "run", "tokenize"):
        result = CliRunner().invoke(main, [command, str(tmp_path / "none.yaml")])
        assert result.exit_code == 1
        assert f"triptych: {tmp_path / 'none.yaml'}: no such recipe file" in result.stderr


def test_status_and_report_ask_for_a_run_directory(tmp_path: Path) -> None:
    for command in ("status", "report"):
        result = CliRunner().invoke(main, [command, str(tmp_path)])
        assert result.exit_code == 1
        assert "is not a run directory" in result.stderr


def test_status_and_report_read_a_finished_run(done: Any) -> None:
    status = CliRunner().invoke(main, ["status", str(done.root)])
    assert status.exit_code == 0
    for stage, steps in (("general", 8), ("domain", 6), ("multitask", 40)):
        assert f"{stage}" in status.output
        assert f"finished, {steps} steps" in status.output
    assert "evaluation: done" in status.output
    assert "no process holds it" in status.output
    assert done.report.read_text().startswith("<!DOCTYPE html>")


def test_tokenize_tells_what_each_corpus_holds(house: Any) -> None:
    result = CliRunner().invoke(main, ["tokenize", str(house.file), "--run-dir", str(house.folder("r").root)])
    assert result.exit_code == 0
    assert "general: 60 documents" in result.output
    assert "domain: 40 documents" in result.output
    assert not house.folder("r").root.exists()  # the store stands beside it


def test_a_cluster_and_a_share_of_the_work_contradict_each_other(house: Any) -> None:
    for words in (["--workers", "2"], ["--part", "0/2"]):
        result = CliRunner().invoke(main, ["tokenize", str(house.file), "--on", "ray://host", *words])
        assert result.exit_code == 1
        assert "triptych: --on ray://host uses all of the cluster's cores" in result.stderr


def test_the_schema_is_json_that_knows_the_recipes_settings() -> None:
    result = CliRunner().invoke(main, ["schema"])
    assert {"name", "stages", "corpora", "engine"} <= json.loads(result.output)["properties"].keys()


def test_the_resolved_recipe_of_a_run_runs_again_to_nothing_left_to_do(shared_house: Any, done: Any) -> None:
    result = CliRunner().invoke(main, ["plan", str(done.recipe), "--run-dir", str(done.root)])
    assert result.exit_code == 0
    assert result.output.count("SKIP") == 6  # the tokenizer, two corpora, three stages


@pytest.mark.slow
def test_help_answers_in_a_blink() -> None:
    def seconds() -> float:
        begun = time.perf_counter()
        subprocess.run([Path(sys.executable).with_name("triptych"), "--help"], capture_output=True, check=True)
        return time.perf_counter() - begun

    assert min(seconds() for _ in range(3)) <= 0.3
