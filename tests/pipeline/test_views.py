"""Cross-view training in a recipe: what it trains, what it hands on, and what it cannot go with."""

import json

import pytest

from tokenization.errors import RecipeError
from training.checkpoint import load_weights

ASKED = "objectives: [{{view_consistency: {{task: {}}}}}], amount: {{examples: 5}}"
TEXT = "{{name: views, source: {{text_of: [{}]}}, " + ASKED + "}}"
LABELLED = "{{source: {{task: {}}}, amount: {{examples: 6}}}}"
SHORT = ("multitask.steps=6", "multitask.evaluate=null", "multitask.sampling=every")


def streams(*entries):
    return f"multitask.streams=[{', '.join(entries)}]"


@pytest.mark.parametrize("task", ["topic", "names"])
def test_labelled_and_unlabelled_text_train_the_task_and_its_views_together(house, task):
    folder = house.run(task, *SHORT, streams(LABELLED.format(task), TEXT.format(task, task)))
    manifest = json.loads(folder.stage("multitask").manifest.read_text())
    labels = manifest["state"]["labels"]
    assert manifest["state"]["items"] == {task: 36, "views": 30}
    assert labels["views/view_consistency"] == 30 if task == "topic" else labels["views/view_consistency"] > 30
    lines = [json.loads(line) for line in folder.stage("multitask").metrics.read_text().splitlines()]
    losses = [line["terms"]["views/view_consistency"]["loss"] for line in lines if line["kind"] == "step"]
    assert len(losses) == 6
    assert min(losses) > 0
    weights = load_weights(folder.stage("multitask").checkpoint(6) / "weights.safetensors")
    assert f"heads.{task}-views.linear.weight" in weights
    assert list(manifest["boundary"]["tasks"]) == [task]


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([LABELLED.format("names"), TEXT.format("topic", "topic")], "no stream of this stage trains topic"),
        ([LABELLED.format("alike"), TEXT.format("alike", "alike")], "alike is of kind regression; allowed: classif"),
        ([LABELLED.format("names"), TEXT.format("topic", "names")], "topic is of kind classification, so its text"),
        ([LABELLED.format("topic"), TEXT.format("topic", "topik")], "given 'topik'; tasks .* Did you mean 'topic'"),
        (
            [LABELLED.format("topic"), TEXT.format("topic", "topic").replace("text_of: [topic]", "blocks_of: domain")],
            "'view_consistency' goes only with text_of",
        ),
    ],
)
def test_views_that_have_nothing_to_follow_are_refused(house, entries, words):
    with pytest.raises(RecipeError, match=words):
        house.recipe(streams(*entries))


@pytest.mark.parametrize("setting", ["head=concat", "attention=left"])
def test_a_task_that_is_read_otherwise_than_at_single_rows_has_no_views(house, setting):
    with pytest.raises(RecipeError, match="not read at single rows of the last layer"):
        house.recipe(f"tasks.topic.{setting}", streams(LABELLED.format("topic"), TEXT.format("topic", "topic")))
