"""A dev set out of train."""

import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.reading.carve import carved_dev, carved_note
from finetune.reading.read import read_split
from finetune.tasks.example import Example, Span
from finetune.tasks.spec import TaskSpec
from tokenization.errors import DataError

SPEC = TaskSpec("own", "classification", ("text",), "label", {"train": "train.jsonl"}, labels=("a", "b", "c"))


def rows(labels, texts=None):
    texts = texts or [f"text {number}" for number in range(len(labels))]
    pairs = enumerate(zip(texts, labels, strict=True))
    return [Example(str(number), (text,), (), label) for number, (text, label) in pairs]


@settings(max_examples=50)
@given(st.integers(0, 10**6), st.integers(20, 300), st.sampled_from([0.05, 0.1, 0.3]))
def test_every_label_gives_its_share_to_within_a_row_where_texts_are_distinct(seed, size, share):
    labels = random.Random(seed).choices("abc", weights=(8, 3, 1), k=size)
    chosen = carved_dev(replace(SPEC, carve=share), rows(labels))
    given_away = Counter(label for label, mine in zip(labels, chosen, strict=True) if mine)
    for label, count in Counter(labels).items():
        assert abs(given_away[label] - share * count) <= 1


@settings(max_examples=50)
@given(st.integers(0, 10**6), st.integers(12, 60))
def test_no_text_stands_on_both_sides_whatever_its_labels(seed, texts):
    luck = random.Random(seed)
    examples = rows(luck.choices("abc", k=150), [f"text {luck.randrange(texts)}" for _ in range(150)])
    chosen = carved_dev(SPEC, examples)
    dev = {one.texts for one, mine in zip(examples, chosen, strict=True) if mine}
    train = {one.texts for one, mine in zip(examples, chosen, strict=True) if not mine}
    assert dev
    assert not dev & train


def test_the_choice_depends_on_the_task_s_name_alone_and_not_on_the_order_of_labels_in_the_file():
    examples = rows(["a", "b"] * 100)
    first = carved_dev(SPEC, examples)
    assert (first == carved_dev(SPEC, examples)).all()
    assert (first != carved_dev(replace(SPEC, name="other"), examples)).any()
    assert first[:100].any()
    assert first[100:].any()


def test_scores_are_carved_from_every_tenth_of_their_ranks():
    spec = replace(SPEC, kind="regression", labels=(), range=(0.0, 5.0))
    scores = [number / 100 for number in range(200)]
    chosen = carved_dev(spec, rows(scores))
    assert [int(chosen[start : start + 20].sum()) for start in range(0, 200, 20)] == [2] * 10


def sharing(kind: str):
    """Pairs of examples of each kind that must stay together."""
    for number in range(40):
        text = f"text {number}"
        for other in ("x", "y"):
            yield {
                "span": Example("", (f"{other} {number}?", text), (), (Span("t", 0),)),
                "choice": Example("", (), (), 0, ((text, f"{other} {number} is it"), (text, "no"))),
                "ranking": Example("", (), (), 0, ((f"{other} {number}?", text), (f"{other} {number}?", f"{text}."))),
                "tagging": Example("", (), (text, "end"), ("B-X", "O")),
                "multilabel": Example("", (text,), (), (other,)),
            }[kind]


@pytest.mark.parametrize("kind", ["span", "choice", "ranking", "tagging", "multilabel"])
def test_examples_that_share_a_context_or_a_text_stay_on_one_side(kind):
    examples = [
        replace(one, candidates=tuple((*c[:-1], f"{c[-1]} {n}") for c in one.candidates)) if kind == "choice" else one
        for n, one in enumerate(sharing(kind))
    ]
    layout = "squad_sentences" if kind == "ranking" else "rows"
    chosen = carved_dev(replace(SPEC, kind=kind, labels=(), layout=layout), examples)
    assert (chosen[::2] == chosen[1::2]).all()
    assert chosen.sum() == 8


def unlike(kind: str, number: int) -> Example:
    """Examples that have nothing in common but the options, or the second text, that all of them have."""
    options = ("yes", "no")
    return {
        "choice": Example("", (), (), number % 2, tuple((f"text {number}", option) for option in options)),
        "ranking": Example("", (), (), 0, tuple((f"{option} {number}", option) for option in options)),
        "multilabel": Example("", (f"text {number}", "the same"), (), ("a", "b")[: number % 3]),
    }[kind]


@pytest.mark.parametrize("kind", ["choice", "ranking", "multilabel"])
def test_options_or_a_second_text_that_all_rows_have_keep_no_rows_together(kind):
    """Every row is a group of its own: each label gives its tenth."""
    examples = [unlike(kind, number) for number in range(120)]
    chosen = carved_dev(replace(SPEC, kind=kind, labels=("a", "b")), examples)
    given_away = Counter(one.label for one, mine in zip(examples, chosen, strict=True) if mine)
    assert all(abs(given_away[label] - count / 10) <= 1 for label, count in Counter(o.label for o in examples).items())


def test_rows_that_put_other_candidates_to_one_query_stay_on_one_side():
    examples = [Example("", (), (), 0, ((f"q {n // 2}", f"a {n}"), (f"q {n // 2}", f"b {n}"))) for n in range(80)]
    chosen = carved_dev(replace(SPEC, kind="ranking", labels=()), examples)
    assert (chosen[::2] == chosen[1::2]).all()
    assert chosen.sum() == 8


def test_the_blanks_of_one_passage_stay_on_one_side():
    examples = [Example("", (), (), 0, ((f"i{n}", f"p{n}"), (f"j{n}", f"p{n}")), f"g{n // 4}") for n in range(160)]
    chosen = carved_dev(replace(SPEC, kind="choice", labels=()), examples).reshape(-1, 4)
    assert (chosen.all(1) == chosen.any(1)).all()
    assert chosen.sum() == 16


def test_train_and_the_carved_dev_are_all_rows_of_the_file_and_a_limit_applies_to_each(write):
    data = write("train.jsonl", [{"text": f"t{number}", "label": "abc"[number % 3]} for number in range(90)])
    train, dev = (read_split(SPEC, data, split).examples for split in ("train", "dev"))
    assert (len(train), len(dev)) == (81, 9)
    assert sorted(int(one.id) for one in (*train, *dev)) == list(range(90))
    assert len(read_split(replace(SPEC, limit={"dev": 4}), data, "dev").examples) == 4


def test_nothing_is_carved_where_a_file_gives_a_dev_set(write):
    data = write("train.jsonl", [{"text": f"t{number}", "label": "a"} for number in range(30)])
    spec = replace(SPEC, files={"train": "train.jsonl", "dev_matched": "x.jsonl"})
    assert len(read_split(spec, data, "train").examples) == 30
    assert carved_note(spec) is None


def test_carving_is_said_with_its_share():
    assert "own: no file gives a dev set, so 10% of train stands in for it" in str(carved_note(SPEC))


def test_too_few_rows_for_a_dev_set_are_refused(write):
    data = write("train.jsonl", [{"text": "t", "label": "a"}] * 50)
    with pytest.raises(
        DataError, match=r"50 rows in 1 groups of equal ones are too few.*dev file, or set tasks\.own\.carve"
    ):
        read_split(SPEC, data, "dev")
