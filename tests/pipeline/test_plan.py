"""`plan` says what `run` would do, and touches nothing."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from pipeline.cli import main
from pipeline.decisions import decide_by_settings
from pipeline.plan import outlook
from pipeline.run import materials_of
from pipeline.unused import unused_notes
from tokenization.corpus import Corpus
from tokenization.windows import window_index
from training.checkpoint import load_weights

NAMES = ("general", "domain", "multitask")


def tree(base: Path) -> dict[str, tuple[int, int]]:
    """Every file and folder with its size and time of change."""
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in sorted(base.rglob("*"))}


def plan(house: Any, name: str, *words: str) -> str:
    before = tree(house.base)
    command = ["plan", str(house.file), "--run-dir", str(house.folder(name).root), *words]
    result = CliRunner().invoke(main, command)
    assert tree(house.base) == before, "plan must touch nothing"
    assert result.exit_code == 0, result.output
    return result.output


def test_before_anything_is_tokenised_plan_says_so_and_tells_what_the_recipe_alone_tells(house: Any) -> None:
    text = plan(house, "r")
    assert "general (pretrain): START, nothing saved yet; not tokenised yet: tokenizer" in text
    assert "domain (adapt): START, after general; not tokenised yet: tokenizer" in text
    assert "8 steps" in text
    assert "about 3,200 tokens" in text  # 8 steps of 400
    assert "tokens not known yet" in text  # a task's examples are of any length
    assert "topic: 30 rows, 6 a step" in text
    assert "general-pairs: about 400 tokens a step" in text
    assert not (house.base / "runs").exists()


def test_before_anything_is_tokenised_plan_still_finds_missing_text_and_bad_labels(house: Any) -> None:
    labels = house.base / "data" / "topic-train.tsv"
    good = labels.read_text()
    labels.write_text(good + "moon\tanna sees .\n")
    command = ["plan", str(house.file), "--run-dir", str(house.folder("r").root)]
    found = CliRunner().invoke(main, command)
    assert (found.exit_code, "label 'moon' is not one of task 'topic'" in found.output) == (1, True)
    labels.write_text(good)
    (house.base / "data" / "general.txt").unlink()
    found = CliRunner().invoke(main, command)
    assert (found.exit_code, "corpora.general.files: there is no" in found.output) == (1, True)


def test_with_tokenised_text_and_no_index_yet_plan_is_exact_and_writes_no_index(house: Any) -> None:
    CliRunner().invoke(main, ["tokenize", str(house.file), "--run-dir", str(house.folder("r").root)])
    text = plan(house, "r")
    assert "not tokenised" not in text
    materials = materials_of(house.recipe(), house.folder("r"), make=False)
    found = {stage.stage.name: stage for stage in outlook(materials, house.folder("r"), extend=False)}
    assert not list((house.base / "runs" / "store").rglob("windows"))
    # The exact numbers are those of the run itself.
    state = house.run("r", only="general").stage("general")
    assert found["general"].tokens == sum(_read(state.manifest)["state"]["tokens"].values())


def test_plan_tells_skip_resume_start_and_refuse_with_their_reasons(house: Any) -> None:
    with house.killed_at("domain", 6):
        house.run("r")
    words = [line for line in plan(house, "r").splitlines() if not line.startswith(" ")]
    assert [word.split(",")[0] for word in words[:3]] == [
        "tokenizer: SKIP",
        "corpus general: SKIP",
        "corpus domain: SKIP",
    ]
    assert words[3:] == [
        "general (pretrain): SKIP, finished, 8 steps",
        "domain (adapt): RESUME, checkpoint at step 5 of 6",
        "multitask (finetune): START, after domain",
    ]
    refused = plan(house, "r", "--set", "domain.optimizer.rate=0.5", "--set", "general.steps=9")
    assert "general (pretrain): REFUSE, finished at 8 steps, now 9: go on with --extend" in refused
    assert "domain (adapt): REFUSE, made under other settings" in refused
    assert "stage.optimizer.rate: 0.01 then, 0.5 now" in refused
    extended = plan(house, "r", "--set", "general.steps=9", "--extend")
    assert "general (pretrain): RESUME, extended from 8 to 9 steps" in extended


def test_plan_and_run_tell_what_the_text_leaves_out(house: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = house.base / "data" / "general.txt"
    single = "".join(f"\n\nanna sees the {word} ." for word in ("moon", "sun", "star", "sky", "dawn"))
    path.write_text(path.read_text().rstrip("\n") + single + "\n")
    house.run("r", only="general")
    printed = capsys.readouterr().out
    (note,) = re.findall(r"general-pairs: \d of \d+ windows hold one sentence and make no pair", printed)
    assert f"    {note}\n" in plan(house, "r")


ROWS = "fields: text, labels: [sea, land], length: 32, files: {train: topic-train.tsv, dev: topic-dev.tsv}"


def test_plan_tells_of_tasks_and_splits_that_nothing_takes_up(shared_house: Any) -> None:
    idle = f"tasks.idle={{kind: classification, {ROWS}}}"
    written = f"tasks.filled={{kind: classification, {ROWS}, cloze: {{pattern: '{{text}} {{mask}}', "
    written += "words: {sea: ship, land: forest}}}"
    more = "evaluation.more={idle: [dev], filled: [train]}"
    materials = shared_house.materials("r", idle, written, "tasks.ax={length: 32}", more)
    assert unused_notes(materials) == [
        "tasks.idle: not used: no stage draws it, and no stage trains the head that answers it (idle)",
        "tasks.ax: not used: no stage draws it, and no stage trains the head that answers it (mnli)",
        "evaluation.more.idle: dev not scored: no stage trains the head that answers it (idle)",
    ]
    evaluation = materials.recipe.evaluation.model_copy(update={"split": "other"})
    other = materials.with_recipe(materials.recipe.model_copy(update={"evaluation": evaluation}))
    told = "evaluation.more.filled: train not scored: filled has no split 'other' with labels to score first"
    assert told in unused_notes(other)


@pytest.mark.parametrize(
    "use",
    [
        "multitask.aux.source={text_of: [topic, idle]}",
        "corpora.general.clean.decontaminate={suites: [idle]}",
        "multitask.aux={source: {text_of: [idle]}, amount: {examples: 2}, "
        "objectives: [{distill: {task: idle, teacher: {model: .}}}]}",
    ],
)
def test_a_task_that_is_read_learned_or_kept_out_of_text_is_used(shared_house: Any, use: str) -> None:
    assert unused_notes(shared_house.materials("r", f"tasks.idle={{kind: classification, {ROWS}}}", use)) == []


def test_plan_prints_what_is_not_used(house: Any) -> None:
    text = plan(house, "r", "--set", f"tasks.idle={{kind: classification, {ROWS}}}")
    assert text.endswith(
        "\ntasks.idle: not used: no stage draws it, and no stage trains the head that answers it (idle)\n"
    )


@pytest.mark.parametrize("tokenised", [False, True])
def test_rates_layers_that_stand_still_and_words_to_ask_in_are_told_with_and_without_text(
    house: Any, tokenised: bool
) -> None:
    if tokenised:
        CliRunner().invoke(main, ["tokenize", str(house.file), "--run-dir", str(house.folder("r").root)])
    asked = f"tasks.asked={{kind: classification, {ROWS}, prompt: {{text: '{{text}} the', "
    asked += "answers: {sea: ship, land: forest}}}"
    still = "multitask.unfreeze={kind: gradual, every: 25}"
    text = plan(house, "r", "--set", asked, "--set", still)
    assert ("not tokenised yet" in text) is not tokenised
    assert "    encoder:block-0: 1 of the rate, from step 25\n" in text
    assert text.count("    encoder:embeddings: never moves in 40 steps (unfreeze)\n") == 1
    assert text.count("    asked: a prompt, and no stage up to here trains the language model from left to right") == 3


@pytest.mark.parametrize("tokenised", [False, True])
def test_the_size_of_stored_rows_is_told_as_soon_as_there_is_a_vocabulary(house: Any, tokenised: bool) -> None:
    text = house.file.read_text(encoding="utf-8").partition("      - name: aux")[0]
    house.file.write_text(
        text.replace("kind: finetune", "kind: finetune\n    stored: true\n    freeze: [encoder, pooler]")
    )
    if tokenised:
        CliRunner().invoke(main, ["tokenize", str(house.file), "--run-dir", str(house.folder("r").root)])
    told = "stored vectors: at most" if tokenised else "stored vectors: their size is known once the vocabulary is made"
    assert told in plan(house, "r")


def test_plan_judges_by_settings_where_the_store_was_removed(house: Any) -> None:
    house.run("r", only="general")
    (house.base / "runs" / "store").rename(house.base / "elsewhere")
    assert "general (pretrain): SKIP, finished, 8 steps; not tokenised yet: tokenizer" in plan(house, "r")
    assert "general (pretrain): REFUSE" in plan(house, "r", "--set", "seed=3")


def test_a_section_that_was_taken_away_is_noticed_by_the_settings_alone(house: Any) -> None:
    house.rewrite(
        "{pairs_of: general, length: 48}, objectives: [mlm, nsp]",
        "{blocks_of: general, length: 32}, objectives: [mass]",
    )
    house.run("r", "general.steps=2", "decoder.layers=1", only="general")
    (house.base / "runs" / "store").rename(house.base / "elsewhere")
    sets = ("--set", "general.steps=2")
    assert "general (pretrain): SKIP" in plan(house, "r", *sets, "--set", "decoder.layers=1")
    refused = plan(house, "r", *sets)
    assert "general (pretrain): REFUSE, made under other settings" in refused
    assert 'decoder: {"layers": 1} then, "(not given)" now' in refused


def test_what_is_judged_by_settings_keeps_all_content_of_the_record(shared_house: Any, done: Any) -> None:
    materials = shared_house.materials("done")
    for stage in materials.recipe.stages:
        assert decide_by_settings(materials, done, stage, extend=False).action == "skip"


def test_parameters_are_those_of_the_network_that_is_trained(shared_house: Any, done: Any) -> None:
    materials = materials_of(shared_house.recipe(), done, make=False)
    for stage in outlook(materials, done, extend=False):
        saved = done.stage(stage.stage.name)
        weights = load_weights(saved.checkpoint(saved.saved_steps()[-1]) / "weights.safetensors")
        assert stage.parameters == sum(tensor.numel() for tensor in weights.values())
        assert stage.decision.action == "skip"


def test_a_read_only_corpus_writes_no_index_and_gives_the_same_windows(shared_house: Any, done: Any) -> None:
    corpus = shared_house.materials("done").corpus("general")
    bare = shared_house.base / "bare"
    shutil.copytree(corpus.folder, bare, ignore=shutil.ignore_patterns("windows"))
    before = tree(bare)
    ours, theirs = window_index(Corpus.open(bare, read_only=True), 45, False), window_index(corpus, 45, False)
    assert tree(bare) == before
    for name in ("start_W", "length_W", "split_W", "document_W"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))


def _read(path: Path) -> Any:
    return json.loads(path.read_text())
