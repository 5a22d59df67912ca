"""Tasks asked for in words, and learned from such teachers, from a few lines of a recipe to scores and answers."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from click.testing import CliRunner

from model.weights_file import read_safetensors
from pipeline.cli import main
from pipeline.lineage import with_lm_head_stage
from pipeline.prompt_notes import prompt_notes
from pipeline.recipe.recipe import LM_HEAD_STAGE
from pipeline.recipe.stream import TextOf
from tests.pipeline.two_ranks import losses, run_under_zero
from tokenization.errors import RecipeError

ROWS = """kind: classification, fields: [text], labels: [sea, land], length: 40, hidden: [unlabelled],
    files: {train: topic-train.tsv, dev: topic-dev.tsv, unlabelled: topic-dev.tsv}"""
TASKS = f"""
  topic: {{{ROWS}}}
  filled: {{{ROWS}, cloze: {{pattern: "{{text}} the {{mask}} .", words: {{sea: ship, land: forest}}}}}}
  other: {{{ROWS}, cloze: {{pattern: "a {{mask}} : {{text}}", words: {{land: road, sea: sail}}}}}}
"""
STAGES = """
stages:
  - name: general
    kind: pretrain
    steps: 4
    streams:
      - {source: {pairs_of: general, length: 40}, objectives: [mlm, nsp], amount: {tokens: 300}}
  - name: ask
    kind: finetune
    steps: 6
    streams:
      - {source: {task: filled}, amount: {examples: 6}}
      - {source: {text_of: [filled]}, objectives: [{mlm: {unit: word}}], amount: {tokens: 60}, weight: 0.1}
  - name: ask-otherwise
    kind: finetune
    steps: 6
    parent: general
    streams:
      - {source: {task: other}, amount: {examples: 6}}
  - name: learn
    kind: finetune
    steps: 8
    parent: general
    streams:
      - source: {text_of: [topic], split: unlabelled}
        objectives:
          - distill:
              task: topic
              teacher: [{stage: ask, task: filled}, {stage: ask-otherwise, task: other}]
              temperature: 2.0
        amount: {examples: 7}
"""
SMALL = "checkpoint.every=3"


@pytest.fixture(scope="module")
def ran(shared_house: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    house = shared_house.beside(tmp_path_factory.mktemp("cloze"), TASKS, STAGES)
    return house, house.run("words", SMALL)


def boundary(folder: Any, stage: str) -> Any:
    return json.loads(folder.stage(stage).manifest.read_text())["boundary"]["tasks"]


def test_a_task_in_words_is_measured_at_every_boundary_after_the_language_model(ran: tuple[Any, Any]) -> None:
    _, folder = ran
    assert {stage: set(boundary(folder, stage)) for stage in ("general", "ask", "learn")} == {
        "general": {"filled", "other"},
        "ask": {"filled", "other"},
        "learn": {"topic", "filled", "other"},
    }
    rows = {row["name"]: row["values"] for row in json.loads(folder.scores.read_text())["ledger"]["rows"]}
    known = [boundary(folder, stage)["filled"]["metrics"]["accuracy"] for stage in ("general", "ask")]
    assert rows["filled accuracy"][:2] == known
    assert None not in rows["filled accuracy"]


def test_a_task_in_words_brings_no_parameters(ran: tuple[Any, Any]) -> None:
    _, folder = ran
    record = json.loads(folder.stage("ask").manifest.read_text())
    names = read_safetensors(folder.stage("ask").root / record["carry"]["file"])
    assert not [name for name in names if "filled" in name or "topic" in name]


def test_the_exported_model_scores_the_same_as_the_run_did(ran: tuple[Any, Any], tmp_path: Path) -> None:
    house, folder = ran
    known = json.loads(folder.scores.read_text())["tasks"]
    words = ["evaluate", str(folder.root), "--data", str(house.base / "data"), "--out", str(tmp_path)]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "scores.json").read_text())["tasks"]
    assert {name: task["metrics"] for name, task in found.items()} == {
        name: task["metrics"] for name, task in known.items()
    }
    assert set(found) == {"topic", "filled", "other"}


def test_a_student_learns_the_mean_of_its_teachers_softened_shares(ran: tuple[Any, Any]) -> None:
    """Oracle: the shares that the teachers' prediction files show, on the same rows."""
    _, folder = ran

    def shares(stage: str, task: str) -> np.ndarray:
        lines = (folder.stage(stage).root / "predictions" / f"{task}.jsonl").read_text().splitlines()
        raised = np.sqrt(np.array([json.loads(line)["scores"] for line in lines]))
        return raised / raised.sum(1, keepdims=True)

    (path,) = (folder.stage("learn").root / "soft-labels").iterdir()
    known = (shares("ask", "filled") + shares("ask-otherwise", "other")) / 2
    assert np.load(path) == pytest.approx(known, abs=1e-4)
    assert len({tuple(row) for row in np.load(path).round(4).tolist()}) > 1


