"""A stage on stored rows of a frozen encoder. Oracle: the same stage with the encoder run live."""

import json
import re
import shutil
from typing import Any

import pytest
import torch
from click.testing import CliRunner

from model.encoder import Encoder
from model.scalar_mix import mixes_in
from pipeline import stage_run
from pipeline.cli import main
from pipeline.recipe.identity import identity
from tests.pipeline.two_ranks import run_under_zero
from tokenization.errors import RecipeError
from training.checkpoint import load_weights
from training.loop import StagePlan

STAGES = """
stages:
  - name: general
    kind: pretrain
    steps: 2
    streams:
      - {source: {blocks_of: general, length: 32}, objectives: [mlm], amount: {tokens: 200}}
  - name: features
    kind: finetune
    steps: 12
    freeze: [encoder, pooler]
    evaluate: {every: 6}
    carry: last
    streams:
      - {source: {task: topic}, amount: {examples: 6}}
      - {source: {task: alike}, amount: {examples: 6}}
      - {source: {task: names}, amount: {examples: 6}}
"""
WITHOUT_DROPOUT, STORED = "encoder.dropout=0", "features.stored=true"


@pytest.fixture
def frozen(house: Any) -> Any:
    """The tiny house with a stage on a frozen encoder; a sequence, its mixed layers, and its words as one run."""
    text = house.file.read_text(encoding="utf-8").partition("stages:")[0]
    for kind, head in (("regression", "{layers: mix}"), ("tagging", "{pool: lstm, width: 8, layers: beside_words}")):
        text = text.replace(f"    kind: {kind}\n", f"    kind: {kind}\n    head: {head}\n")
    house.file.write_text(text + STAGES, encoding="utf-8")
    return house


def weights(folder: Any) -> dict[str, torch.Tensor]:
    return load_weights(folder.stage("features").checkpoint(12) / "weights.safetensors")


@pytest.fixture
def no_live_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """The encoder must not be called in the steps of the stage `features`, nor in its evaluations."""
    stage: list[str] = [""]
    fit, forward = stage_run.fit, Encoder.forward

    def told(plan: StagePlan, *rest: Any, **more: Any) -> Any:
        stage[0] = plan.stage
        try:
            return fit(plan, *rest, **more)
        finally:
            stage[0] = ""

    def refused(self: Encoder, *given: Any, **more: Any) -> Any:
        assert stage[0] != "features"
        return forward(self, *given, **more)

    monkeypatch.setattr(stage_run, "fit", told)
    monkeypatch.setattr(Encoder, "forward", refused)


def test_a_stage_on_stored_rows_ends_with_the_weights_of_its_live_twin(frozen: Any) -> None:
    live = frozen.run("live", WITHOUT_DROPOUT)
    stored = frozen.run("stored", WITHOUT_DROPOUT, STORED)
    before = load_weights(live.stage("general").checkpoint(2) / "weights.safetensors")
    for name, value in weights(live).items():
        assert (weights(stored)[name] - value).abs().max() <= 1e-6, name
        assert not name.startswith(("encoder.", "pooler.")) or torch.equal(value, before[name])
    assert not torch.equal(weights(live)["heads.topic.linear.weight"], torch.zeros(2, 16))


@pytest.mark.usefixtures("no_live_training")
def test_rows_serve_all_epochs_and_later_runs(frozen: Any, capsys: pytest.CaptureFixture[str]) -> None:
    frozen.run("first", STORED)
    assert made_and_found(capsys) == [("132", "0")]  # train and dev of three tasks
    frozen.run("second", STORED, "features.optimizer.rate=0.02")
    assert made_and_found(capsys) == [("0", "132")]
    frozen.run("third", STORED, "seed=2")  # another encoder
    assert made_and_found(capsys) == [("132", "0")]


def made_and_found(capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str]]:
    told = r"features: vectors of (\d+) sequences computed in [\d.]+ s, of (\d+) found in"
    return re.findall(told, capsys.readouterr().out)


