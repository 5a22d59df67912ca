"""Scores of classes from the language model's answers. Oracles: closed forms, and a loop over the pieces."""

import math
from dataclasses import replace

import pytest
import torch

from finetune.cloze.wordings import class_scores, wordings_of
from tokenization.errors import RecipeError


def wordings(spec, tokenizer):
    return wordings_of(spec.name, spec.worded, spec.labels, tokenizer)


def test_a_cloze_s_words_are_read_at_the_gap_of_their_length(cloze, tokenizer):
    found = wordings(cloze, tokenizer)
    assert found.rows == 2 + 3
    assert found.row_P.tolist() == [2, 3, 4, 0, 1]
    assert "".join(tokenizer.piece(int(p)).removeprefix("##") for p in found.piece_P) == "badok"
    assert found.class_P.tolist() == [0, 0, 0, 1, 1]


def test_when_all_is_equally_likely_long_words_cost_a_cloze_nothing_and_a_prompt_their_length(cloze, prompt, tokenizer):
    size = tokenizer.size
    means = class_scores(torch.zeros(5, size), wordings(cloze, tokenizer))
    assert means.tolist() == [pytest.approx([-math.log(size)] * 2)]
    sums = class_scores(torch.zeros(5, size), wordings(prompt, tokenizer))
    assert sums.tolist() == [pytest.approx([-3 * math.log(size), -2 * math.log(size)])]
    per_token = replace(prompt, prompt=replace(prompt.prompt, per_token=True))
    means = class_scores(torch.zeros(5, size), wordings(per_token, tokenizer))
    assert means.tolist() == [pytest.approx([-math.log(size)] * 2)]


@pytest.mark.parametrize("name", ["cloze", "prompt"])
def test_scores_are_those_of_a_loop_over_the_pieces(request, name, tokenizer):
    spec = request.getfixturevalue(name)
    logits_MV = torch.randn(3 * 5, tokenizer.size, generator=torch.Generator().manual_seed(1))
    log_p = logits_MV.log_softmax(1).view(3, 5, -1)
    bad, ok = (ids.tolist() for ids in tokenizer.encode(["bad", "ok"]))
    first = {"cloze": (2, 0), "prompt": (0, 3)}[name]
    known = [
        [
            sum(float(log_p[item, start + place, piece]) for place, piece in enumerate(ids))
            / (len(ids) if name == "cloze" else 1)
            for start, ids in zip(first, (bad, ok), strict=True)
        ]
        for item in range(3)
    ]
    found = class_scores(logits_MV, wordings(spec, tokenizer))
    assert found.tolist() == [pytest.approx(row, abs=1e-5) for row in known]


def test_an_item_s_scores_do_not_depend_on_what_stands_beside_it(cloze, tokenizer):
    logits_MV, found = torch.randn(7 * 5, tokenizer.size), wordings(cloze, tokenizer)
    alone = torch.cat([class_scores(part, found) for part in logits_MV.split(5)])
    assert torch.equal(class_scores(logits_MV, found), alone)


def test_no_rows_give_no_scores_and_a_live_graph(cloze, tokenizer):
    logits_MV = torch.zeros(0, tokenizer.size, requires_grad=True)
    found = class_scores(logits_MV, wordings(cloze, tokenizer))
    assert found.shape == (0, 2)
    found.sum().backward()
    assert logits_MV.grad is not None


def test_words_that_the_vocabulary_lacks_are_named(cloze, tokenizer):
    odd = replace(cloze, cloze=replace(cloze.cloze, words={"sad": "b€d", "glad": "42"}))
    with pytest.raises(RecipeError) as caught:
        wordings(odd, tokenizer)
    assert str(caught.value).splitlines() == [
        f"tasks.mood.cloze.words.{label}: the vocabulary has no pieces for '{word}'; choose words that it holds"
        for label, word in (("sad", "b€d"), ("glad", "42"))
    ]


def test_words_of_equal_pieces_are_told_apart_by_nothing(cloze, tokenizer):
    same = replace(cloze, cloze=replace(cloze.cloze, words={"sad": "Ok", "glad": "ok"}))
    with pytest.raises(RecipeError, match=r"cloze.words.glad: 'ok' is cut into the same pieces as the words of sad"):
        wordings(same, tokenizer)
