"""Users' mistakes: exit code 1, one message that says what, where, what is allowed and what next; nothing is lost."""

import errno
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.cli import main
from training import checkpoint
from training.metrics_log import MetricsLog

Refusal = Callable[..., str]


@pytest.fixture
def refusal(house: Any) -> Refusal:
    """Run the recipe as the command line does; what it said when it refused."""

    def run(*words: str, name: str = "r") -> str:
        command = ["run", str(house.file), "--run-dir", str(house.folder(name).root), *words]
        result = CliRunner().invoke(main, command)
        assert result.exit_code == 1, result.output
        assert isinstance(result.exception, SystemExit), "an exception of ours would be a traceback"
        assert "Traceback" not in result.output
        told = [line for line in result.stderr.splitlines() if line.startswith("triptych: ")]
        assert len(told) == 1
        return result.stderr

    return run


def test_every_unknown_and_contradictory_key_is_told_at_once(house: Any, refusal: Refusal) -> None:
    house.rewrite("logging: {every: 1", "loging: {every: 1")
    house.rewrite("amount: {tokens: 300}", "amount: {tokens: 300, examples: 2}")
    house.rewrite("labels: [sea, land]", "labels: [sea, land]\n    range: [0, 1]")
    told = refusal()
    assert f"{house.file}: 3 problems" in told
    assert "loging is not a setting. Did you mean 'logging'?" in told
    assert "stages[domain].streams[domain-blocks].amount: give exactly one of 'tokens' and 'examples'" in told
    assert "tasks.topic.range: useless for classification" in told
    assert not (house.base / "runs").exists()


def test_a_setting_of_the_command_line_is_told_with_its_own_words(house: Any, refusal: Refusal) -> None:
    told = refusal("--set", "multitask.samplng=every")
    assert "--set multitask.samplng: 'samplng' leads nowhere. Did you mean 'sampling'?" in told


def test_a_missing_corpus_names_the_file_the_nearest_folder_and_where_to_mend_it(house: Any, refusal: Refusal) -> None:
    (house.base / "data" / "general.txt").unlink()
    told = refusal()
    assert f"corpora.general.files: there is no {house.base / 'data' / 'general.txt'}" in told
    assert f"the nearest folder that exists is {house.base / 'data'}" in told
    assert "TRIPTYCH_DATA" in told


def test_a_missing_data_folder_is_named(house: Any, refusal: Refusal) -> None:
    shutil.rmtree(house.base / "data")
    assert re.search(r"the data folder .*data does not exist: give `data:`", refusal())


@pytest.mark.parametrize("text", ["", " \n\n \n"])
def test_an_empty_corpus_is_refused(house: Any, refusal: Refusal, text: str) -> None:
    (house.base / "data" / "domain.txt").write_text(text)
    told = refusal()
    assert "corpora.domain: no text in" in told
    assert "domain.txt" in told
    assert not house.folder("r").stage("general").root.exists()  # found before the stage before it began


def test_one_document_cannot_serve_next_sentence_prediction(house: Any, refusal: Refusal) -> None:
    house.rewrite("{train: {corpora: [general]", "{train: {corpora: [domain]")
    text = (house.base / "data" / "general.txt").read_text()
    (house.base / "data" / "general.txt").write_text(text.replace("\n\n", "\n"))
    told = refusal()
    assert "corpus general" in told
    assert "Next sentence prediction needs other documents" in told
    assert "blocks_of" in told


def test_one_sentence_a_document_cannot_serve_next_sentence_prediction(house: Any, refusal: Refusal) -> None:
    path = house.base / "data" / "general.txt"
    path.write_text("\n\n".join(line for line in path.read_text().splitlines() if line))
    told = refusal()
    assert "corpus general: the median document has one sentence" in told
    assert "blank line" in told