def test_a_killed_stage_goes_on_to_the_same_bytes(frozen: Any) -> None:
    whole = frozen.run("whole", STORED)
    shutil.rmtree(frozen.folder("whole").store / "vectors")
    with frozen.killed_at("features", 8):
        frozen.run("broken", STORED)
    broken = frozen.run("broken", STORED)
    for name, value in weights(whole).items():
        assert torch.equal(weights(broken)[name], value), name


def test_stored_is_identity_and_left_out_by_default(frozen: Any) -> None:
    recipe = frozen.recipe()
    assert "stored" not in identity(recipe, "features")["stage"]
    assert identity(frozen.recipe(STORED), "features")["stage"]["stored"] is True


def test_plan_tells_the_size_on_the_disk(frozen: Any) -> None:
    frozen.run("planned", "features.steps=1")
    result = CliRunner().invoke(
        main, ["plan", str(frozen.file), "--run-dir", str(frozen.folder("later").root), "--set", STORED]
    )
    assert result.exit_code == 0, result.output
    materials = frozen.materials("planned")
    words = sum(len(materials.encoded("names", split).tokens_T) for split in ("train", "dev"))
    rows = 2 * (30 + 14) + words  # topic and alike are read at [CLS]; 2 layers are mixed; a vector has 16 numbers
    assert f"stored vectors: at most {rows:,} rows of 2 x 16, {rows * 2 * 16 * 4 / 2**20:.1f} MiB" in result.output


def test_what_moves_or_is_made_anew_at_each_step_is_refused(frozen: Any) -> None:
    with pytest.raises(
        RecipeError, match=r"stages\[features\].stored: this stage trains the encoder.*freeze: \[encoder, pooler\]"
    ):
        frozen.recipe(STORED, "features.freeze=[pooler]")
    with pytest.raises(RecipeError, match=r"stored: task topic writes texts, which are begun anew"):
        frozen.recipe(STORED, "tasks.topic={kind: generation, fields: text, files: {train: topic-train.tsv}}")
    aux = "{name: aux, source: {text_of: [topic]}, objectives: [mlm], amount: {tokens: 100}}"
    frozen.rewrite("      - {source: {task: names}, amount: {examples: 6}}", f"      - {aux}")
    with pytest.raises(RecipeError, match=r"stored: stream 'aux' \(text_of\) makes new sequences at each step"):
        frozen.recipe(STORED)


def test_what_the_mix_reads_stands_in_the_manifest_and_in_the_report(frozen: Any) -> None:
    run = frozen.run("shares", report=True)
    manifest = json.loads(run.stage("features").manifest.read_text(encoding="utf-8"))
    learned = mixes_in(weights(run))["alike"]["input"]
    assert manifest["layer_shares"] == {
        "alike": {"input": {"shares_K": list(learned.shares_K), "gamma": learned.gamma}}
    }
    assert sum(learned.shares_K) == pytest.approx(1.0)
    assert learned.shares_K[0] != learned.shares_K[1]
    assert "layer_shares" not in json.loads(run.stage("general").manifest.read_text(encoding="utf-8"))
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", run.report.read_text(encoding="utf-8"))
    place = cells.index("input")
    assert cells[place - 2 : place + 4] == [
        "features",
        "alike",
        "input",
        *(f"{x:.3f}" for x in (learned.gamma, *learned.shares_K)),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("sets", [(), (STORED,)], ids=["live", "stored"])
@pytest.mark.parametrize("stage", [3])
def test_zero_on_two_ranks_trains_lstm_and_mix_as_the_plain_engine_on_one(
    frozen: Any, stage: int, sets: tuple[str, ...]
) -> None:
    changes = (*sets, WITHOUT_DROPOUT, "engine.micro_batch_tokens=80")
    alone = frozen.run("alone", *changes)
    both = run_under_zero(frozen, stage, "zero", *changes)
    for name, value in weights(alone).items():
        assert (weights(both)[name] - value).abs().max() <= 1e-4, name
