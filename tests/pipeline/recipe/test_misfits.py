"""An objective that cannot go with its source, or a kind with its rows, is refused before anything runs."""

import pytest

from pipeline.needs import missing
from tokenization.errors import RecipeError

WRITTEN = "tasks.extra={kind: generation, fields: one, label: two, files: {train: alike-train.jsonl}"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("domain.domain-blocks.objectives=[nsp]", "'nsp' goes only with pairs_of, which has two sentences"),
        ("multitask.aux.objectives=[nsp]", "'nsp' goes only with pairs_of"),
        ("domain.domain-blocks.objectives=[seq2seq]", "'seq2seq' goes only with pairs_of, which has a source"),
        ("general.general-pairs.objectives=[mass]", "'mass' goes only with blocks_of or text_of"),
        ("general.general-pairs.objectives=[mlm, causal]", "two objectives that edit the text"),
        ("multitask.topic.objectives=[mlm]", "leave it out: a task's objective follows from its kind"),
        ("domain.domain-blocks.objectives=[ranking]", "'ranking' is asked of a task of that kind, not of text"),
        ("tasks.names.cloze={pattern: '{words} {mask}', words: {O: a, B-PER: b, I-PER: c}}", "tagging"),
        ("tasks.names.head=san", "tagging"),
        ("tasks.topic.kind=ranking", "labels: useless for ranking"),
        ("tasks.alike.fields=[one, one]", "fields: one is named twice: one, one"),
        (
            "encoder.positions=36",
            r"tasks\.alike\.length: 40 is more than encoder\.positions \(36\); set this length to at ",
        ),
        (
            "tasks.topic={kind: tagging, fields: w, labels: [O, B-X], files: {train: t.conll}, columns: [w, label]}",
            r"tasks\.topic\.length: its default, 128, is more than encoder\.positions \(48\); set .*at least 128",
        ),
        (
            WRITTEN + ", length: 20, longest: 19}",
            r"tasks\.extra\.longest: 19 is more than length less \[CLS\] and \[SEP\] \(18\)",
        ),
        (
            "multitask.aux.objectives=[{view_consistency: {task: topic, views: [left], window: 5}}]",
            "window: 5 given, which the view 'near' alone has, and views are left",
        ),
        (
            "multitask.aux.objectives=[{view_consistency: {task: topic}}]",
            "a sequence of alike holds two texts, and topic, whose views it is to be seen in, reads one text",
        ),
        (
            "multitask.aux.objectives=[{distill: {task: topic}}]",
            "teacher is missing: {stage: NAME, task: NAME}, an earlier stage that answers a task with the same labels",
        ),
        (
            "multitask.aux={source: {text_of: [topic]}, amount: {examples: 2}, "
            "objectives: [{distill: {task: topic, teacher: {stage: multitask}}}]}",
            "a teacher is a stage before this one or, with {model: FOLDER}, an exported model",
        ),
    ],
)
def test_what_cannot_go_together_is_refused_with_the_reason(shared_house, given, words):
    with pytest.raises(RecipeError, match=words):
        shared_house.recipe(given)


@pytest.mark.parametrize("pair", ["nsp", "sop"])
@pytest.mark.parametrize("editing", ["causal", "seq2seq"])
def test_two_objectives_that_want_other_pairs_are_told_once(shared_house, editing, pair):
    with pytest.raises(RecipeError) as told:
        shared_house.recipe(f"general.general-pairs.objectives=[{editing}, {pair}]")
    assert str(told.value).count("give each a stream of its own") == 1


def test_nothing_of_this_is_said_of_what_goes_together(shared_house):
    assert shared_house.recipe("multitask.aux.objectives=[mass]", "multitask.aux.source={text_of: [topic, names]}")
    assert shared_house.recipe("multitask.aux.objectives=[mass]", "tasks.alike.head=siamese")  # two texts read apart
    same = "multitask.aux={source: {text_of: [topic]}, objectives: [{view_consistency: {task: topic, views: [near], "
    assert shared_house.recipe(same + "window: 5}}], amount: {examples: 2}}", WRITTEN + ", length: 20, longest: 18}")


def test_a_text_to_write_and_two_read_apart_are_no_pair_of_texts_to_see_views_in(shared_house):
    seen = "multitask.aux.objectives=[{view_consistency: {task: topic, views: [left]}}]"
    glued = "multitask.aux.source={text_of: [extra]}"
    assert shared_house.recipe("tasks.alike.head=siamese", seen)
    assert shared_house.recipe(WRITTEN + ", by: prefix, length: 20}", glued, seen)
    with pytest.raises(RecipeError, match=r"a sequence of extra holds one text, and alike, .* reads two texts"):
        shared_house.recipe(WRITTEN + ", by: prefix, length: 20}", glued, seen.replace("topic", "alike"))


def test_ranking_without_candidates_to_choose_from_is_refused_where_the_rows_are_looked_at(shared_house):
    materials = shared_house.materials("misfit", "tasks.topic.kind=ranking", "tasks.topic.labels=[]")
    (told,) = missing(materials, (), [("topic", "train")])
    assert "column 'text' holds a single candidate" in told
    assert "two or more are expected" in told
    assert "it is the last of tasks.topic.fields (text)" in told
