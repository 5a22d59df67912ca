"""`evaluate` and `predict`: an exported model answers as it did at the end of its run."""

import json
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pipeline.answer import open_model
from pipeline.asked import asked_of
from pipeline.cli import main
from pipeline.data_folder import DataFolder
from pipeline.evaluate_tasks import evaluate_model
from tokenization.errors import RunError


def test_evaluating_the_exported_model_gives_the_runs_scores_and_predictions(
    shared_house: Any, done: Any, tmp_path: Path
) -> None:
    command = ["evaluate", str(done.export), "--data", str(shared_house.base / "data"), "--out", str(tmp_path)]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    ours, theirs = json.loads((tmp_path / "scores.json").read_text()), json.loads(done.scores.read_text())
    assert ours["joint"] == theirs["joint"]
    for name, task in theirs["tasks"].items():
        assert json.dumps(ours["tasks"][name]["metrics"]) == json.dumps(task["metrics"])
        assert ours["tasks"][name]["majority"] == task["majority"]
        assert ours["data"][name]["dev"] == theirs["data"][name]["dev"]
        written = done.stage("multitask").root / "predictions" / f"{name}.jsonl"
        assert (tmp_path / "predictions" / f"{name}.jsonl").read_bytes() == written.read_bytes()


def test_a_run_directory_stands_for_its_exported_model(shared_house: Any, done: Any) -> None:
    model = open_model(done.root)
    found = evaluate_model(
        model, asked_of(model, ["topic"], None, "train"), DataFolder(shared_house.base / "data", ""), None
    )
    assert found["tasks"].keys() == {"topic"}
    assert found["tasks"]["topic"]["split"] == "train"


def test_a_further_seed_s_run_is_refused_with_how_its_model_is_exported(done: Any, tmp_path: Path) -> None:
    seed = tmp_path / "run" / "seeds" / "2"  # a finished run in all but the export
    shutil.copytree(done.root, seed, symlinks=True, ignore=shutil.ignore_patterns("export"))
    with pytest.raises(RunError, match=re.escape(f"`triptych export {seed} --to DIR`")):
        open_model(seed)


def test_predict_answers_rows_without_labels_as_evaluate_did_with_them(
    shared_house: Any, done: Any, tmp_path: Path
) -> None:
    bare = tmp_path / "bare.jsonl"
    given = [json.loads(line) for line in (shared_house.base / "data" / "alike-dev.jsonl").read_text().splitlines()]
    bare.write_text("".join(json.dumps({"one": row["one"], "two": row["two"]}) + "\n" for row in given))
    out = tmp_path / "answers.jsonl"
    result = CliRunner().invoke(
        main, ["predict", str(done.export), "--task", "alike", "--input", str(bare), "--out", str(out)]
    )
    assert result.exit_code == 0, result.output
    assert "14 answers" in result.output
    ours, theirs = (
        [json.loads(line) for line in path.read_text().splitlines()]
        for path in (out, done.stage("multitask").root / "predictions" / "alike.jsonl")
    )
    assert [row["label"] for row in ours] == [row["label"] for row in theirs]


def predict(done: Any, task: str, file: Path, out: Path) -> Result:
    words = ["predict", done.export, "--task", task, "--input", file, "--out", out]
    return CliRunner().invoke(main, [str(word) for word in words])


def test_predict_reads_words_without_a_column_of_tags(shared_house: Any, done: Any, tmp_path: Path) -> None:
    given = (shared_house.base / "data" / "names-dev.conll").read_text(encoding="utf-8")
    (tmp_path / "tagged.conll").write_text(given, encoding="utf-8")
    (tmp_path / "bare.conll").write_text(re.sub(r" \S+$", "", given, flags=re.MULTILINE), encoding="utf-8")
    for name in ("tagged", "bare"):
        result = predict(done, "names", tmp_path / f"{name}.conll", tmp_path / f"{name}.jsonl")
        assert result.exit_code == 0, result.output
    assert (tmp_path / "bare.jsonl").read_bytes() == (tmp_path / "tagged.jsonl").read_bytes()