def test_broken_utf8_is_told_by_file_and_byte(house: Any, refusal: Refusal) -> None:
    path = house.base / "data" / "general.txt"
    good = path.read_bytes()
    path.write_bytes(good + b"sail\xff\n")
    told = refusal()
    assert str(path) in told
    assert f"byte {len(good) + 4}" in told


def test_broken_utf8_in_a_task_is_told_by_file_and_byte(house: Any, refusal: Refusal) -> None:
    path = house.base / "data" / "topic-train.tsv"
    good = path.read_bytes()
    path.write_bytes(good + b"sea\t\xc3\n")
    assert f"{path}: broken UTF-8 at byte {len(good) + 4}" in refusal()


def test_a_label_outside_the_set_is_told_by_file_and_line(house: Any, refusal: Refusal) -> None:
    path = house.base / "data" / "topic-train.tsv"
    path.write_text(path.read_text() + "se\tanna sees the wave .\n")
    assert (
        f"{path}, line 32: label 'se' is not one of task 'topic'; allowed: sea, land. Did you mean 'sea'?" in refusal()
    )


def test_a_tag_outside_the_set_is_told_by_the_line_of_its_word(house: Any, refusal: Refusal) -> None:
    path = house.base / "data" / "names-train.conll"
    lines = path.read_text().splitlines()
    lines[4] = lines[4].split()[0] + " B-LOC"
    path.write_text("\n".join(lines) + "\n")
    assert f"{path}, line 5: label 'B-LOC' is not one of task 'names'" in refusal()


def test_a_missing_column_is_told_with_those_there_are(house: Any, refusal: Refusal) -> None:
    house.rewrite("fields: [text]", "fields: [txt]")
    assert "there is no column 'txt'; columns here: 'label', 'text'. Did you mean 'text'?" in refusal()


def test_a_bad_score_of_the_last_stage_is_found_before_the_first_one_begins(house: Any, refusal: Refusal) -> None:
    path = house.base / "data" / "alike-dev.jsonl"
    path.write_text(path.read_text() + '{"one": "a", "two": "b", "score": 7}\n')
    assert f"{path}, line 15: column 'score' is 7, but task 'alike' declares scores from 0 to 5" in refusal()
    assert not house.folder("r").stage("general").root.exists()


def test_a_ledger_without_held_out_text_is_told_before_any_training(house: Any, refusal: Refusal) -> None:
    (house.base / "data" / "single.txt").write_text("anna sees the whale near a ship .\n")
    house.rewrite("tasks:\n", "  single: {files: single.txt}\ntasks:\n")
    told = refusal("--set", "evaluation.ledger.corpora=[single]")
    assert "corpus single: no document is held out" in told
    assert "evaluation.ledger.corpora" in told
    house.rewrite("single.txt", "absent.txt")
    assert "absent.txt" in refusal("--set", "evaluation.ledger.corpora=[single]")
    assert not house.folder("r").stage("general").root.exists()


def test_an_item_larger_than_a_micro_batch_is_refused_before_any_training(house: Any, refusal: Refusal) -> None:
    told = refusal("--set", "engine.micro_batch_tokens=40")
    assert "stages[general].streams[general-pairs]: its largest item has 48 tokens" in told
    assert "engine.micro_batch_tokens (40)" in told
    assert not house.folder("r").stage("general").saved_steps()


def test_a_checkpoint_cut_short_is_named_and_nothing_is_overwritten(house: Any, refusal: Refusal) -> None:
    with house.killed_at("general", 7):
        house.run("r")
    path = house.folder("r").stage("general").checkpoint(5) / "first.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    assert f"{path}: missing, cut short or altered since it was saved. Move {path.parent} aside" in refusal()
    assert path.stat().st_size == 100


def test_a_checkpoint_of_another_shape_lists_the_tensors(house: Any, refusal: Refusal) -> None:
    house.run("r", only="general")
    house.run("other", "encoder.hidden=8", only="general")
    ours, theirs = house.folder("r").stage("general"), house.folder("other").stage("general")
    ours.manifest.unlink()
    shutil.rmtree(ours.checkpoints)
    shutil.copytree(theirs.checkpoints, ours.checkpoints)
    told = refusal()
    assert "does not fit this model" in told
    assert re.search(r"encoder\.embeddings\.word\.weight: \[\d+, 8\] in the file, \[\d+, 16\] in the model", told)


