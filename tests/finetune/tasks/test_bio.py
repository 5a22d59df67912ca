import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import IOBES, Entities

from finetune.tasks.bio import as_bio, first_break, is_tag

TAGS = st.lists(st.sampled_from(["O", "B-A", "I-A", "B-B", "I-B"]), max_size=12)


def test_iob1_opens_with_i_unless_two_spans_of_a_type_touch():
    iob1 = ("I-A", "I-A", "B-A", "I-B", "O", "I-B")
    assert as_bio(iob1, "iob1") == ("B-A", "I-A", "B-A", "B-B", "O", "B-B")


@given(TAGS)
def test_turning_iob1_into_bio_leaves_no_break_and_seqeval_finds_the_same_spans(tags):
    bio = as_bio(tags, "iob1")
    assert first_break(bio) is None
    assert get_entities(list(bio)) == get_entities(tags)


@pytest.mark.parametrize(
    ("tags", "index"), [(["O", "I-A"], 1), (["B-A", "I-B"], 1), (["I-A"], 0), (["B-A", "I-A"], None)]
)
def test_a_break_is_an_inside_tag_that_continues_nothing(tags, index):
    assert first_break(tags) == index


def test_a_tag_needs_a_prefix_and_a_type():
    assert [is_tag(tag) for tag in ("O", "B-A", "I-A", "B-", "A", "E-A", "o")] == [True, True, True, *[False] * 4]


BIOES = st.lists(st.sampled_from(["O", "B-A", "I-A", "E-A", "S-A", "B-B", "I-B", "E-B", "S-B"]), max_size=10)


def test_bioes_becomes_bio_tag_by_tag():
    assert as_bio(("B-A", "I-A", "E-A", "S-A", "O", "S-B"), "bioes") == ("B-A", "I-A", "I-A", "B-A", "O", "B-B")


@given(BIOES)
def test_what_bioes_allows_holds_the_spans_that_seqeval_finds_in_it(tags):
    """seqeval's own IOBES scheme is strict as ours is: every tag of an allowed sequence is part of a span or O."""
    spans = [(span.tag, span.start, span.end) for span in Entities([tags], IOBES).entities[0]]
    inside = sum(stop - start for _, start, stop in spans)
    allowed = first_break(tags, "bioes") is None
    assert allowed == (inside == sum(tag != "O" for tag in tags))
    if allowed:
        assert [(name, start, stop + 1) for name, start, stop in get_entities(list(as_bio(tags, "bioes")))] == spans


@pytest.mark.parametrize(
    ("tags", "index"),
    [(["B-A", "O"], 1), (["B-A"], 0), (["E-A"], 0), (["B-A", "E-B"], 1), (["B-A", "S-A"], 1), (["S-A", "I-A"], 1)],
)
def test_a_break_of_bioes_is_the_tag_that_cannot_stand_there(tags, index):
    assert first_break(tags, "bioes") == index
