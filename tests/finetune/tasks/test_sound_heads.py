"""What a head cannot read is refused, with the reason."""

from dataclasses import replace

import pytest

from finetune.tasks.own import spec_from_fields
from finetune.tasks.sound import problems
from model.design import HeadDesign


def told(spec, **changes):
    design = HeadDesign(**changes.pop("head", {}))
    return problems(replace(spec, design=design, **changes))


@pytest.mark.parametrize("fixture", ["single", "multilabel", "ranking", "choice", "pair"])
@pytest.mark.parametrize("pool", ["row", "concat", "attention"])
def test_pools_and_left_attention_go_with_every_kind_that_answers_a_text(fixture, pool, request):
    assert told(request.getfixturevalue(fixture), head={"pool": pool}, attention="left") == []


@pytest.mark.parametrize("fixture", ["tagging", "span"])
@pytest.mark.parametrize("pool", ["concat", "attention", "san", "siamese"])
def test_a_pool_is_refused_where_each_word_is_answered(fixture, pool, request):
    spec = request.getfixturevalue(fixture)
    (line,) = told(spec, head={"pool": pool})
    assert line.startswith(f"tasks.{spec.name}.head.pool: '{pool}' gives one answer for ")
    assert spec.kind in line
    assert "classification" in line


@pytest.mark.parametrize("pool", ["san", "siamese"])
def test_heads_of_two_texts_are_refused_on_one(pool, single, pair):
    (line,) = told(single, head={"pool": pool})
    assert "`fields` names one" in line
    assert told(pair, head={"pool": pool}) == []


def test_candidates_are_not_compared_by_a_siamese_head(choice):
    (line,) = told(choice, head={"pool": "siamese"})
    assert "which choice does not ask for; it goes with classification, regression" in line


def test_left_attention_is_refused_where_every_token_must_have_seen_the_text(span, pair, tagging):
    assert "must have seen the whole text" in told(span, attention="left")[0]
    assert "few would have seen the text" in told(pair, head={"pool": "siamese"}, attention="left")[0]
    assert told(tagging, attention="right") == []


@pytest.mark.parametrize(("given", "near"), [("prefix", "a length"), ("lft", "left")])
def test_an_attention_that_a_task_cannot_have_is_refused(given, near, single):
    (line,) = told(single, attention=given)
    assert "allowed: both, left, right, apart" in line
    assert near in line


@pytest.mark.parametrize("fixture", ["single", "multilabel", "ranking", "choice", "pair", "tagging"])
def test_both_directions_apart_go_with_an_lstm_and_every_kind_that_it_answers(fixture, request):
    assert told(request.getfixturevalue(fixture), head={"pool": "lstm"}, attention="apart") == []


@pytest.mark.parametrize("pool", ["row", "concat", "attention", "san", "siamese"])
def test_both_directions_apart_are_refused_where_no_lstm_reads_them(pool, pair):
    (line,) = told(pair, head={"pool": pool}, attention="apart")
    assert "only head: {pool: lstm} reads them side by side; give that, or both, left, right here" in line


def test_a_span_is_not_read_in_two_directions(span):
    assert any("must have seen the whole text" in line for line in told(span, attention="apart"))


def test_what_only_one_pool_reads_is_useless_for_the_others(pair):
    assert "only san takes turns" in told(pair, head={"pool": "concat", "steps": 3})[0]
    assert told(pair, head={"pool": "san", "steps": 3}) == []
    assert "whose means are what is stored" in told(pair, head={"pool": "siamese", "layers": "mix"})[0]


@pytest.mark.parametrize("fixture", ["single", "multilabel", "ranking", "choice", "pair", "tagging"])
@pytest.mark.parametrize("layers", ["last", "mix", "beside_words"])
def test_an_lstm_goes_with_every_kind_that_answers_a_text_or_its_words(fixture, layers, request):
    assert told(request.getfixturevalue(fixture), head={"pool": "lstm", "layers": layers, "width": 8}) == []


def test_what_an_lstm_alone_reads_is_useless_elsewhere_and_it_reads_no_span(span, single):
    (line,) = told(span, head={"pool": "lstm"})
    assert "an answer for a text or for each of its words, which span does not ask for" in line
    assert "only lstm has units of its own" in told(single, head={"pool": "concat", "width": 8})[0]
    for design in ({"layers": "mix"}, {"pool": "lstm"}):
        assert "is there more than one place" in told(single, head={**design, "mix_at": "both"})[0]
    assert told(single, head={"pool": "lstm", "layers": "mix", "mix_at": "both"}) == []


def test_a_task_that_another_head_answers_has_no_way_of_reading_of_its_own(pair):
    (line,) = problems(replace(pair, head="mnli", design=HeadDesign(pool="concat")))
    assert "say there how it reads" in line


def test_a_spec_comes_back_from_what_json_keeps_of_it(pair):
    given = {
        "kind": "regression",
        "fields": ["one", "two"],
        "label": "score",
        "files": {"train": "train.tsv"},
        "range": [0, 5],
        "attention": "both",
        "design": {"pool": "siamese"},
    }
    assert spec_from_fields("alike", **given).design == HeadDesign(pool="siamese")