def test_a_stage_waits_for_its_teachers_and_is_another_one_when_they_are(
    ran: tuple[Any, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    house, folder = ran
    shutil.copytree(folder.root, house.folder("again").root)
    for path in house.folder("again").stage("ask-otherwise").root.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    words = ["plan", str(house.file), "--set", SMALL, "--run-dir", str(house.folder("again").root)]
    assert "learn (finetune): START, after ask-otherwise" in CliRunner().invoke(main, words).output
    result = CliRunner().invoke(main, ["plan", str(house.file), "--set", SMALL, "--set", "ask.seed=5", *words[4:]])
    assert "learn (finetune): START, after ask-otherwise" in result.output


def test_a_killed_student_goes_on_from_the_same_soft_labels(ran: tuple[Any, Any], lasting: Any) -> None:
    house, folder = ran
    shutil.copytree(folder.root, house.folder("killed").root)
    shutil.rmtree(house.folder("killed").stage("learn").root)
    with house.killed_at("learn", 5):
        house.run("killed", SMALL)
    assert lasting(house.run("killed", SMALL).root) == lasting(folder.root)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("filled.cloze.pattern='{text} so'", "tasks.filled.cloze.pattern: {mask} is missing"),
        ("filled.cloze.words={sea: ship}", "tasks.filled.cloze.words: nothing for land"),
        ("filled.head=concat", "tasks.filled.head: useless with a cloze"),
    ],
)
def test_contradictions_are_refused_at_once(ran: tuple[Any, Any], change: str, told: str) -> None:
    house, _ = ran
    with pytest.raises(RecipeError) as caught:
        house.recipe(f"tasks.{change}")
    assert told in str(caught.value)


def test_tagging_under_a_cloze_is_refused_with_the_reason(house: Any) -> None:
    with pytest.raises(RecipeError, match=r"tasks.names.cloze: does not go with tagging: its words stand for"):
        house.recipe("tasks.names.cloze={pattern: '{words} {mask}', words: {O: x}}")


def test_words_that_the_vocabulary_lacks_are_refused_at_plan(ran: tuple[Any, Any]) -> None:
    house, folder = ran
    words = [
        "plan",
        str(house.file),
        "--run-dir",
        str(folder.root),
        "--set",
        "tasks.other.cloze.words={sea: €, land: x}",
    ]
    result = CliRunner().invoke(main, words)
    assert result.exit_code != 0
    assert "tasks.other.cloze.words.sea: the vocabulary has no pieces for '€'" in result.output


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("source={text_of: [topic], split: dev}", "'dev' is scored, so nothing is learned from its text"),
        ("source={text_of: [topic], split: unlabeled}", "task topic has no split 'unlabeled'; it has train, dev, "),
        ("source={text_of: [filled]}", "'distill' of topic reads the text of topic: source: {text_of: [topic]}"),
        ("objectives=[mlm, {distill: {task: topic, teacher: {stage: ask, task: filled}}}]", "a stream to itself"),
        (
            "objectives=[{distill: {task: filled, teacher: {stage: ask}}}]",
            "filled has none, being put into words; let a task without a cloze or a prompt, described a second time "
            "with the same files, learn from it",
        ),
        ("objectives=[{distill: {task: topic, teacher: {stage: asks}}}]", "teacher 'asks'; a teacher is"),
        ("objectives=[{distill: {task: topic, teacher: {stage: learn}}}]", "teacher 'learn'; a teacher is"),
        ("objectives=[{distill: {task: topic, teacher: {stage: ask, task: fill}}}]", "teacher.task: given 'fill'"),
        ("objectives=[{distill: {task: topics, teacher: {stage: ask}}}]", "distill.task: given 'topics'; tasks"),
        ("objectives=[{distill: {task: topic, teacher: nowhere}}]", "teacher[0].model: given 'nowhere'; no such file"),
        ("objectives=[{distill: {task: topic, teacher: {task: filled}}}]", "give exactly one of 'stage' and 'model'"),
    ],
)  # fmt: skip
def test_what_a_student_cannot_learn_from_is_refused(ran: tuple[Any, Any], change: str, told: str) -> None:
    house, _ = ran
    with pytest.raises(RecipeError) as caught:
        house.recipe(f"learn.topic-text.{change}")
    assert told in str(caught.value)


