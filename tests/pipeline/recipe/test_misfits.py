"""An objective that cannot go with its source, or a kind with its rows, is refused before anything runs."""

import pytest

from pipeline.needs import missing
from tokenization.errors import RecipeError


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
    ],
)
def test_what_cannot_go_together_is_refused_with_the_reason(shared_house, given, words):
    with pytest.raises(RecipeError, match=words):
        shared_house.recipe(given)


def test_ranking_without_candidates_to_choose_from_is_refused_where_the_rows_are_looked_at(shared_house):
    materials = shared_house.materials("misfit", "tasks.topic.kind=ranking", "tasks.topic.labels=[]")
    (told,) = missing(materials, (), [("topic", "train")])
    assert "column 'text' holds a single candidate" in told
    assert "two or more are expected" in told
