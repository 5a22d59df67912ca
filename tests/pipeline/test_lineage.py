"""A run that starts from a public checkpoint: the stage that fits a missing LM head, what it moves, and the note."""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import save_file
from transformers import BertConfig, BertForPreTraining, BertModel

from pipeline.cli import main
from pipeline.lineage import with_lm_head_stage
from pipeline.recipe.load import load_recipe
from pipeline.refusals import refuse_ahead
from pipeline.unused import unused_notes
from tokenization.errors import RecipeError
from training.checkpoint import load_weights

PUBLIC = """encoder: {from: public, dropout: 0}
lm_head_fit: {steps: 4, tokens: 200, rate: 0.01}
"""


def write_public(kind: type[Any], target: Path, tokenizer: Path, entries: int) -> None:
    """A tiny checkpoint as `transformers` writes it, with a tokenizer's files beside it."""
    torch.manual_seed(5)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    kind(BertConfig(vocab_size=entries, max_position_embeddings=48, **sizes)).save_pretrained(target)
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        shutil.copy(tokenizer / name, target / name)


@pytest.fixture
def public_house(house: Any, done: Any, shared_house: Any) -> Any:
    """The tiny house, its encoder and tokenizer from the folder `public`, which a test fills, and one stage."""
    house.rewrite("tokenizer: {train: {corpora: [general], size: 160}}", "tokenizer: {from: public}")
    house.rewrite("encoder: {layers: 1, hidden: 16, heads: 2, feed_forward: 32, positions: 48}\n", PUBLIC)
    head, _, _, multitask = house.file.read_text().replace("\n  - name: ", "\0\n  - name: ").split("\0")
    house.file.write_text((head + multitask).replace("steps: 40", "steps: 6").replace("every: 8", "every: 3"))
    return house


@pytest.fixture
def entries(shared_house: Any, done: Any) -> int:
    return int(shared_house.materials("done").tokenizer.size)


def test_a_checkpoint_without_an_lm_head_gets_one_fitted_first_with_its_encoder_untouched(
    public_house: Any, done: Any, entries: int, capsys: pytest.CaptureFixture[str]
) -> None:
    write_public(BertModel, public_house.base / "public", done.export, entries)
    folder = public_house.run("r")
    printed = capsys.readouterr().out
    scores = json.loads(folder.scores.read_text())
    (note,) = (line for line in scores["notes"] if "LM head" in line)
    assert note.endswith("has no LM head: stage lm-head fitted one first, 4 steps with the encoder frozen.")
    assert note in " ".join(printed.split())
    assert "name: lm-head" in folder.recipe.read_text()

    found = load_weights(folder.stage("lm-head").checkpoint(4) / "weights.safetensors")
    theirs = load_weights(public_house.base / "public" / "model.safetensors")
    assert torch.equal(found["encoder.embeddings.word.weight"], theirs["embeddings.word_embeddings.weight"])
    query, key, value = (theirs[f"encoder.layer.0.attention.self.{name}.weight"] for name in ("query", "key", "value"))
    assert any(torch.equal(tensor, torch.cat([query, key, value])) for tensor in found.values())
    manifest = json.loads(folder.stage("multitask").manifest.read_text())
    assert manifest["parent"] == "lm-head"
    losses = [json.loads(line)["terms"] for line in folder.stage("lm-head").metrics.read_text().splitlines()]
    assert all(terms.keys() == {"aux/mlm"} for terms in losses)
    assert losses[-1]["aux/mlm"]["loss"] < losses[0]["aux/mlm"]["loss"]


def test_such_a_run_is_planned_skipped_and_exported_like_any_other(
    public_house: Any, done: Any, entries: int, lasting: Any
) -> None:
    write_public(BertModel, public_house.base / "public", done.export, entries)
    words = [str(public_house.file), "--run-dir", str(public_house.folder("r").root)]
    planned = CliRunner().invoke(main, ["plan", *words]).output
    assert "lm-head (finetune): START" in planned
    assert f"from {public_house.base / 'public'}" in planned
    folder = public_house.run("r")
    before = lasting(folder.root)
    public_house.run("r")
    assert lasting(folder.root) == before
    planned = CliRunner().invoke(main, ["plan", *words]).output
    assert "\nlm-head (finetune): SKIP, finished, 4 steps" in planned
    target = public_house.base / "again"
    result = CliRunner().invoke(main, ["export", str(folder.root), "--to", str(target)])
    assert result.exit_code == 0, result.output
    assert lasting(target) == lasting(folder.export)