def test_the_rows_of_a_built_in_task_in_words_are_lent_to_a_student_by_like(ran: tuple[Any, Any]) -> None:
    house, _ = ran
    words = "tasks.sst2={length: 40, cloze: {pattern: '{sentence} {mask}', words: {negative: ship, positive: forest}}}"
    asked = "learn.streams=[{source: {text_of: [sst2]}, amount: {examples: 2}, "
    asked += "objectives: [{distill: {task: sst2, teacher: {stage: ask}}}]}]"
    with pytest.raises(RecipeError, match="without a cloze or a prompt, with like: sst2, learn from it"):
        house.recipe(words, asked)


def test_a_teacher_without_a_head_for_the_task_is_refused_at_plan(ran: tuple[Any, Any]) -> None:
    house, folder = ran
    change = "learn.topic-text.objectives=[{distill: {task: topic, teacher: {stage: ask}}}]"
    words = ["plan", str(house.file), "--run-dir", str(folder.root), "--set", change]
    result = CliRunner().invoke(main, words)
    assert result.exit_code != 0
    assert "stage ask cannot teach topic: it has no head for it; its heads: mlm, nsp" in result.output


def test_an_exported_model_teaches_as_the_stage_does_that_it_came_from(ran: tuple[Any, Any]) -> None:
    house, folder = ran
    words = ["export", str(folder.root), "--stage", "ask", "--to", str(house.base / "teacher")]
    assert CliRunner().invoke(main, words).exit_code == 0
    settings = "task: topic, teacher: {{{}, task: filled}}"
    found = []
    for number, teacher in enumerate(("stage: ask", "model: teacher")):
        change = f"learn.topic-text.objectives=[{{distill: {{{settings.format(teacher)}}}}}]"
        other = house.folder(f"taught{number}")
        shutil.copytree(folder.root, other.root)
        shutil.rmtree(other.stage("learn").root)
        house.run(f"taught{number}", SMALL, change)
        (path,) = (other.stage("learn").root / "soft-labels").iterdir()
        found.append(np.load(path))
    assert found[0].tolist() == found[1].tolist()


PROMPTED = f'\n  prompted: {{{ROWS}, prompt: {{text: "{{text}} the", answers: {{sea: ship, land: forest}}}}}}\n'
CAUSAL = """
stages:
  - name: general
    kind: pretrain
    steps: 4
    streams:
      - {source: {blocks_of: general, length: 40}, objectives: [WAY], amount: {tokens: 300}}
  - name: ask
    kind: finetune
    steps: 4
    streams:
      - {source: {task: prompted}, amount: {examples: 6}}
"""


@pytest.mark.parametrize(("way", "noted"), [("causal", False), ("mlm", True)])
def test_a_prompt_is_answered_before_and_after_its_examples_and_plan_says_what_it_is_worth(
    shared_house: Any, tmp_path: Path, way: str, noted: bool
) -> None:
    house = shared_house.beside(tmp_path, PROMPTED, CAUSAL.replace("WAY", way))
    folder = house.run("prompted")
    assert all("accuracy" in boundary(folder, stage)["prompted"]["metrics"] for stage in ("general", "ask"))
    result = CliRunner().invoke(main, ["plan", str(house.file), "--run-dir", str(folder.root)])
    assert ("prompted: a prompt, and no stage up to here trains the language model" in result.output) == noted
    assert ("only its own examples teach it" in result.output) == noted
    lines = [json.loads(line) for line in (folder.stage("ask").root / "metrics.jsonl").read_text().splitlines()]
    assert "prompted/prompt" in json.dumps(lines[0])
    words = ["evaluate", str(folder.root), "--data", str(house.base / "data"), "--out", str(tmp_path / "out")]
    assert CliRunner().invoke(main, words).exit_code == 0
    found = json.loads((tmp_path / "out" / "scores.json").read_text())["tasks"]["prompted"]["metrics"]
    assert found == boundary(folder, "ask")["prompted"]["metrics"]


