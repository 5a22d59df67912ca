"""Labelled tasks from the first step: what each stream gives is counted, shown, and refused where it is nothing."""

import json
from unittest.mock import patch

import numpy as np
import pytest

from pipeline.compose import mixture_of
from pipeline.contributions import contributions
from pipeline.report import report_html
from pipeline.run_record import read_run
from pipeline.status import status_text
from tokenization.errors import RecipeError, RunError
from training.batching import draw_step, flat_batch
from training.mixture import Mixture
from training.objective import Rows

STREAMS = (
    "general.streams=[{source: {pairs_of: general, length: 48}, objectives: [mlm, nsp], amount: {tokens: 200}}, "
    "{source: {task: topic}, amount: {examples: 6}}, {source: {task: names}, amount: {examples: 6}}]"
)
ONLY = {"only": "general"}


@pytest.fixture(scope="module")
def mixed(shared_house):
    """Stage ① alone, its tasks taking turns beside the text."""
    return shared_house.run("mixed", STREAMS, "general.sampling=alternate", "general.steps=12", **ONLY)


def manifest_of(folder):
    return json.loads(folder.stage("general").manifest.read_text())


def drawn(shared_house, steps=12):
    """Oracle: every step drawn again and counted by hand."""
    materials = shared_house.materials("mixed", STREAMS, "general.sampling=alternate", "general.steps=12")
    mixture = mixture_of(materials, materials.recipe.stage("general"))
    found = {"steps": {}, "items": {}, "tokens": {}, "labels": {}}
    for step in range(steps):
        for part in draw_step(mixture, step, 256).parts:
            for selection in flat_batch(mixture, part).selections:
                key = f"{selection.stream}/{selection.objective}"
                found["labels"][key] = found["labels"].get(key, 0) + selection.count
        for stream, draws_K in zip(mixture.streams, mixture.draws(step), strict=True):
            lengths = int(stream.source.lengths(draws_K, stream.key).sum()) if len(draws_K) else 0
            for key, value in (("steps", int(len(draws_K) > 0)), ("items", len(draws_K)), ("tokens", lengths)):
                found[key][stream.name] = found[key].get(stream.name, 0) + value
    return found


def test_a_pretraining_stage_mixes_mlm_and_nsp_with_tasks_and_scores_them_at_its_boundary(mixed):
    boundary = manifest_of(mixed)["boundary"]
    assert set(boundary["tasks"]) == {"topic", "names"}
    assert list(boundary["lm"]) == ["general"]


def test_every_streams_steps_examples_tokens_and_targets_are_those_of_the_steps_drawn_again(mixed, shared_house):
    state = manifest_of(mixed)["state"]
    assert {key: state[key] for key in ("steps", "items", "tokens", "labels")} == drawn(shared_house)
    assert state["steps"]["general-pairs"] == 12 == state["steps"]["topic"] + state["steps"]["names"]


def test_status_and_report_show_what_each_stream_gave(mixed):
    state = manifest_of(mixed)["state"]
    pairs, names, topic = contributions(state)
    assert (pairs.stream, names.stream, topic.stream) == ("general-pairs", "names", "topic")
    assert pairs.targets == {"mlm": state["labels"]["general-pairs/mlm"], "nsp": pairs.examples}
    assert topic.targets == {"classification": topic.examples}
    for found in (pairs, topic, names):
        assert f"{found}\n" in status_text(mixed.root)
    page = report_html(read_run(mixed.root))
    assert f"mlm {pairs.targets['mlm']}, nsp {pairs.examples}" in page


def test_the_status_of_a_stage_under_way_tells_what_its_last_checkpoint_had_seen(house):
    with house.killed_at("general", 7):
        house.run("killed", STREAMS, "general.sampling=every", **ONLY)
    shown = status_text(house.folder("killed").root)
    assert "topic: 5 steps, 30 examples" in shown


@pytest.mark.parametrize(("steps", "missing"), [(1, 1), (12, 0)])
def test_a_task_whose_turn_does_not_come_is_refused_at_plan(house, steps, missing):
    materials = house.materials("x", STREAMS, "general.sampling=alternate", f"general.steps={steps}")
    if not missing:
        mixture_of(materials, materials.recipe.stage("general"))
        return
    with pytest.raises(RecipeError, match=r"stages\[general\].streams\[(topic|names)\].* not be drawn once in 1 steps"):
        mixture_of(materials, materials.recipe.stage("general"))


@pytest.mark.parametrize(("given", "stream"), [("tokens: 200", "general-pairs"), ("examples: 6", "topic")])
def test_an_amount_of_less_than_half_an_item_is_refused_at_plan(house, given, stream):
    materials = house.materials("x", STREAMS.replace(given, "tokens: 3", 1))
    with pytest.raises(RecipeError, match=rf"{stream}\].amount: 3 tokens a step are less than half an item"):
        mixture_of(materials, materials.recipe.stage("general"))


def test_a_stage_to_which_a_stream_gave_nothing_does_not_finish(house):
    """Even where the plan did not see it coming: no manifest is written, and a second run says so again."""
    for _ in range(2):
        with patch.object(Mixture, "unreached", lambda *_: ()), pytest.raises(RunError) as caught:
            house.run("silent", STREAMS, "general.sampling=alternate", "general.steps=1", **ONLY)
        assert "contributed nothing" in str(caught.value)
        assert sum(f"stream {name} was never drawn" in str(caught.value) for name in ("topic", "names")) == 1
        assert not house.folder("silent").stage("general").manifest.exists()


def test_an_objective_of_which_no_label_counted_does_not_finish(house):
    with (
        patch("pretrain.next_sentence.NextSentence.apply", lambda self, s, key: (s, _no_rows())),
        pytest.raises(RunError, match="general-pairs: not one label of nsp counted"),
    ):
        house.run("unasked", "general.steps=2", **ONLY)


def _no_rows():
    nothing = np.zeros(0, dtype=np.int64)
    return Rows(nothing, nothing)