def test_a_checkpoint_with_an_lm_head_needs_no_such_stage_and_opens_the_ledger(
    public_house: Any, done: Any, entries: int
) -> None:
    write_public(BertForPreTraining, public_house.base / "public", done.export, entries)
    public_house.rewrite("ledger: {tokens: 400}", "ledger: {tokens: 400, corpora: [general]}")
    folder = public_house.run("r")
    scores = json.loads(folder.scores.read_text())
    assert scores["ledger"]["columns"] == ["start", "multitask"]
    assert not [note for note in scores["notes"] if "LM head" in note]
    before, after = scores["ledger"]["rows"][0]["values"]
    assert before == pytest.approx(torch.tensor(float(entries)).log().item(), rel=0.05)  # an untrained model guesses
    assert after != before
    rows = {row["name"]: row["values"] for row in scores["ledger"]["rows"]}
    for measure in ("MLM accuracy", "NSP loss", "NSP accuracy"):
        assert None not in rows[f"general: held-out {measure}"]
    assert rows["general: held-out NSP loss"][0] == pytest.approx(math.log(2), rel=0.2)


def test_lengths_that_the_checkpoint_has_no_positions_for_are_refused_with_the_setting(
    public_house: Any, done: Any, entries: int
) -> None:
    write_public(BertForPreTraining, public_house.base / "public", done.export, entries)
    with pytest.raises(RecipeError, match=r"tasks\.topic\.length: 64 tokens are more than the encoder's 48 positions"):
        public_house.run("r", "tasks.topic.length=64")


def test_a_checkpoint_is_known_by_its_content_not_by_its_place_or_the_attention_that_reads_it(
    public_house: Any, done: Any, entries: int
) -> None:
    write_public(BertForPreTraining, public_house.base / "public", done.export, entries)
    public_house.run("r")
    words = ["plan", str(public_house.file), "--run-dir", str(public_house.folder("r").root)]
    (public_house.base / "public").rename(public_house.base / "moved")
    public_house.rewrite("{from: public}", "{from: moved}")
    public_house.rewrite("{from: public, dropout: 0}", "{from: moved, dropout: 0, attention: padded}")
    assert "multitask (finetune): SKIP" in CliRunner().invoke(main, words).output
    weights = load_weights(public_house.base / "moved" / "model.safetensors")
    word = weights["bert.embeddings.word_embeddings.weight"]
    word[[5, 6]] = word[[6, 5]]  # sums would not tell
    save_file(weights, public_house.base / "moved" / "model.safetensors", metadata={"format": "pt"})
    assert "multitask (finetune): REFUSE" in CliRunner().invoke(main, words).output


def test_a_vocabulary_of_another_size_is_refused_with_both_sizes(public_house: Any, done: Any, entries: int) -> None:
    write_public(BertModel, public_house.base / "public", done.export, entries + 8)
    with pytest.raises(
        RecipeError, match=rf"vocabulary of {entries + 8}, the tokenizer one of {entries}.*tokenizer.from"
    ):
        public_house.run("r")


FILLED = """
  filled:
    kind: classification
    fields: [text]
    labels: [sea, land]
    files: {train: topic-train.tsv, dev: topic-dev.tsv}
    length: 40
    cloze: {pattern: "{text} the {mask} .", words: {sea: ship, land: forest}}
encoder:"""


LEARN = """  - name: learn
    kind: finetune
    steps: 2
    streams:
      - source: {text_of: [topic]}
        objectives: [{distill: {task: topic, teacher: {stage: multitask, task: filled}}}]
        amount: {examples: 4}
"""
# A split to score that the task in words does not have: it only teaches.
UNSCORED = (
    "evaluation.split=more",
    "tasks.topic.files={train: topic-train.tsv, dev: topic-dev.tsv, more: topic-dev.tsv}",
    "multitask.streams=[{source: {task: topic}, amount: {examples: 6}}]",
)