def test_a_missing_head_of_a_language_model_is_fitted_on_the_text_of_the_task_that_asks_it(
    shared_house: Any, tmp_path: Path
) -> None:
    alone = STAGES.partition("  - name: ask-otherwise\n")[2].partition("  - name: learn\n")[0]
    stages = "stages:\n  - name: ask-otherwise\n" + alone.replace("    parent: general\n", "")
    recipe = shared_house.beside(tmp_path, TASKS, stages).recipe()
    headless: Any = SimpleNamespace(heads=())
    first, second = with_lm_head_stage(recipe, headless).stages
    assert (first.name, second.parent) == (LM_HEAD_STAGE, LM_HEAD_STAGE)
    (stream,) = first.streams
    assert stream.source == TextOf(text_of=("other",))
    assert [objective.name for objective in stream.objectives] == ["mlm"]


def test_a_missing_head_that_a_prompt_asks_is_fitted_from_left_to_right_and_the_note_stays(
    shared_house: Any, tmp_path: Path
) -> None:
    stages = "stages:\n" + CAUSAL[CAUSAL.index("  - name: ask") :]
    recipe = shared_house.beside(tmp_path, PROMPTED, stages).recipe()
    inserted = with_lm_head_stage(recipe, cast(Any, SimpleNamespace(heads=())))
    (stream,) = inserted.stages[0].streams
    assert stream.source == TextOf(text_of=("prompted",))
    assert [(one.name, one.settings.direction) for one in stream.objectives] == [("causal", "left")]
    task = inserted.tasks["prompted"].spec("prompted")
    materials: Any = SimpleNamespace(recipe=inserted, public=None, task=lambda name: task)
    assert "only its own examples teach it" in prompt_notes(materials, inserted.stage("ask"))[0]


def test_a_public_checkpoint_s_language_model_is_asked_before_any_training(
    ran: tuple[Any, Any], shared_house: Any, tmp_path: Path
) -> None:
    """Oracle: `triptych evaluate` of the same checkpoint."""
    _, folder = ran
    words = ["export", str(folder.root), "--stage", "ask", "--to", str(tmp_path / "public")]
    assert CliRunner().invoke(main, words).exit_code == 0
    _, _, stages = STAGES.partition("  - name: ask\n")
    own, _, _ = stages.partition("  - name: ask-otherwise\n")
    house = shared_house.beside(tmp_path, TASKS, f"stages:\n  - name: ask\n{own}")
    text = house.file.read_text(encoding="utf-8")
    before, _, after = text.partition("encoder: ")
    _, _, after = after.partition("\n")
    tokenizer = "tokenizer: {train: {corpora: [general], size: 160}}"
    assert tokenizer in before
    before = before.replace(tokenizer, "tokenizer: {from: public}")
    house.file.write_text(f"{before}encoder: {{from: public, dropout: 0.0}}\n{after}", encoding="utf-8")
    started = house.run("public")
    ledger = json.loads(started.scores.read_text())["ledger"]
    assert ledger["columns"] == ["start", "ask"]
    rows = {row["name"]: row["values"][0] for row in ledger["rows"]}
    out = tmp_path / "out"
    words = ["evaluate", str(tmp_path / "public"), "--data", str(house.base / "data"), "--out", str(out)]
    assert CliRunner().invoke(main, words).exit_code == 0
    found = json.loads((out / "scores.json").read_text())["tasks"]
    assert rows["filled accuracy"] == found["filled"]["metrics"]["accuracy"]
    assert rows["other accuracy"] == found["other"]["metrics"]["accuracy"]


@pytest.mark.slow
@pytest.mark.parametrize("zero", [3])
def test_zero_on_two_ranks_asks_and_learns_as_the_plain_engine_on_one(ran: tuple[Any, Any], zero: int) -> None:
    house, _ = ran
    micro = "engine.micro_batch_tokens=160"
    alone = house.run(f"alone{zero}", SMALL, micro)
    both = run_under_zero(house, zero, f"zero{zero}", SMALL, micro)
    for stage in ("ask", "ask-otherwise", "learn"):
        assert losses(both, stage) == pytest.approx(losses(alone, stage), rel=1e-4, abs=1e-6), stage
    shares = [np.load(next((run.stage("learn").root / "soft-labels").iterdir())) for run in (both, alone)]
    assert shares[0] == pytest.approx(shares[1], abs=1e-5)
