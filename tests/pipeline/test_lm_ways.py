import json
from typing import Any

import pytest

from model.public import public_model, read_public, write_public
from pipeline.held_out import questions_of
from pipeline.lm_ways import MASKED, brought_ways
from pipeline.prompt_notes import prompt_notes

TRAINED = "tokenizer: {train: {corpora: [general], size: 160}}"
SIZES = "encoder: {layers: 1, hidden: 16, heads: 2, feed_forward: 32, positions: 48}"
STAGE = """
stages:
  - name: lm
    kind: pretrain
    steps: 3
    streams: [{source: {blocks_of: general, length: 32}, objectives: [%s], amount: {tokens: 400}}]
"""
PROMPTED = """
  asked:
    kind: classification
    fields: [text]
    labels: [sea, land]
    files: {train: topic-train.tsv, dev: topic-dev.tsv}
    length: 32
    prompt: {text: "{text} the", answers: {sea: ship, land: forest}}
"""


@pytest.fixture
def trained_by(house: Any) -> Any:
    """The model of a run of one stage with one objective, which the house's recipe then begins with."""

    def export(objective: str, then: str) -> Any:
        before = house.file.read_text(encoding="utf-8").partition("stages:")[0]
        house.file.write_text(before + STAGE % objective, encoding="utf-8")
        folder = house.run("first")
        taken = before.replace(SIZES, f"encoder: {{from: {folder.export}}}")
        taken = taken.replace(TRAINED, f"tokenizer: {{from: {folder.export}}}")
        house.file.write_text(taken + STAGE % then, encoding="utf-8")
        return folder

    return export


@pytest.mark.slow
def test_a_causal_model_that_was_exported_begins_where_its_run_ended(house: Any, trained_by: Any) -> None:
    first = trained_by("causal", then="causal")
    ended = json.loads(first.scores.read_text())["ledger"]["rows"][0]
    begun = json.loads(house.run("second").scores.read_text())["ledger"]
    row, accuracy = begun["rows"]
    assert begun["columns"][0] == "start"
    assert row["name"] == "general: held-out left-to-right LM loss"
    assert accuracy["name"] == "general: held-out left-to-right LM accuracy"
    assert row["values"][0] == pytest.approx(ended["values"][-1], abs=1e-6)
    assert row["values"][1] < row["values"][0]


@pytest.mark.parametrize(
    ("objective", "told", "way"),
    [
        ("{causal: {direction: both}}", ["left", "right"], "left"),
        ("{mlm: {attention: right}}", ["masked-right"], "masked-right"),
        ("mlm", None, "masked"),
    ],
)
def test_the_card_of_an_export_says_how_its_lm_head_was_trained(
    house: Any, trained_by: Any, objective: str, told: Any, way: str
) -> None:
    folder = trained_by(objective, then="causal")
    assert json.loads((folder.export / "triptych.json").read_text()).get("lm_ways") == told
    assert brought_ways(house.materials("second").public)[0] == way


def test_a_causal_model_that_is_trained_on_masks_later_is_measured_so_from_then_on(house: Any, trained_by: Any) -> None:
    trained_by("causal", then="mlm")
    materials = house.materials("second")
    assert brought_ways(materials.public) == ("left",)
    assert questions_of(materials.recipe, "lm", materials.public) == (MASKED, "left")


@pytest.mark.parametrize(("objective", "noted"), [("causal", 0), ("mlm", 1)])
def test_a_prompt_put_to_a_model_that_was_trained_to_go_on_is_worth_asking(
    house: Any, trained_by: Any, objective: str, noted: int
) -> None:
    trained_by(objective, then="mlm")
    house.rewrite("encoder:", f"{PROMPTED.strip(chr(10))}\nencoder:")
    materials = house.materials("second")
    assert len(prompt_notes(materials, materials.recipe.stages[0])) == noted


@pytest.mark.parametrize(
    ("objectives", "noted"),
    [("causal", 1), ("{causal: {direction: both}}", 1), ("{mlm: {attention: left}}", 1), ("mlm", 0)],
)
def test_a_cloze_put_to_a_model_that_was_not_trained_to_fill_gaps_so_is_told_of(
    house: Any, objectives: str, noted: int
) -> None:
    cloze = '{pattern: "{text} the {mask}", words: {sea: ship, land: forest}}'
    filled = PROMPTED.partition("    prompt:")[0] + f"    cloze: {cloze}"
    house.rewrite("encoder:", f"{filled.strip(chr(10))}\nencoder:")
    before = house.file.read_text(encoding="utf-8").partition("stages:")[0]
    house.file.write_text(before + STAGE % objectives, encoding="utf-8")
    materials = house.materials("r")
    notes = prompt_notes(materials, materials.recipe.stages[0])
    assert [note.startswith("asked: a cloze, and no stage up to here trains") for note in notes] == [True] * noted


def test_a_checkpoint_that_says_nothing_is_asked_as_bert(trained_by: Any, tmp_path: Any) -> None:
    model = read_public(trained_by("causal", then="causal").export)
    write_public(public_model(model.config, model.heads, model.tensors), tmp_path)
    assert brought_ways(read_public(tmp_path)) == (MASKED,)
    assert brought_ways(None) == ()
