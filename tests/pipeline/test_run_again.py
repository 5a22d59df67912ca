"""Going on with a finished run otherwise: other evaluations, other dev rows, extensions, damage, interruptions."""

import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from click.testing import CliRunner

from pipeline import stage_run
from pipeline.cli import main
from pipeline.report import report_html
from pipeline.run_folder import RunFolder
from pipeline.run_record import read_run
from pipeline.status import status_text
from tokenization.errors import CheckpointError, RunError

Lasting = Callable[[Path], dict[str, bytes]]
CONSTANT = ("schedule.kind=constant", "schedule.warmup=0")
SHORT = ("multitask.steps=8",)


def manifest(folder: RunFolder, stage: str) -> dict[str, Any]:
    return json.loads(folder.stage(stage).manifest.read_text())


def copy(house: Any, done: RunFolder, name: str) -> RunFolder:
    shutil.copytree(done.root, house.folder(name).root)
    return house.folder(name)


def test_another_evaluation_is_measured_on_the_weights_there_are_as_if_asked_for_at_once(
    shared_house: Any, done: RunFolder, lasting: Lasting, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = ("evaluation.ledger.corpora=[domain, general]", "evaluation.more={topic: [train]}")
    folder = copy(shared_house, done, "asked-later")
    steps = {stage: folder.stage(stage).metrics.read_bytes() for stage in ("general", "domain", "multitask")}
    shared_house.run("asked-later", *changes)
    assert (
        "general: measured again, since its evaluation changed:\n  ledger.corpora.domain: " in capsys.readouterr().out
    )
    assert {stage: folder.stage(stage).metrics.read_bytes() for stage in steps} == steps  # nothing was trained
    at_once = shared_house.run("asked-at-once", *changes)
    assert lasting(folder.root) == lasting(at_once.root)
    assert "topic (train)" in json.loads(folder.scores.read_text())["tasks"]


def test_a_run_that_recorded_lm_losses_alone_opens_and_is_measured_again_without_training(
    shared_house: Any, done: RunFolder, lasting: Lasting
) -> None:
    folder = copy(shared_house, done, "of-before")
    for stage in ("general", "domain", "multitask"):
        record = manifest(folder, stage)
        boundary = {name: record["boundary"][name] for name in ("lm", "tasks", "more")}
        del record["measured"]["ledger"]["further"]
        folder.stage(stage).manifest.write_text(json.dumps({**record, "boundary": boundary}))
    assert "held-out general: MLM loss" in status_text(folder.root)
    assert "finished" in report_html(read_run(folder.root))
    shared_house.run("of-before")
    assert lasting(folder.root) == lasting(done.root)


def test_a_stage_that_masks_words_can_follow_stages_that_read_the_same_chinese_text_without_them(house: Any) -> None:
    chinese = ("corpora.general.language=zh", *SHORT)
    before = manifest(house.run("r", *chinese), "domain")
    house.file.write_text(
        house.file.read_text()
        + "  - {name: words, kind: adapt, steps: 2, streams: [{source: {blocks_of: general, length: 32},"
        " objectives: [{mlm: {unit: word}}], amount: {tokens: 90}}]}\n"
    )
    folder = house.run("r", *chinese)
    assert manifest(folder, "domain") == before
    assert set(manifest(folder, "words")["identity"]["data"]) == {"general", "general.words"}


def test_changed_dev_rows_are_refused_where_they_chose_the_weights_and_measured_where_they_did_not(house: Any) -> None:
    house.run("chosen", *SHORT)
    house.run("last", *SHORT, "multitask.carry=last")
    path = house.base / "data" / "topic-dev.tsv"
    path.write_text("\n".join(path.read_text().splitlines()[:-2]) + "\n")
    with pytest.raises(RunError, match=r"selected_on\.topic"):
        house.run("chosen", *SHORT)
    folder = house.run("last", *SHORT, "multitask.carry=last")
    assert json.loads(folder.scores.read_text())["tasks"]["topic"]["rows"] == 12


def test_dev_rows_that_also_stand_in_train_are_noted(house: Any) -> None:
    train, dev = (house.base / "data" / f"topic-{split}.tsv" for split in ("train", "dev"))
    known = {line.split("\t")[1] for line in train.read_text().splitlines()[1:]}
    before = sum(line.split("\t")[1] in known for line in dev.read_text().splitlines()[1:])
    dev.write_text(dev.read_text() + "".join(line + "\n" for line in train.read_text().splitlines()[1:4]))
    notes = json.loads(house.run("leaky", *SHORT).scores.read_text())["notes"]
    told = f"topic: {before + 3} of 17 dev rows also stand in train; without them accuracy is "
    assert any(note.startswith(told) for note in notes)


def test_a_stage_that_is_not_run_is_held_to_its_settings_before_the_recipe_is_written(
    shared_house: Any, done: RunFolder
) -> None:
    folder = copy(shared_house, done, "held-to-it")
    recipe = folder.recipe.read_bytes()
    for choice in ({"only": "domain"}, {"first": "multitask"}):
        with pytest.raises(RunError, match=r"stages/general: made under other settings"):
            shared_house.run("held-to-it", "general.optimizer.rate=0.5", **choice)
    assert folder.recipe.read_bytes() == recipe
    assert folder.stage("multitask").manifest.is_file()  # refused before anything was moved aside


def test_an_extension_that_is_killed_goes_on_and_leaves_nothing_that_refers_to_dropped_checkpoints(
    shared_house: Any, lasting: Lasting
) -> None:
    shared_house.run("longer", *CONSTANT, "general.steps=4", only="general")
    with shared_house.killed_at("general", 5):
        shared_house.run("longer", *CONSTANT, only="general", extend=True)
    folder = shared_house.folder("longer")
    assert not folder.stage("general").manifest.exists()
    shared_house.run("longer", *CONSTANT, only="general")
    at_once = shared_house.run("long-at-once", *CONSTANT, only="general")
    weights = "checkpoints/step-00000008/weights.safetensors"
    ours, theirs = (run.stage("general").root for run in (folder, at_once))
    assert (ours / weights).read_bytes() == (theirs / weights).read_bytes()
    assert not folder.stage("general").before.exists()


def test_a_stage_that_stopped_early_goes_on_when_extended_even_after_a_kill(shared_house: Any) -> None:
    early = (*CONSTANT, "multitask.evaluate={every: 6, patience: 1}", "multitask.optimizer.rate=1e-12")
    folder = shared_house.run("patient", *early, "multitask.steps=20")
    stopped = manifest(folder, "multitask")["state"]["step"]
    assert stopped < 20
    with shared_house.killed_at("multitask", stopped + 1):
        shared_house.run("patient", *early, "multitask.steps=30", extend=True)
    shared_house.run("patient", *early, "multitask.steps=30")
    assert manifest(folder, "multitask")["state"]["step"] > stopped


def test_altered_weights_of_a_parent_are_refused(shared_house: Any) -> None:
    folder = shared_house.run("altered", only="general")
    weights = folder.stage("general").checkpoint(8) / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"{weights}: missing, cut short or altered.*--from general"):
        shared_house.run("altered", only="domain")


