"""Oracles: the rules of SQuAD's two scripts written another way, and answers scored by hand."""

from collections import Counter
from dataclasses import replace
from string import punctuation

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.metrics import METRICS
from finetune.tasks.spec import TaskSpec

ANSWERED = TaskSpec(name="t", kind="span", fields=("q", "c"), label="a", files={})
MAYBE = replace(ANSWERED, unanswerable=True)


def both(gold, told, spec=ANSWERED):
    """Exact match and F1."""
    return METRICS["exact_match"](gold, told, spec), METRICS["span_f1"](gold, told, spec)


@pytest.mark.parametrize("told", ["Cat's  Eye", "the cat's eye", "cats-eye", "a Cats. An Eye!", "\tcat's\neye "])
def test_case_punctuation_articles_and_blanks_do_not_count(told):
    right = "cat's eye" if "-" not in told else "catseye"
    assert both([(right,)], [told]) == (1.0, 1.0)


def test_articles_go_after_punctuation_and_only_as_whole_words():
    assert both([("theory another",)], ["ory nother"]) == (0.0, 0.0)
    assert both([("a.b",)], ["ab"]) == (1.0, 1.0)
    assert both([("1990—the end",)], ["1990— end"]) == (1.0, 1.0)


def test_f1_is_of_the_words_however_often_and_in_whatever_order_and_the_nearest_answer_counts():
    """Two of three told words are among four right ones: 2 · 2/3 · 1/2 / (2/3 + 1/2) = 4/7; a second answer has all."""
    assert both([("x y y z",)], ["y q x"]) == (0.0, pytest.approx(4 / 7))
    assert both([("x y y z", "Q, y x")], ["y q x"]) == (0.0, 1.0)
    assert both([("x",), ("y",)], ["x", "z"]) == (0.5, 0.5)


def test_of_a_text_without_an_answer_only_saying_nothing_is_right():
    gold = [(), (), ("cat",), ("cat",)]
    assert both(gold, ["", "cat", "", "the cat"], MAYBE) == (0.5, 0.5)
    assert both(gold, ["the", "!", "", "dog"], MAYBE) == (0.5, 0.5)


def test_right_answers_that_are_only_articles_are_left_out_by_the_second_version_alone():
    assert both([("the", "cat")], ["a"], MAYBE) == (0.0, 0.0)
    assert both([("the",)], ["a"], MAYBE) == (1.0, 1.0)
    assert both([("the", "cat")], ["a"], ANSWERED) == (1.0, 0.0)


WORDS = st.lists(st.sampled_from(["the", "A", "an", "cat", "Cat!", "sat", "U.S.", "3,000", "...", "naïve"]), max_size=4)
QUESTION = st.tuples(st.lists(WORDS.map(" ".join), max_size=3).map(tuple), WORDS.map(" ".join))


def counted(text):
    return [
        word
        for word in "".join(letter for letter in text.lower() if letter not in punctuation).split()
        if word not in ("a", "an", "the")
    ]


def by_second_version(rights, told):
    rights, told = [counted(right) for right in rights if counted(right)] or [[]], counted(told)
    shared = [(Counter(right) & Counter(told)).total() for right in rights]
    f1 = [
        2 * n / (len(told) + len(right)) if told and right else right == told
        for n, right in zip(shared, rights, strict=True)
    ]
    return told in rights, max(f1)


@given(st.lists(QUESTION, min_size=1, max_size=6))
def test_random_answers_are_worth_what_the_rules_of_version_two_say(questions):
    known = [by_second_version(*question) for question in questions]
    exact, f1 = (sum(values) / len(values) for values in zip(*known, strict=True))
    assert both(*zip(*questions, strict=True), MAYBE) == pytest.approx((exact, f1))
