"""Texts that are written, from a few lines of a recipe to BLEU and the answers: by a decoder, and behind the source."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from finetune.metrics import METRICS
from pipeline.cli import main
from pipeline.compose import mixture_of
from pipeline.show import step_text
from tests.pipeline.two_ranks import run_under_zero
from tokenization.errors import RecipeError

TASKS = """
  turn: {kind: generation, fields: [one], label: two, layout: parallel_lines, length: 20, longest: 8, hidden: [test],
         files: {train: [train.one, train.two], dev: [dev.one, dev.two], test: [dev.one]}}
  back: {kind: generation, by: prefix, fields: one, label: two, length: 20, longest: 6, beam: 3, carve: 0.2,
         files: {train: back.tsv}, columns: [one, two, three]}
"""
STAGES = """
stages:
  - name: write
    kind: finetune
    steps: 80
    evaluate: {every: 40}
    streams:
      - {source: {task: turn}, amount: {examples: 6}}
      - {source: {task: back}, amount: {examples: 6}}
"""
WORDS = ("ship", "wave", "sail", "tide", "whale", "storm", "hill", "barn")


@pytest.fixture(scope="module")
def ran(shared_house: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """A house of its own whose recipe has both tasks, and its finished run."""
    data = write_files(tmp_path_factory.mktemp("data"), shared_house.base / "data")
    house = shared_house.beside(tmp_path_factory.mktemp("writing"), TASKS, STAGES, data)
    return house, house.run("writes")


def write_files(folder: Path, corpora: Path) -> Path:
    luck = random.Random(3)
    rows = [" ".join(luck.choices(WORDS, k=luck.randint(1, 4))) for _ in range(36)]
    for split, part in (("train", rows[:30]), ("dev", rows[30:])):
        turned = [" ".join(reversed(row.split())) for row in part]
        (folder / f"{split}.one").write_text("\n".join(part) + "\n", encoding="utf-8")
        (folder / f"{split}.two").write_text("\n".join(turned) + "\n", encoding="utf-8")
    (folder / "back.tsv").write_text(
        "".join(f"{row}\tThe {row}.\tx\n" for row in dict.fromkeys(rows)), encoding="utf-8"
    )
    for name in ("general.txt", "domain.txt"):
        (folder / name).symlink_to(corpora / name)
    return folder


def predictions(folder: Any, name: str) -> list[dict[str, Any]]:
    (path,) = folder.root.rglob(f"predictions/{name}.jsonl")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_source_has_its_text_in_order_and_the_scores_are_those_of_the_texts(ran: tuple[Any, Any]) -> None:
    house, folder = ran
    materials = house.materials("writes")
    tasks = json.loads(folder.scores.read_text())["tasks"]
    for name in ("turn", "back"):
        dev = materials.encoded(name, "dev")
        rows = predictions(folder, name)
        assert [row["id"] for row in rows] == list(dev.ids)
        texts = [row["label"] for row in rows]
        for metric, value in tasks[name]["metrics"].items():
            assert value == METRICS[metric](dev.gold, texts, dev.spec)
        assert tasks[name]["metrics"]["chrf"] > 0
    assert tasks["turn"]["primary"] == "bleu"
    assert all(text.startswith("the ") and text.endswith(".") for text in materials.encoded("back", "dev").gold)
    notes = json.loads(folder.scores.read_text())["notes"]
    assert any(note.startswith("turn: references are in lower case") for note in notes)


def test_the_exported_model_writes_the_same_and_predicts_what_is_hidden(ran: tuple[Any, Any], tmp_path: Path) -> None:
    house, folder = ran
    words = ["evaluate", str(folder.root), "--data", str(house.base / "data")]
    result = CliRunner().invoke(main, [*words, "--out", str(tmp_path / "dev")])
    assert result.exit_code == 0, result.output
    known = json.loads(folder.scores.read_text())["tasks"]
    found = json.loads((tmp_path / "dev" / "scores.json").read_text())["tasks"]
    for name in ("turn", "back"):
        assert found[name]["metrics"] == known[name]["metrics"]
        assert found[name]["majority"] == known[name]["majority"]
    asked = [*words, "--out", str(tmp_path / "test"), "--tasks", "turn", "--split", "test"]
    result = CliRunner().invoke(main, asked)
    assert result.exit_code == 0, result.output
    hidden = (tmp_path / "test" / "predictions" / "turn.test.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in hidden] == predictions(folder, "turn")  # the same sources


def test_within_a_stage_texts_are_drafts_and_at_its_end_the_beam_s(ran: tuple[Any, Any]) -> None:
    _, folder = ran
    lines = [json.loads(line) for line in (folder.root / "stages" / "write" / "metrics.jsonl").read_text().splitlines()]
    drafts = [line for line in lines if line["kind"] == "evaluation"][-1]["scores"]
    known = json.loads(folder.scores.read_text())["tasks"]
    assert drafts["turn"] == known["turn"]["metrics"]  # its beam is one
    assert drafts["back"] != known["back"]["metrics"]


def test_a_step_shows_what_the_decoder_is_given_and_asked(ran: tuple[Any, Any]) -> None:
    house, _ = ran
    materials = house.materials("writes")
    shown = step_text(materials, materials.recipe.stage("write"), 1)
    for line in (line for line in shown.splitlines() if "turn draw" in line):
        source, given = line.split("[CLS] ", 1)[1].split(" | decoder: ")
        asked = [
            pair.strip("[]").split("→") for pair in given.replace("[[CLS]", "[CLS").replace("[SEP]]", "SEP]").split()
        ]
        words = source.removesuffix(" [SEP]").split()
        assert [before for before, _ in asked][1:] == [after for _, after in asked][:-1]
        assert (asked[0][0], asked[-1][1]) == ("CLS", "SEP")
        assert sorted(before for before, _ in asked[1:]) == sorted(words)
    assert " [SEP] " in shown.split("back draw", 1)[1]
    assert "→[SEP]]" in shown


def test_a_source_and_its_text_must_fit_into_one_sequence(ran: tuple[Any, Any]) -> None:
    house, _ = ran
    materials = house.materials("long", "tasks.back.length=30")
    with pytest.raises(
        RecipeError, match=r"tasks\.back\.length, of source and target in one sequence: 59 tokens are more"
    ):
        mixture_of(materials, materials.recipe.stage("write"))


@pytest.mark.slow
@pytest.mark.parametrize("stage", [3])
def test_zero_on_two_ranks_writes_what_the_plain_engine_on_one_does(ran: tuple[Any, Any], stage: int) -> None:
    """Within the stage as well, where under ZeRO-3 no rank has all parameters."""
    house, folder = ran
    root = run_under_zero(house, stage, f"zero{stage}").root
    for kind, key in (("step", "loss"), ("evaluation", "joint")):
        found, known = (values(run, kind, key) for run in (root, folder.root))
        assert found == pytest.approx(known, abs=1e-3)
    assert values(root, "evaluation", "joint")


def values(root: Path, kind: str, key: str) -> list[float]:
    lines = (root / "stages" / "write" / "metrics.jsonl").read_text().splitlines()
    return [record[key] for record in map(json.loads, lines) if record["kind"] == kind]


def test_a_table_is_answered_by_its_column_of_sources_and_not_as_bare_lines(
    ran: tuple[Any, Any], tmp_path: Path
) -> None:
    _, folder = ran
    (tmp_path / "rows.tsv").write_text("label\tone\nx\ta b\ny\tb a\n", encoding="utf-8")
    (tmp_path / "wrong.tsv").write_text("label\ttext\nx\ta b\n", encoding="utf-8")
    words = ["predict", str(folder.root), "--task", "turn", "--out", str(tmp_path / "out.jsonl"), "--input"]
    assert CliRunner().invoke(main, [*words, str(tmp_path / "rows.tsv")]).exit_code == 0
    assert len((tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()) == 2
    refused = CliRunner().invoke(main, [*words, str(tmp_path / "wrong.tsv")])
    assert refused.exit_code != 0
    assert "'one'" in refused.output