@pytest.mark.parametrize("out", ["rows.tsv", "./folder/../rows.tsv", "link.tsv", "hard.tsv"])
def test_predict_never_writes_over_its_input(done: Any, tmp_path: Path, out: str) -> None:
    rows = tmp_path / "rows.tsv"
    rows.write_text("text\nanna sees the ship\n", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link.tsv").symlink_to(rows)
    (tmp_path / "hard.tsv").hardlink_to(rows)
    result = predict(done, "topic", rows, tmp_path / out)
    assert (result.exit_code, "is the input itself" in result.output) == (1, True), result.output
    assert rows.read_text(encoding="utf-8") == "text\nanna sees the ship\n"


def test_predict_never_writes_over_the_zip_that_holds_its_input(done: Any, tmp_path: Path) -> None:
    archive = tmp_path / "rows.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("rows.tsv", "text\nanna sees the ship\n")
    before = archive.read_bytes()
    result = predict(done, "topic", archive / "rows.tsv", archive)
    assert (result.exit_code, "is the input itself" in result.output) == (1, True), result.output
    assert archive.read_bytes() == before
    assert predict(done, "topic", archive / "rows.tsv", tmp_path / "out.jsonl").exit_code == 0


def test_predict_says_of_an_input_that_is_not_there_that_and_no_more(done: Any, tmp_path: Path) -> None:
    result = predict(done, "topic", tmp_path / "gone.tsv", tmp_path / "out.jsonl")
    assert (result.exit_code, result.output) == (1, f"triptych: --input {tmp_path}/gone.tsv does not exist.\n")
    result = predict(done, "topic", tmp_path, tmp_path / "out.jsonl")
    assert (result.exit_code, "is a folder" in result.output) == (1, True)


def test_an_unknown_task_is_refused_with_those_the_model_has(done: Any, tmp_path: Path) -> None:
    for command in (
        ["evaluate", str(done.export), "--tasks", "topc"],
        ["predict", str(done.export), "--task", "topc", "--input", "x", "--out", str(tmp_path / "y")],
    ):
        result = CliRunner().invoke(main, command)
        assert result.exit_code == 1
        assert "no head for task 'topc'; it has alike, names, topic" in result.output.replace(
            "topic, alike, names", "alike, names, topic"
        )
        assert "Did you mean 'topic'" in result.output


def test_a_run_that_is_not_finished_has_no_model_yet(shared_house: Any) -> None:
    folder = shared_house.run("unfinished", only="general")
    with pytest.raises(RunError, match="is a run without an exported model"):
        open_model(folder.root)


def test_labels_in_another_order_than_the_model_was_trained_with_are_refused(done: Any, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(done.export, model)
    described = json.loads((model / "tasks.json").read_text())
    described["tasks"]["topic"]["spec"]["labels"].reverse()
    (model / "tasks.json").write_text(json.dumps(described))
    result = CliRunner().invoke(main, ["evaluate", str(model)])
    assert result.exit_code == 1
    assert "Scores would be those of swapped labels" in result.output


def test_a_run_whose_recipe_no_longer_has_the_models_labels_is_refused_with_both(
    house: Any, done: Any, tmp_path: Path
) -> None:
    run = tmp_path / "runs" / "edited"
    shutil.copytree(done.root, run)
    recipe = (run / "recipe.yaml").read_text(encoding="utf-8")
    edited = re.sub(r"- sea\n( *)- land", r"- land\n\1- sea", recipe)
    assert edited != recipe
    (run / "recipe.yaml").write_text(edited, encoding="utf-8")
    result = CliRunner().invoke(main, ["evaluate", str(run), "--data", str(house.base / "data")])
    assert result.exit_code == 1
    assert "task 'topic' was trained with the labels ['sea', 'land']; the recipe" in result.output
    assert "has the same labels in another order: ['land', 'sea']" in result.output


def test_a_run_is_evaluated_on_the_data_it_was_made_from_unless_told_otherwise(
    done: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRIPTYCH_DATA", str(tmp_path / "elsewhere"))
    for model in (done.root, done.export):
        found = CliRunner().invoke(main, ["evaluate", str(model)])
        assert found.exit_code == 0, found.output
        assert "topic  accuracy*" in found.output
    monkeypatch.chdir(done.export)
    assert CliRunner().invoke(main, ["evaluate", "."]).exit_code == 0
    told = CliRunner().invoke(main, ["evaluate", str(done.root), "--data", str(tmp_path)])
    assert (told.exit_code, "no such file" in told.output) == (1, True)


def test_where_no_data_folder_was_named_the_message_says_so(
    done: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(done.export, tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TRIPTYCH_DATA", raising=False)
    told = CliRunner().invoke(main, ["evaluate", "model"])
    assert told.exit_code == 1
    assert "since no data folder was named: give --data or set TRIPTYCH_DATA" in told.output
    monkeypatch.setenv("TRIPTYCH_DATA", "elsewhere")
    assert "The data folder is elsewhere, from TRIPTYCH_DATA." in CliRunner().invoke(main, ["evaluate", "model"]).output
    given = CliRunner().invoke(main, ["evaluate", "model", "--data", "."])
    assert "The data folder is ., from --data." in given.output
