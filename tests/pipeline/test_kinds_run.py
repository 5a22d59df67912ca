"""Tasks of the grouped kinds, of several labels and of spans, from a few lines of a recipe to scores and answers."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.cli import main
from pipeline.show import step_text
from tests.pipeline.two_ranks import losses, run_under_zero

TASKS = """
  hears: {kind: multilabel, fields: text, label: topics, labels: [sea, land], length: 32,
          files: {train: hears.jsonl, dev: hears.jsonl}}
  ranks: {kind: ranking, fields: [query, answers], label: best, length: 32,
          files: {train: ranks.jsonl, dev: ranks.jsonl}}
  picks: {kind: choice, fields: [text, endings], length: 32, files: {train: picks.jsonl, dev: picks.jsonl}}
  reads: {kind: span, fields: [question, text], label: answers, unanswerable: true, overlap: 8, length: 24,
          files: {train: reads.jsonl, dev: reads.jsonl}}
"""
STAGES = """
stages:
  - name: answer
    kind: finetune
    steps: 6
    streams:
""" + "".join(
    f"      - {{source: {{task: {name}}}, amount: {{examples: 3}}}}\n" for name in ("hears", "ranks", "picks", "reads")
)

NEW = ("hears", "ranks", "picks", "reads")
TEXT = "anna sees the ship near a reef . boris finds the whale near a deck . clara paints the oak near a barn ."


@pytest.fixture(scope="module")
def ran(shared_house: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """A house of its own whose recipe has the four tasks, and its finished run."""
    data = write_tasks(tmp_path_factory.mktemp("data"), shared_house.base / "data")
    house = shared_house.beside(tmp_path_factory.mktemp("kinds"), TASKS, STAGES, data)
    return house, house.run("kinds")


def write_tasks(folder: Path, corpora: Path) -> Path:
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in NEW}
    for number, word in enumerate(("ship", "whale", "oak", "barn", "reef", "deck")):
        rows["hears"].append({"text": f"the {word}", "topics": [["sea"], ["land"], ["sea", "land"], []][number % 4]})
        rows["ranks"].append({"query": word, "answers": ["the hill", f"the {word}", "a road"], "best": 1})
        rows["picks"].append(
            {"text": word, "endings": [f"the {word}", "a road"][:: 1 - 2 * (number % 2)], "label": number % 2}
        )
        rows["reads"].append({"question": f"what {number}", "text": TEXT, "answers": [word] if number % 3 else []})
    for name, given in rows.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in given), encoding="utf-8")
    for name in ("general.txt", "domain.txt"):
        (folder / name).symlink_to(corpora / name)
    return folder


def test_every_example_is_scored_and_its_answer_written(ran: tuple[Any, Any]) -> None:
    _, folder = ran
    scores = json.loads(folder.scores.read_text())["tasks"]
    assert {name: scores[name]["rows"] for name in NEW} == dict.fromkeys(NEW, 6)
    for name in NEW:
        (path,) = folder.root.rglob(f"predictions/{name}.jsonl")
        answers = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        assert [row["id"] for row in answers] == [str(number) for number in range(6)]
        for row in answers:
            assert {"hears": 2, "ranks": 3, "picks": 2, "reads": 1}[name] == len(row["scores"])
            assert name != "reads" or row["label"] in TEXT


def test_the_exported_model_scores_the_same_as_the_run_did(ran: tuple[Any, Any], tmp_path: Path) -> None:
    house, folder = ran
    known = json.loads(folder.scores.read_text())["tasks"]
    words = ["evaluate", str(folder.root), "--data", str(house.base / "data"), "--out", str(tmp_path)]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "scores.json").read_text())["tasks"]
    assert {name: found[name]["metrics"] for name in NEW} == {name: known[name]["metrics"] for name in NEW}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("tasks.reads.longest_answer=1", "tasks.reads.longest_answer: 30 then, 1 now"),
        ("tasks.ranks.metrics=[mrr]", 'tasks.ranks.metrics: ["accuracy"] then, ["mrr"] now'),
    ],
)
def test_what_only_decides_scores_is_measured_again_on_the_same_weights(
    ran: tuple[Any, Any], change: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    house, folder = ran
    name = change.partition("=")[0]
    shutil.copytree(folder.root, house.folder(f"later-{name}").root)
    capsys.readouterr()
    later = house.run(f"later-{name}", change)
    assert f"answer: measured again, since its evaluation changed:\n  {told}" in capsys.readouterr().out
    at_once = house.run(f"at-once-{name}", change)
    assert losses(later, "answer") == losses(folder, "answer") == losses(at_once, "answer")
    assert json.loads(later.scores.read_text())["tasks"] == json.loads(at_once.scores.read_text())["tasks"]


def test_a_step_shows_what_is_right_of_each_candidate_window_and_class(ran: tuple[Any, Any]) -> None:
    house, _ = ran
    materials = house.materials("kinds")
    shown = "".join(step_text(materials, materials.recipe.stage("answer"), step) for step in range(1, 7))
    candidates = re.findall(r"(ranks|picks) draw (\d+): \[CLS\]\{\w+: (right|wrong)\}", shown)
    assert len(candidates) == 18 * (3 + 2)
    assert sum(label == "right" for _, _, label in candidates) == 18 + 18
    assert re.search(r"reads draw \d+: \[CLS\]\{span: start and end\} wh", shown)
    assert re.search(r"\[SEP\] [^\n]*\{span: start( and end)?\}", shown)
    assert "{multilabel: 0, 1}" in shown
    assert "{multilabel: none}" in shown


@pytest.mark.slow
@pytest.mark.parametrize("stage", [1, 3])
def test_zero_on_two_ranks_trains_and_answers_as_the_plain_engine_on_one(ran: tuple[Any, Any], stage: int) -> None:
    """Tasks alternate, so that three heads of four are idle in each step, and a rank may have no micro-batch."""
    house, _ = ran
    sets = ["answer.sampling=alternate", "answer.steps=16", "engine.micro_batch_tokens=80"]
    alone = house.run(f"alone{stage}", *sets)
    both = run_under_zero(house, stage, f"zero{stage}", *sets)
    assert losses(both, "answer") == pytest.approx(losses(alone, "answer"), rel=1e-5)
    found, known = (json.loads(folder.scores.read_text())["tasks"] for folder in (both, alone))
    for name in NEW:
        assert found[name]["metrics"] == pytest.approx(known[name]["metrics"], abs=1e-3)