@pytest.mark.parametrize(("stages", "sets"), [("", ()), (LEARN, UNSCORED)])
def test_a_task_that_is_only_measured_or_only_teaches_must_fit_into_the_checkpoint_too(
    public_house: Any, done: Any, entries: int, stages: str, sets: tuple[str, ...]
) -> None:
    write_public(BertForPreTraining, public_house.base / "public", done.export, entries)
    public_house.rewrite("\nencoder:", FILLED.replace("length: 40", "length: 64"))
    public_house.file.write_text(public_house.file.read_text() + stages)
    words = [word for text in sets for word in ("--set", text)]
    result = CliRunner().invoke(main, ["plan", str(public_house.file), *words])
    assert result.exit_code == 1
    assert "tasks.filled.length: 64 tokens are more than the encoder's 48 positions" in " ".join(result.output.split())


def test_a_task_that_is_only_measured_in_words_has_its_lm_head_fitted_and_is_scored(
    public_house: Any, done: Any, entries: int
) -> None:
    write_public(BertModel, public_house.base / "public", done.export, entries)
    public_house.rewrite("\nencoder:", FILLED)
    public_house.file.write_text(public_house.file.read_text().partition("      - name: aux")[0])
    folder = public_house.run("r")
    terms = [json.loads(line)["terms"] for line in folder.stage("lm-head").metrics.read_text().splitlines()]
    assert all(one.keys() == {"filled/mlm"} for one in terms)
    boundaries = [json.loads(folder.stage(name).manifest.read_text())["boundary"] for name in ("lm-head", "multitask")]
    assert all("accuracy" in boundary["tasks"]["filled"]["metrics"] for boundary in boundaries)


def test_a_run_that_began_without_an_lm_head_goes_on_so_when_a_task_in_words_is_only_to_be_measured(
    public_house: Any, done: Any, entries: int
) -> None:
    """As those do that were begun when such tasks asked for no LM head."""
    write_public(BertModel, public_house.base / "public", done.export, entries)
    public_house.file.write_text(public_house.file.read_text().partition("      - name: aux")[0])
    folder = public_house.run("r")
    before = folder.stage("multitask").manifest.read_bytes()
    public_house.rewrite("\nencoder:", FILLED)
    assert public_house.run("r").stage("multitask").manifest.read_bytes() == before
    words = ["export", str(folder.root), "--to", str(public_house.base / "again")]
    assert CliRunner().invoke(main, words).exit_code == 0
    assert [stage.name for stage in public_house.materials("anew").recipe.stages] == ["lm-head", "multitask"]


@pytest.mark.parametrize("kind", ["pretrain", "adapt", "finetune"])
def test_the_inserted_stage_is_run_by_the_door_of_the_stage_it_stands_before(
    public_house: Any, done: Any, entries: int, kind: str
) -> None:
    write_public(BertModel, public_house.base / "public", done.export, entries)
    public_house.rewrite("kind: finetune", f"kind: {kind}")
    stages = public_house.materials("r").recipe.stages
    assert [(stage.name, stage.kind) for stage in stages] == [("lm-head", kind), ("multitask", kind)]


def test_its_name_is_reserved_and_the_recipe_in_its_run_s_folder_opens(
    public_house: Any, done: Any, entries: int
) -> None:
    write_public(BertModel, public_house.base / "public", done.export, entries)
    materials, folder = public_house.materials("r"), public_house.folder("r")
    folder.root.mkdir(parents=True)
    folder.claim(materials.recipe)
    opened = load_recipe(folder.recipe, (), {})
    assert opened.stages == materials.recipe.stages
    assert with_lm_head_stage(opened, materials.public) == opened
    public_house.rewrite("name: multitask", "name: lm-head")
    renamed = public_house.materials("other")  # whoever only opens a finished run may have such a stage
    with pytest.raises(RecipeError, match=r"stages\[lm-head\].name: 'lm-head' is the stage that `run` itself puts in"):
        refuse_ahead(renamed, renamed.recipe.stages[0])


@pytest.mark.parametrize(
    ("kind", "asks", "told"),
    [
        (BertModel, True, None),
        (BertForPreTraining, True, "encoder.from brings an LM head"),
        (BertModel, False, "nothing is asked of an LM head"),
    ],
)
def test_plan_tells_of_a_fitting_that_is_described_and_not_needed(
    public_house: Any, done: Any, entries: int, kind: type[Any], asks: bool, told: str | None
) -> None:
    write_public(kind, public_house.base / "public", done.export, entries)
    if not asks:
        public_house.file.write_text(public_house.file.read_text().partition("      - name: aux")[0])
    expected = [f"lm_head_fit: not used: {told}"] if told else []
    assert unused_notes(public_house.materials("r")) == expected
    assert unused_notes(public_house.materials("r", "lm_head_fit={}")) == []