def test_damaged_files_of_a_run_are_named(shared_house: Any, done: RunFolder, tmp_path: Path) -> None:
    folder = copy(shared_house, done, "damaged-files")
    folder.recipe.write_text("a: [")
    with pytest.raises(RunError, match=r"recipe\.yaml is damaged"):
        shared_house.run("damaged-files")
    (folder.export / "tasks.json").write_text("{")
    told = CliRunner().invoke(main, ["evaluate", str(folder.export)])
    assert told.exit_code == 1
    assert "tasks.json is damaged" in told.output


def test_what_is_moved_aside_gets_a_number_above_all_there_are_and_the_ledgers_start_goes_with_the_first_stage(
    tmp_path: Path,
) -> None:
    folder = RunFolder(tmp_path)
    (tmp_path / "aside" / "007").mkdir(parents=True)
    for names, start in ((["b"], False), (["a"], True)):
        folder.stage(names[0]).root.mkdir(parents=True)
        folder.start.write_text("{}")
        folder.set_aside(names, start)
        assert folder.start.exists() is not start
    assert (tmp_path / "aside" / "008" / "stages" / "b").is_dir()
    assert (tmp_path / "aside" / "009" / "stages" / "start.json").is_file()


def test_ctrl_c_outside_of_training_ends_at_once_without_a_traceback(
    shared_house: Any, lasting: Lasting, done: RunFolder
) -> None:
    measure = stage_run.measure_boundary
    words = ["run", str(shared_house.file), "--run-dir", str(shared_house.folder("interrupted").root)]

    def interrupted(*given: Any) -> Any:
        signal.raise_signal(signal.SIGINT)
        return measure(*given)

    with patch.object(stage_run, "measure_boundary", interrupted):
        told = CliRunner().invoke(main, words)
    assert told.exit_code == 130
    assert "triptych: interrupted; run the same command again to go on." in told.output
    assert lasting(shared_house.run("interrupted").root) == lasting(done.root)
