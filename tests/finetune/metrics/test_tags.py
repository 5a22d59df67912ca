"""Oracles: examples worked out by hand, entities cut out and counted another way, and what may not change a score."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.metrics import classes
from finetune.metrics.tags import entity_f1, entity_macro_f1
from finetune.tasks.spec import TaskSpec

TAGS = TaskSpec(name="t", kind="tagging", fields=("a",), label="b", files={}, labels=("O", "B-A", "I-A", "B-B", "I-B"))


def tags(*sentences):
    return [[TAGS.labels.index(tag) for tag in sentence.split()] for sentence in sentences]


def entities(sentences):
    """(type, sentence, first, last) of each entity; an I- that continues nothing opens one."""
    found = set()
    for number, sentence in enumerate(sentences):
        names = [*(TAGS.labels[tag] for tag in sentence), "O"]
        start = None
        for place, name in enumerate(names):
            if start is not None and name != f"I-{names[start][2:]}":
                found.add((names[start][2:], number, start, place))
                start = None
            if start is None and name != "O":
                start = place
    return found


def f1_of(right, told):
    return 2 * len(right & told) / (len(right) + len(told)) if right & told else 0.0


def test_an_entity_is_right_where_its_type_and_both_its_ends_are():
    """Three entities: first the last of the first sentence has another type, then only that one is right."""
    labels = tags("B-A I-A O B-B", "B-A I-A")
    assert entity_f1(labels, tags("B-A I-A O B-A", "B-A I-A"), TAGS) == pytest.approx(4 / 6)
    assert entity_f1(labels, tags("B-A I-A I-A B-B", "B-A B-A"), TAGS) == pytest.approx(2 / (3 + 4))


def test_an_inside_tag_that_continues_nothing_opens_an_entity_as_conlleval_has_it():
    labels = tags("B-A I-A O B-B")
    assert entity_f1(labels, tags("I-A I-A O I-B"), TAGS) == 1.0
    assert entity_f1(labels, tags("B-A I-A O O"), TAGS) == pytest.approx(2 / 3)


def test_an_entity_never_crosses_from_one_sentence_into_the_next():
    assert entity_f1(tags("O B-A", "B-A O"), tags("O B-A", "I-A O"), TAGS) == 1.0


@pytest.mark.parametrize("metric", [entity_f1, entity_macro_f1])
def test_without_entities_the_score_is_zero(metric):
    assert metric(tags("O O"), tags("O O"), TAGS) == 0.0
    assert metric(tags("O B-A"), tags("O O"), TAGS) == 0.0
    assert metric(tags("O O"), tags("B-A O"), TAGS) == 0.0


def test_the_macro_f1_of_entities_is_the_mean_over_all_declared_types():
    """A: two of three found, none wrong, so 4/5; B: one missed, one wrong, so 0; a third type never occurs."""
    labels, told = tags("B-A O B-A B-A", "B-B O"), tags("B-A O B-A O", "O B-B")
    assert entity_macro_f1(labels, told, TAGS) == pytest.approx((4 / 5 + 0) / 2)
    assert entity_macro_f1(labels, told, replace(TAGS, labels=(*TAGS.labels, "B-C"))) == pytest.approx(4 / 5 / 3)


TAGGED = st.lists(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=8), max_size=5)


@given(TAGGED.filter(bool))
def test_entity_scores_count_the_entities_that_both_sides_have(rows):
    labels, told = ([np.array([pair[side] for pair in row]) for row in rows] for side in (0, 1))
    right, found = entities(labels), entities(told)
    each = [f1_of(*({one for one in side if one[0] == name} for side in (right, found))) for name in "AB"]
    assert entity_f1(labels, told, TAGS) == pytest.approx(f1_of(right, found))
    assert entity_macro_f1(labels, told, TAGS) == pytest.approx(sum(each) / 2)


def test_accuracy_of_tags_counts_words_not_sentences():
    assert classes.accuracy([np.array([0, 1, 2]), np.array([0])], [np.array([0, 1, 0]), np.array([1])], TAGS) == 0.5