def test_a_manifest_that_does_not_match_lists_the_differing_fields(house: Any, refusal: Refusal) -> None:
    house.run("r", only="general")
    path = house.folder("r").stage("general").manifest
    record = json.loads(path.read_text())
    record["identity"]["data"]["general"] = "0123456789abcdef"
    path.write_text(json.dumps(record))
    told = refusal()
    assert 'data.general: "0123456789abcdef" then' in told
    assert "--from general" in told


def test_a_damaged_manifest_is_named(house: Any, refusal: Refusal) -> None:
    house.run("r", only="general")
    path = house.folder("r").stage("general").manifest
    path.write_text("{")
    assert f"{path}: not readable as JSON" in refusal()


def test_a_run_directory_that_is_a_file_is_told_and_the_file_left_alone(house: Any, refusal: Refusal) -> None:
    place = house.folder("r").root
    place.parent.mkdir()
    place.write_text("mine")
    assert f"{place}: File exists; a folder is needed there: give another place" in refusal()
    assert place.read_text() == "mine"


def test_the_run_directory_of_another_recipe_is_refused(house: Any, refusal: Refusal) -> None:
    house.run("r", only="general")
    house.rewrite("name: tiny", "name: tinier")
    assert "is the run directory of recipe 'tiny', not of 'tinier'. Give another one with --run-dir." in refusal()


def test_a_full_disk_while_saving_loses_nothing_and_the_next_run_goes_on(
    house: Any, refusal: Refusal, lasting: Any, done: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = checkpoint._write

    def full(path: Path, engine: Any, state: Any) -> None:
        if path.parts[-3] == "multitask" and state.step == 15:
            (path / "weights.safetensors").write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, engine, state)

    monkeypatch.setattr(checkpoint, "_write", full)
    told = refusal()
    assert "no space left while writing; nothing that was saved before is lost" in told
    assert house.folder("r").stage("multitask").saved_steps() == [5, 10]
    monkeypatch.setattr(checkpoint, "_write", write)
    assert lasting(house.run("r").root) == lasting(done.root)


def test_a_disk_that_fills_up_under_a_metrics_line_is_told_too(
    house: Any, refusal: Refusal, lasting: Any, done: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = MetricsLog.write

    def full(self: MetricsLog, record: dict[str, Any]) -> None:
        if record["step"] == 7:
            with open(self._path, "a", encoding="utf-8") as handle:
                handle.write('{"half')
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, record)

    monkeypatch.setattr(MetricsLog, "write", full)
    assert "no space left" in refusal()
    monkeypatch.setattr(MetricsLog, "write", write)
    assert lasting(house.run("r").root) == lasting(done.root)


@pytest.mark.slow
def test_a_truly_full_disk_is_told_whatever_was_being_written(
    house: Any, command: Any, lasting: Any, done: Any
) -> None:
    """A file system of its own that fills up at some point of the run, then a little later, until all fits."""
    runs = house.base / "runs"
    runs.mkdir()
    size = 96
    try:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}k", "none", str(runs)], check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a small file system is not allowed here")
    told = 0
    try:
        while True:
            process = command(house, "run", house.file, "--run-dir", runs / "r")
            printed, _ = process.communicate(timeout=100)
            assert "Traceback" not in printed, printed
            if process.returncode == 0:
                break
            assert process.returncode == 1, printed
            assert "no space left" in printed, printed
            told += 1
            size *= 3
            subprocess.run(["mount", "-o", f"remount,size={size}k", str(runs)], check=True)
        assert told >= 2
        assert lasting(runs / "r") == lasting(done.root)
    finally:
        subprocess.run(["umount", str(runs)], check=True)
