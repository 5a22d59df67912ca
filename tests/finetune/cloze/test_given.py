"""What is refused in a cloze or a prompt. Oracle: the message names the place, what was given and what is allowed."""

from dataclasses import replace

import pytest

from finetune.cloze.given import problems_of
from finetune.tasks.own import changed_spec
from tokenization.errors import RecipeError

WORDS = {"sad": "bad", "glad": "ok"}
PATTERN = "{text} was {mask}"


def refused(spec, **settings):
    with pytest.raises(RecipeError) as caught:
        changed_spec(spec, **settings)
    return str(caught.value)


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("{text} was fine", "{mask} is missing; it stands there once"),
        ("{text} {mask} {mask}", "{mask} stands in it 2 times; it stands there once"),
        ("{text} {txt} {mask}", "{txt} is no field of the task; allowed: {text}, {mask}. Did you mean 'text'?"),
        ("it was {mask}", "{text} is missing; "),
        ("{text} {text} {mask}", "{text} stands in it 2 times; each field stands there once"),
        ("{text} { {mask}", "a brace without its partner"),
        ("{text} | a | {mask}", "2 marks '|'; one at most"),
    ],
)
def test_a_pattern_that_cannot_mean_anything_is_refused(single, pattern, told):
    assert f"tasks.mood.cloze.pattern: {told}" in refused(single, cloze={"pattern": pattern, "words": WORDS})


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"sad": "bad"}, ": nothing for glad; every label needs words of its own"),
        ({"sad": "bad", "glad": " "}, ": nothing for glad; "),
        ({**WORDS, "gald": "c"}, ".gald: no label of the task; labels: sad, glad. Did you mean 'glad'?"),
        ({"sad": "ok", "glad": "ok"}, ".glad: 'ok' already stands for sad; "),
    ],
)
def test_words_that_do_not_tell_the_classes_apart_are_refused(single, words, told):
    assert f"tasks.mood.cloze.words{told}" in refused(single, cloze={"pattern": PATTERN, "words": words})


def test_a_prompt_is_held_to_the_same(single):
    found = refused(single, prompt={"text": "so {txt} is", "answers": {"sad": "bad"}}).splitlines()
    assert [line.partition(";")[0] for line in found] == [
        "tasks.mood.prompt.text: {txt} is no field of the task",
        "tasks.mood.prompt.text: {text} is missing",
        "tasks.mood.prompt.answers: nothing for glad",
    ]


def test_a_prompt_of_classes_needs_their_answers(single):
    assert "prompt.answers: nothing for sad, glad; every label needs" in refused(single, prompt={"text": "so {text}"})


def test_a_mask_is_no_part_of_a_prompt(single):
    assert "{mask} is no field of the task" in refused(single, prompt={"text": "{text} {mask}", "answers": WORDS})


@pytest.mark.parametrize("name", ["pair", "multilabel", "ranking", "choice", "tagging", "span"])
def test_only_classes_are_put_into_words(request, name):
    spec = request.getfixturevalue(name)
    told = refused(spec, cloze={"pattern": "{mask}", "words": {}})
    assert f"tasks.{spec.name}.cloze: does not go with {spec.kind}: " in told


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"prompt": {"text": "so {text}", "answers": WORDS}}, "tasks.mood.prompt: given beside a cloze; "),
        ({"attention": "left"}, "tasks.mood.attention: 'left' does not go with a cloze, "),
        ({"design": {"pool": "concat"}}, "tasks.mood.head: useless with a cloze, "),
        ({"head": "other"}, "tasks.mood.cloze: the head of other answers this task; "),
    ],
)
def test_what_contradicts_a_cloze_is_refused(single, settings, told):
    assert told in refused(single, cloze={"pattern": PATTERN, "words": WORDS}, **settings)


def test_a_task_that_another_one_answers_is_asked_in_the_other_s_words(two_texts):
    asked = replace(two_texts, name="else", fields=("first", "second"), head="mood", cloze=None).read_like(two_texts)
    assert asked.cloze.pattern == "{first} q | {mask} k {second}"
    assert (asked.cloze.words, asked.head_name) == (two_texts.cloze.words, "mlm")
    assert not problems_of(asked.cloze, asked.fields, asked.labels)


def test_a_prompt_is_read_from_left_to_right(single):
    spec = changed_spec(single, prompt={"text": "so {text}", "answers": WORDS})
    assert (spec.attention, spec.head_name) == ("left", "mlm")
    told = refused(single, prompt={"text": "so {text}", "answers": WORDS}, attention="right")
    assert "tasks.mood.attention: 'right' does not go with a prompt" in told
