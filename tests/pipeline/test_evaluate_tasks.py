"""`triptych evaluate` on suites and splits: a small model with random weights, and rows in the official layout."""

import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from click.testing import CliRunner, Result

from finetune.reading.read import read_split
from finetune.tasks.table import TASKS
from model.config import EncoderConfig, HeadSpec
from model.network import Network
from model.public import of_network, write_public
from pipeline import evaluate_tasks
from pipeline.cli import main
from pipeline.export import TASKS as DESCRIBED
from tokenization.atomic import write_json
from tokenization.vocabularies.training import train_tokenizer

SENTENCES = [f"{who} {does} the {what}" for who in ("anna", "boris") for does in ("sees", "draws") for what in
             ("sea", "hill", "ship", "road", "gull")]  # fmt: skip
PAIRS = list(zip(SENTENCES, reversed(SENTENCES), strict=True))
NLI = ("contradiction", "entailment", "neutral")


def tsv(path: Path, header: str, rows: Sequence[tuple[object, ...]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [header.replace(" ", "\t"), *("\t".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_data(folder: Path) -> None:
    """RTE, MNLI and AX as GLUE distributes them, as far as columns go that are read."""
    rte = [(n, one, two, ("entailment", "not_entailment")[n % 3 > 0]) for n, (one, two) in enumerate(PAIRS)]
    tsv(folder / "glue/RTE/train.tsv", "index sentence1 sentence2 label", rte[:12])
    tsv(folder / "glue/RTE/dev.tsv", "index sentence1 sentence2 label", rte[9:])
    tsv(folder / "glue/RTE/test.tsv", "index sentence1 sentence2", [row[:3] for row in rte])
    mnli = [(n, one, two, NLI[n % 3]) for n, (one, two) in enumerate(PAIRS)]
    for split, rows in {"train": mnli[:8], "dev_matched": mnli[8:14], "dev_mismatched": mnli[14:]}.items():
        tsv(folder / f"glue/MNLI/{split}.tsv", "index sentence1 sentence2 gold_label", rows)
    for split in ("test_matched", "test_mismatched"):
        tsv(folder / f"glue/MNLI/{split}.tsv", "index sentence1 sentence2", [row[:3] for row in mnli])
    tsv(folder / "glue/AX/diagnostic.tsv", "index sentence1 sentence2", [row[:3] for row in mnli])


def write_model(folder: Path, *names: str, **changed: dict[str, Any]) -> None:
    """A model as `export` writes it, with a head for each task; of some tasks, settings are changed."""
    folder.mkdir()
    specs = {name: replace(TASKS[name], **changed.get(name, {})) for name in names}
    tokenizer = train_tokenizer(SENTENCES * 3, "wordpiece", 120, True)
    tokenizer.save(folder)
    heads = [HeadSpec(name, spec.kind, spec.outputs) for name, spec in specs.items()]
    sizes: dict[str, Any] = {"layers": 1, "hidden": 16, "heads": 2, "feed_forward": 32, "positions": 48}
    config = EncoderConfig(tokenizer.size, **sizes, initializer_range=1.0)  # else every answer is the same
    network = Network(config, heads, seed=3)
    write_public(of_network(network, labels={name: spec.labels for name, spec in specs.items()}), folder)
    described = {name: {"spec": asdict(spec), "length": 32} for name, spec in specs.items()}
    write_json(folder / DESCRIBED, {"precision": "fp32", "tasks": described})


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluate")
    write_data(folder / "data")
    write_model(folder / "model", "mnli", "rte")
    return folder


def evaluate(base: Path, *words: str, model: str = "model", data: str = "data") -> Result:
    return CliRunner().invoke(main, ["evaluate", str(base / model), "--data", str(base / data), *words])


def scores_of(base: Path, tmp_path: Path, *words: str, **places: str) -> Any:
    result = evaluate(base, "--out", str(tmp_path), *words, **places)
    assert result.exit_code == 0, result.output
    return json.loads((tmp_path / "scores.json").read_text())


def labels(path: Path) -> list[str]:
    return [json.loads(line)["label"] for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_suite_is_averaged_by_its_boards_rule_over_the_tasks_that_the_model_answers(
    base: Path, tmp_path: Path
) -> None:
    found = scores_of(base, tmp_path, "--suite", "glue")
    accuracy = {name: task["metrics"]["accuracy"] for name, task in found["tasks"].items()}
    assert accuracy.keys() == {"mnli", "mnli (dev_mismatched)", "rte"}
    gold = [NLI[n % 3] for n in range(len(PAIRS))]
    for name, part in {"mnli": slice(8, 14), "mnli.dev_mismatched": slice(14, None)}.items():
        answers = labels(tmp_path / "predictions" / f"{name}.jsonl")
        shown = "mnli (dev_mismatched)" if "." in name else name
        assert accuracy[shown] == pytest.approx(fmean(a == g for a, g in zip(answers, gold[part], strict=True)))
    expected = fmean([fmean([accuracy["mnli"], accuracy["mnli (dev_mismatched)"]]), accuracy["rte"]])
    assert found["suite"]["value"] == pytest.approx(expected)
    assert found["suite"]["counted"] == ["mnli", "rte"]
    assert found["suite"]["missing"] == ["cola", "sst2", "mrpc", "stsb", "qqp", "qnli", "wnli"]


OWN_FILES = {"train": "own/train.tsv", "dev": "own/dev.tsv"}


def write_own_rte(folder: Path, rows: int, names: tuple[str, str] = ("entailment", "not_entailment")) -> None:
    """So many rows of dev and train in files that the built-in table does not know."""
    pairs = [PAIRS[n % len(PAIRS)] for n in range(rows)]
    found = [(n, one, two, names[n % 3 > 0]) for n, (one, two) in enumerate(pairs)]
    for path in OWN_FILES.values():
        tsv(folder / path, "index sentence1 sentence2 label", found)


@pytest.mark.parametrize("names", [("no", "yes"), TASKS["rte"].labels])
def test_an_own_task_of_a_built_in_name_is_no_part_of_the_suite(
    base: Path, tmp_path: Path, names: tuple[str, str]
) -> None:
    own = {"citation": "", "labels": names, "rows": {}, "files": OWN_FILES, "hidden": (), "published": (), "hub": None}
    write_model(tmp_path / "model", "mnli", "rte", rte=own)
    write_data(tmp_path / "data")
    write_own_rte(tmp_path / "data", 30, names)
    found = scores_of(tmp_path, tmp_path / "out", "--suite", "glue")
    assert found["suite"]["counted"] == ["mnli"]
    assert "rte" not in found["tasks"]
    assert "not evaluated, since here they are tasks of your own, not GLUE's: rte" in found["notes"]
    assert "rte" in scores_of(tmp_path, tmp_path / "alone", "--tasks", "rte")["tasks"]


@pytest.mark.parametrize(("rows", "counted"), [(277, ["mnli", "rte"]), (30, ["mnli"]), (278, ["mnli"])])
def test_a_built_in_task_with_files_of_ones_own_counts_where_dev_has_the_official_rows(
    tmp_path: Path, rows: int, counted: list[str]
) -> None:
    write_model(tmp_path / "model", "mnli", "rte", rte={"files": OWN_FILES, "hidden": ()})
    write_data(tmp_path / "data")
    write_own_rte(tmp_path / "data", rows)
    found = scores_of(tmp_path, tmp_path / "out", "--suite", "glue")
    assert found["suite"]["counted"] == counted
    told = f"rte: not in the suite's average: not from the table's files, and {rows} rows of dev, officially 277"
    assert (told in found["notes"]) == (rows != 277)


def test_each_split_of_a_task_is_read_once(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[tuple[str, str]] = []

    def counted(spec: Any, data: Path, split: str, origin: str) -> Any:
        read.append((spec.name, split))
        return read_split(spec, data, split, origin)

    monkeypatch.setattr(evaluate_tasks, "read_split", counted)
    carved = {"files": {"train": "glue/RTE/train.tsv"}, "hidden": ()}
    write_model(tmp_path / "model", "mnli", "rte", rte=carved)
    scores_of(tmp_path, tmp_path / "out", "--suite", "glue", data=str(base / "data"))
    assert sorted(read) == [
        ("mnli", "dev_matched"), ("mnli", "dev_mismatched"), ("mnli", "train"), ("rte", "dev"), ("rte", "train"),
    ]  # fmt: skip


def test_the_table_says_what_is_reduced_what_is_missing_and_why(base: Path) -> None:
    printed = evaluate(base, "--suite", "glue").output
    assert "GLUE average: " in printed
    assert "over 2 of 9 tasks: mnli, rte" in printed
    assert "not evaluated, since the model has no head for them: cola, sst2, mrpc, stsb, qqp, qnli, wnli\n" in printed
    assert "not evaluated, since they have no split dev: ax\n" in printed
    assert "reduced sets, whose scores are not the board's: mnli, rte" in printed
    rows = [line.split("  ")[0] for line in printed.split("\n\n")[0].splitlines()[3:]]
    assert rows == ["mnli (reduced)", "mnli (dev_mismatched, reduced)", "rte (reduced)"]


def test_tests_are_predicted_where_labels_are_hidden_and_ax_by_the_head_of_mnli(base: Path, tmp_path: Path) -> None:
    found = scores_of(base, tmp_path, "--suite", "glue", "--split", "test")
    assert found["tasks"] == {}
    assert found["predicted"]["ax"] == {"split": "test", "rows": len(PAIRS)}
    assert "rte: 20 rows of test predicted, labels hidden" in found["notes"]
    written = {path.name: path for path in (tmp_path / "predictions").iterdir()}
    assert written.keys() == {
        "mnli.test_matched.jsonl",
        "mnli.test_mismatched.jsonl",
        "rte.test.jsonl",
        "ax.test.jsonl",
    }
    assert labels(written["ax.test.jsonl"]) == labels(written["mnli.test_matched.jsonl"])  # the same pairs
    assert len(set(labels(written["ax.test.jsonl"]))) > 1
    ids = [json.loads(line)["id"] for line in written["rte.test.jsonl"].read_text().splitlines()]
    assert ids == [str(number) for number in range(len(PAIRS))]


def test_hidden_labels_without_a_place_for_predictions_are_refused_before_any_work(base: Path) -> None:
    found = evaluate(base, "--tasks", "rte,ax", "--split", "test")
    assert (found.exit_code, "the labels of rte (test), ax (test) are hidden" in found.output) == (1, True)
    assert "--out" in found.output


def test_a_file_in_the_place_of_the_folder_is_refused_before_any_work(base: Path, tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine", encoding="utf-8")
    found = evaluate(base, "--out", str(tmp_path / "notes"), model="no-model")
    assert (found.exit_code, f"--out {tmp_path / 'notes'}: {tmp_path / 'notes'} is a file" in found.output) == (1, True)
    assert (tmp_path / "notes").read_text(encoding="utf-8") == "mine"


def test_the_test_set_is_not_read_unless_it_is_asked_for(base: Path, tmp_path: Path) -> None:
    write_data(tmp_path / "data")
    for path in (tmp_path / "data").rglob("*test*.tsv"):
        path.write_bytes(b"\xff not even text")
    assert evaluate(base, "--suite", "glue", data=str(tmp_path / "data")).exit_code == 0
    assert evaluate(base, "--tasks", "rte", "--split", "test", "--out", str(tmp_path / "out"),
                    data=str(tmp_path / "data")).exit_code == 1  # fmt: skip


def test_rows_that_stand_in_train_are_told_with_the_score_of_the_others(base: Path, tmp_path: Path) -> None:
    found = scores_of(base, tmp_path, "--tasks", "rte")
    gold = [("entailment", "not_entailment")[n % 3 > 0] for n in range(len(PAIRS))]
    right = [a == g for a, g in zip(labels(tmp_path / "predictions" / "rte.jsonl"), gold[9:], strict=True)]
    task = found["tasks"]["rte"]
    assert task["leaked"] == 3
    assert task["metrics"]["accuracy"] == pytest.approx(fmean(right))
    assert task["without_leaks"]["accuracy"] == pytest.approx(fmean(right[3:]))
    assert any(note.startswith("rte: 3 of 11 dev rows also stand in train; without them accuracy is ")
               for note in found["notes"])  # fmt: skip


def test_scores_name_versions_the_model_and_the_content_of_each_split(base: Path, tmp_path: Path) -> None:
    before = scores_of(base, tmp_path / "before", "--tasks", "rte,mnli")
    assert before["versions"].keys() >= {"torch", "numpy"}
    assert before["data"].keys() == {"rte", "mnli"}
    write_data(tmp_path / "data")
    dev = tmp_path / "data" / "glue" / "MNLI" / "dev_mismatched.tsv"
    dev.write_text(dev.read_text().replace("gull", "hill"), encoding="utf-8")
    after = scores_of(base, tmp_path / "after", "--tasks", "rte,mnli", data=str(tmp_path / "data"))
    assert after["model"] == before["model"]
    assert after["data"]["rte"] == before["data"]["rte"]
    changed = {split for split, content in after["data"]["mnli"].items() if content != before["data"]["mnli"][split]}
    assert changed == {"dev_mismatched"}


def test_a_task_without_a_head_is_refused_with_those_there_are_and_a_suite_of_them_too(base: Path) -> None:
    for words in (("--tasks", "rte,cola"), ("--suite", "clue")):
        found = evaluate(base, *words)
        assert found.exit_code == 1
        assert "mnli, rte" in found.output
    assert "no head for task 'cola'" in evaluate(base, "--tasks", "rte,cola").output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--suite", "gleu"), "no suite is called 'gleu'; suites: glue, clue"),
        (("--suite", "glue", "--tasks", "rte"), "give --suite or --tasks, not both"),
        (
            ("--tasks", "rte", "--split", "tset"),
            "task 'rte' has no split 'tset'; it has dev, test, train. Did you mean 'test'?",
        ),
        (("--tasks", "ax"), "task 'ax' has no split 'dev'; it has test"),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(base: Path, words: tuple[str, ...], message: str) -> None:
    found = evaluate(base, *words)
    assert (found.exit_code, message in found.output) == (1, True), found.output


def test_a_model_whose_labels_are_not_those_of_the_table_is_refused_with_both(base: Path, tmp_path: Path) -> None:
    write_model(tmp_path / "model", "mnli", "rte")
    for name in (DESCRIBED, "triptych.json"):
        path = tmp_path / "model" / name
        found = json.loads(path.read_text())
        place = found["tasks"]["rte"]["spec"] if name == DESCRIBED else found
        place["labels"] = ["entailment", "not_entailment"] if name == DESCRIBED else {
            **found["labels"], "rte": ["entailment", "not_entailment"]}  # fmt: skip
        path.write_text(json.dumps(found))
    told = evaluate(tmp_path, "--suite", "glue", data=str(base / "data"))
    assert told.exit_code == 1
    assert "trained with the labels ['entailment', 'not_entailment']" in told.output
    assert "the built-in table has the same labels in another order: ['not_entailment', 'entailment']" in told.output
    assert evaluate(tmp_path, "--tasks", "mnli", data=str(base / "data")).exit_code == 0


def test_what_takes_long_tells_how_far_it_is_on_stderr(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate_tasks, "PATIENCE", 0.0)
    found = evaluate(base, "--tasks", "rte")
    assert "rte: 0 of 1 batches" in found.stderr
    assert "batches" not in found.stdout


def data_without(folder: Path, *gone: str) -> str:
    write_data(folder)
    for file in gone:
        (folder / "glue" / file).unlink()
    return str(folder)


@pytest.mark.parametrize("asked", [["--suite", "glue"], [], ["--tasks", "mnli,rte"]])
def test_where_no_task_has_its_files_all_that_lack_are_told_before_any_work(
    base: Path, tmp_path: Path, asked: list[str]
) -> None:
    data = data_without(tmp_path / "data", "RTE/train.tsv", "MNLI/dev_mismatched.tsv")
    found = evaluate(base, *asked, "--out", str(tmp_path / "out"), data=data)
    assert found.exit_code == 1
    assert "glue/RTE/train.tsv: no such file" in found.output
    assert "glue/MNLI/dev_mismatched.tsv: no such file" in found.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("split", "gone"), [("test", "test"), ("dev", "dev"), ("dev", "train")])
def test_a_suite_goes_on_without_a_task_whose_file_is_missing_and_says_so(
    base: Path, tmp_path: Path, split: str, gone: str
) -> None:
    whole = scores_of(base, tmp_path / "whole", "--suite", "glue", "--split", split)
    data = data_without(tmp_path / "data", f"RTE/{gone}.tsv")
    found = scores_of(base, tmp_path / "part", "--suite", "glue", "--split", split, data=data)
    for kind in ("tasks", "predicted"):
        assert found[kind] == {name: value for name, value in whole[kind].items() if name != "rte"}
    assert f"not evaluated, since files of theirs are missing in {data}: rte (glue/RTE/{gone}.tsv)" in found["notes"]
    assert ("rte" in found["suite"]["missing"], "rte" in found["suite"]["counted"]) == (True, False)


def test_tasks_named_one_by_one_are_refused_where_a_file_is_missing_with_those_that_have_theirs(
    base: Path, tmp_path: Path
) -> None:
    data = data_without(tmp_path / "data", "RTE/dev.tsv")
    found = evaluate(base, "--tasks", "rte,mnli", data=data)
    assert found.exit_code == 1
    assert "glue/RTE/dev.tsv: no such file" in found.output
    assert "The files of the others are there: --tasks mnli\n" in found.output
    assert evaluate(base, "--tasks", "mnli", data=data).exit_code == 0


def lines(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def test_clue_10_predicts_its_own_test_sets_and_hands_them_in(tmp_path: Path) -> None:
    write_model(tmp_path / "model", "tnews", "afqmc")
    data = tmp_path / "data" / "clue"
    lines(data / "afqmc" / "test.json", [{"id": n, "sentence1": a, "sentence2": b} for n, (a, b) in enumerate(PAIRS)])
    lines(data / "tnews" / "test1.0.json", [{"id": n, "sentence": text} for n, text in enumerate(SENTENCES)])
    lines(data / "tnews" / "test.json", [{"id": n, "sentence": text} for n, text in enumerate(SENTENCES[:3])])
    found = scores_of(tmp_path, tmp_path / "out", "--suite", "clue10", "--split", "test")
    assert found["predicted"] == {
        "tnews": {"split": "test10", "rows": len(SENTENCES)},
        "afqmc": {"split": "test", "rows": len(PAIRS)},
    }
    words = ["submission", "write", tmp_path / "out", "--suite", "clue10", "--to", tmp_path / "clue.zip"]
    written = CliRunner().invoke(main, [*map(str, words), "--data", str(tmp_path / "data")])
    assert written.exit_code == 0, written.output
    with zipfile.ZipFile(tmp_path / "clue.zip") as archive:
        assert set(archive.namelist()) == {"tnews10_predict.json", "afqmc_predict.json"}
        assert len(archive.read("tnews10_predict.json").splitlines()) == len(SENTENCES)
    newer = scores_of(tmp_path, tmp_path / "newer", "--suite", "clue", "--split", "test")
    assert newer["predicted"]["tnews"] == {"split": "test", "rows": 3}
