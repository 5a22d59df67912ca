"""How the suites nest their rows, on small hand-written files in the official layout; and every kind as plain rows."""

import json
from dataclasses import replace

import pytest

from finetune.reading.read import read_examples, read_split
from finetune.tasks.example import Span
from finetune.tasks.spec import TaskSpec
from finetune.tasks.table import TASKS
from tokenization.errors import DataError

FILES = {"train": "train.json", "dev": "dev.json", "test": "test.json"}


def task(kind, layout="rows", **settings) -> TaskSpec:
    fields = settings.pop("fields", ("text",))
    return TaskSpec(
        "own", kind, fields, settings.pop("label", "label"), FILES, layout=layout, hidden=("test",), **settings
    )


def lines(*rows) -> str:
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)


# Plain rows of each kind.


def test_several_labels_are_a_list_or_parted_by_bars_and_come_in_id_order(write):
    spec = task("multilabel", labels=("x", "y", "z"))
    data = write("train.json", lines({"text": "a", "label": ["z", "x"]}, {"text": "b", "label": []}))
    write("dev.tsv", "text\tlabel\na\tz|x\nb\t\n")
    assert [example.label for example in read_examples(spec, data, "train")] == [("x", "z"), ()]
    table = replace(spec, files={**FILES, "dev": "dev.tsv"})
    assert [example.label for example in read_examples(table, data, "dev")] == [("x", "z"), ()]


BAD_LABELS = [
    (["x", "w"], r"train\.json, line 1: label 'w'.*allowed: x, y, z"),
    (["x", "x"], "names a label twice: x, x"),
    (3, "column 'label' is 3, but a list is expected"),
    ("x|y", r"column 'label' is 'x\|y', but a list is expected"),
]


@pytest.mark.parametrize(("label", "message"), BAD_LABELS)
def test_bad_lists_of_labels_are_refused(label, message, write):
    with pytest.raises(DataError, match=message):
        read_examples(
            task("multilabel", labels=("x", "y", "z")),
            write("train.json", lines({"text": "a", "label": label})),
            "train",
        )


@pytest.mark.parametrize("kind", ["ranking", "choice"])
def test_candidates_are_texts_or_pairs_and_the_label_is_the_right_one_s_text_or_index(kind, write):
    rows = [{"q": "who?", "of": ["me", "you"], "label": "you"}, {"q": "who?", "of": ["me", "you"], "label": 0}]
    data = write("train.json", lines(*rows))
    write("dev.json", lines({"of": [["a", "b"], ["c", "d"], ["e", "f"]], "label": 2}))
    first, second = read_examples(task(kind, fields=("q", "of")), data, "train")
    assert first.candidates == second.candidates == (("who?", "me"), ("who?", "you"))
    assert (first.label, second.label, first.texts) == (1, 0, ())
    (alone,) = read_examples(task(kind, fields=("of",)), data, "dev")
    assert (alone.candidates, alone.label) == ((("a", "b"), ("c", "d"), ("e", "f")), 2)


def test_candidates_of_a_table_are_parted_by_bars(write):
    data = write("dev.tsv", "q\tof\tlabel\nwho?\tme|you\t1\n")
    spec = replace(task("choice", fields=("q", "of")), files={**FILES, "dev": "dev.tsv"})
    (found,) = read_examples(spec, data, "dev")
    assert (found.candidates, found.label) == ((("who?", "me"), ("who?", "you")), 1)


BAD_CANDIDATES = [
    ({"of": ["a", "b"], "label": 2}, r"line 1: column 'label' is 2, which is neither one of the 2 candidates.*0 to 1"),
    ({"of": ["this", "that"], "label": "thta"}, r"is 'thta'.*Did you mean 'that'\?"),
    ({"of": ["a", "b"], "label": True}, "is True"),
    ({"of": ["a", ["b", "c"]], "label": 0}, "a list of candidates is expected"),
    ({"of": [], "label": 0}, "a list of candidates is expected"),
    ({"of": ["a", 3], "label": 0}, "holds the candidate 3, but text is expected"),
    ({"of": ["3", "1", "0"], "label": "0"}, r"line 1: .* '0', which is the text of candidate 2 and the index of '3'"),
    ({"of": "a|b", "label": 0}, r"line 1: column 'of' is 'a\|b', but a list is expected \(only in TSV and CSV"),
    ({"of": ["a"], "label": 0}, r"line 1: column 'of' holds a single candidate, 'a'; two or more are expected"),
    ({"of": ["a", "b", "a"], "label": 0}, r"line 1: .*'a', the right candidate, stands 2 times in column 'of'"),
    ({"of": ["a", "b", "a"], "label": "a"}, r"'a', the right candidate, stands 2 times"),
    ({"of": [["x", "a"], ["y", "a"]], "label": "a"}, r"'a', the right candidate, stands 2 times"),
]


@pytest.mark.parametrize(("row", "message"), BAD_CANDIDATES)
def test_bad_candidates_are_refused(row, message, write):
    with pytest.raises(DataError, match=message):
        read_examples(task("choice", fields=("of",)), write("train.json", lines(row)), "train")


@pytest.mark.parametrize(
    "row",
    [
        {"of": ["a", "a", "b"], "label": 2},
        {"of": ["a", "a", "b"], "label": "b"},
        {"of": [["b", "a"], ["c", "b"], ["d", "b"]], "label": 2},
    ],
    ids=["two wrong ones, index", "two wrong ones, text", "pairs that differ in their first text"],
)
def test_equal_candidates_stay_where_it_is_clear_which_one_is_right(row, write):
    (found,) = read_examples(task("choice", fields=("of",)), write("train.json", lines(row)), "train")
    assert found.label == (row["label"] if isinstance(row["label"], int) else row["of"].index(row["label"]))


def test_a_single_candidate_of_a_table_is_told_what_parts_them(write):
    data = write("dev.tsv", "of\tlabel\na;b\t0\n")
    spec = replace(task("choice", fields=("of",)), files={**FILES, "dev": "dev.tsv"})
    with pytest.raises(DataError, match=r"dev\.tsv, line 2: .*single candidate, 'a;b'.*parted by '\|'"):
        read_examples(spec, data, "dev")


@pytest.mark.parametrize(
    ("question", "option", "joined"),
    [
        ("Who left?", "Mr Li", "Who left? Mr Li"),
        ("谁走", "男人", "谁走男人"),
        ("谁走？", "男人", "谁走？男人"),
        ("哪年？", "1949", "哪年？1949"),
        ("누가?", "그는", "누가? 그는"),
        ("", "Mr Li", "Mr Li"),
    ],
)
def test_a_question_on_a_text_is_joined_with_each_option_as_its_script_joins_words(question, option, joined, write):
    """The label is the option's own text, or its index."""
    rows = [{"text": "on deck", "q": question, "of": ["x", option], "label": label} for label in (option, 1)]
    for found in read_examples(task("choice", fields=("text", "q", "of")), write("train.json", lines(*rows)), "train"):
        assert (found.candidates[1], found.label) == (("on deck", joined), 1)


def test_an_option_of_a_question_on_a_text_is_a_single_text(write):
    data = write("train.json", lines({"text": "t", "q": "q", "of": [["a", "b"], ["c", "d"]], "label": 0}))
    with pytest.raises(DataError, match=r"line 1: .*a list of candidates is expected, each of them a text"):
        read_examples(task("choice", fields=("text", "q", "of")), data, "train")


@pytest.mark.parametrize("name", ["-", "", "?", "-1", None])
def test_a_label_that_looks_like_none_is_told_with_the_setting_that_leaves_such_rows_out(name, write):
    """What the message says to write makes the file readable."""
    spec = task("classification", labels=("x", "y"))
    data = write("train.json", lines({"text": "a", "label": "x"}, {"text": "b", "label": name}))
    with pytest.raises(DataError, match=r"line 2: .*tasks\.own\.dropped: \['") as caught:
        read_examples(spec, data, "train")
    said = str(caught.value).partition("dropped: ['")[2].partition("']")[0]
    assert read_split(replace(spec, dropped=(said,)), data, "train").dropped == 1


def test_a_score_that_looks_like_none_is_told_so_too_but_a_misspelt_label_is_not(write):
    scores = task("regression", range=(0.0, 5.0))
    with pytest.raises(DataError, match=r"tasks\.own\.dropped: \['-', '\?'\]"):
        read_examples(replace(scores, dropped=("-",)), write("train.json", lines({"text": "a", "label": "?"})), "train")
    classes, data = task("classification", labels=("x", "y")), write("train.json", lines({"text": "a", "label": "z"}))
    with pytest.raises(DataError, match="label 'z' is not one") as caught:
        read_examples(classes, data, "train")
    assert "dropped" not in str(caught.value)


@pytest.mark.parametrize(("label", "right"), [(0, 0), ("1", 1), ("3", 0), ("2", 2)])
def test_a_label_that_is_a_text_or_an_index_but_not_those_of_two_candidates_is_taken(label, right, write):
    """A number is an index; "1" is both the text and the index of one, "3" no index of three, "2" no text."""
    data = write("train.json", lines({"of": ["3", "1", "0"], "label": label}))
    (found,) = read_examples(task("choice", fields=("of",)), data, "train")
    assert found.label == right


def test_an_index_in_a_table_whose_candidates_are_numbers_is_refused_where_it_is_the_text_of_another(write):
    data = write("dev.tsv", "of\tlabel\n3|1|0\t0\n")
    spec = replace(task("choice", fields=("of",)), files={**FILES, "dev": "dev.tsv"})
    with pytest.raises(DataError, match=r"dev\.tsv, line 2: .*Give indices as numbers, which JSON and parquet tell"):
        read_examples(spec, data, "dev")


@pytest.mark.parametrize(
    ("label", "spans"),
    [
        ("am Main", (Span("am Main", 10),)),
        (["Main", "am Main"], (Span("Main", 13), Span("am Main", 10))),
        ([{"text": "a", "answer_start": 9}], (Span("a", 10),)),
        ({"text": ["Main"], "answer_start": [13]}, (Span("Main", 13),)),
        ([], ()),
        ("", ()),
        ("Oder", (Span("Oder", -1),)),
    ],
)
def test_answers_of_a_row_may_be_written_in_each_usual_way(label, spans, write):
    row = {"q": "where?", "text": "Frankfurt am Main", "label": label}
    (found,) = read_examples(task("span", fields=("q", "text")), write("train.json", lines(row)), "train")
    assert (found.texts, found.label) == (("where?", "Frankfurt am Main"), spans)


BAD_ANSWERS = [
    ([{"text": "Main", "answer_start": "13"}], r"line 1: answer_start of 'Main' is '13', but a number of characters"),
    ([{"text": "Main", "answer_start": 13.0}], r"answer_start of 'Main' is 13\.0"),
    ([{"text": "Main", "answer_start": [13]}], r"answer_start of 'Main' is \[13\]"),
    ({"text": ["Main", "am"], "answer_start": [13]}, r"line 1: 2 answers \('text'\), but answer_start is \[13\]"),
    ({"text": ["Main"], "answer_start": 13}, "1 answers .* but answer_start is 13"),
    ([["Main"]], r"an answer is \['Main'\], but text is expected"),
]


@pytest.mark.parametrize(("label", "message"), BAD_ANSWERS)
def test_bad_answers_are_refused_and_none_is_lost(label, message, write):
    row = {"q": "where?", "text": "Frankfurt am Main", "label": label}
    with pytest.raises(DataError, match=message):
        read_examples(task("span", fields=("q", "text")), write("train.json", lines(row)), "train")


def test_lists_of_texts_are_joined_by_one_mark_whatever_their_script(write):
    spec = task("classification", fields=("keyword", "text"), labels=("0", "1"))
    rows = [{"keyword": words, "text": "t", "label": "0"} for words in (["粮食", "IL-6"], ["grain", "rice"])]
    data = write("train.json", lines(*rows))
    assert [example.texts[0] for example in read_examples(spec, data, "train")] == ["粮食; IL-6", "grain; rice"]


# Rows without a label, and ids.


def test_a_row_without_a_label_is_left_out_and_counted_but_never_from_a_test_set(write):
    """OCNLI's "-": order and length of a test set must stay, whether its labels are given or not."""
    spec = replace(task("classification", labels=("yes", "no"), dropped=("-",), id="id"), hidden=())
    rows = [{"id": number, "text": "t", "label": label} for number, label in enumerate(("yes", "-", "no"))]
    for name in ("train.json", "dev.json", "test.json"):
        data = write(name, lines(*rows))
    for split in ("train", "dev"):
        found = read_split(spec, data, split)
        assert ([(one.id, one.label) for one in found.examples], found.dropped) == ([("0", "yes"), ("2", "no")], 1)
    found = read_split(spec, data, "test")
    assert ([(one.id, one.label) for one in found.examples], found.dropped) == (
        [("0", "yes"), ("1", None), ("2", "no")],
        0,
    )
    assert read_split(replace(spec, hidden=("test",)), data, "test").examples[1].label is None


def test_a_split_of_nothing_but_rows_without_labels_is_empty(write):
    spec = task("classification", labels=("yes", "no"), dropped=("-",))
    with pytest.raises(DataError, match=r"train\.json: no rows; task 'own' needs at least one in split 'train'"):
        read_examples(spec, write("train.json", lines({"text": "t", "label": "-"})), "train")


def test_ids_are_the_rows_own_or_their_places_and_none_stands_twice(write):
    spec = task("classification", labels=("yes", "no"), id="key")
    data = write("train.json", lines({"key": 7, "text": "t", "label": "no"}, {"key": "x", "text": "t", "label": "no"}))
    assert [example.id for example in read_examples(spec, data, "train")] == ["7", "x"]
    write("dev.json", lines(*[{"text": "t", "label": "no"}] * 2))
    assert [example.id for example in read_examples(spec, data, "dev")] == ["0", "1"]
    write("dev.json", lines(*[{"key": 7, "text": "t", "label": "no"}] * 2))
    with pytest.raises(DataError, match=r"line 2: id '7' stands there a second time, first in .*line 1"):
        read_examples(spec, data, "dev")


# CLUEWSC2020


def marked(text, first, second, write, **row):
    target = {"span1_text": first[0], "span1_index": first[1], "span2_text": second[0], "span2_index": second[1]}
    spec = task("classification", "marked_pair", labels=("true", "false"))
    data = write("train.json", lines({"text": text, "target": target, "label": "true", **row}))
    return read_examples(spec, data, "train")[0]


def test_both_spans_are_marked_in_the_raw_text_whichever_comes_first(write):
    text = "他说毛豆不能下来。"
    assert marked(text, ("毛豆", 2), ("他", 0), write).texts == ("[他]说_毛豆_不能下来。",)
    assert marked(text, ("他", 0), ("毛豆", 2), write).texts == ("_他_说[毛豆]不能下来。",)


def test_spans_that_touch_keep_their_own_marks(write):
    assert marked("abcd", ("ab", 0), ("cd", 2), write).texts == ("_ab_[cd]",)
    assert marked("abcd", ("cd", 2), ("ab", 0), write).texts == ("[ab]_cd_",)


def test_taking_the_marks_out_gives_the_raw_text(write):
    text = "耶律克定说到雁北义军时，提起韦大哥，就连声说不可挡。"
    found = marked(text, ("韦大哥", 14), ("耶律克定", 0), write).texts[0]
    assert "".join(character for character in found if character not in "_[]") == text


def test_a_span_that_does_not_stand_at_its_offset_is_refused_with_its_place(write):
    with pytest.raises(DataError, match=r"line 1: span1_text is '毛豆', but at character 1 .* stands '说毛'"):
        marked("他说毛豆", ("毛豆", 1), ("他", 0), write)


@pytest.mark.parametrize(("span", "start"), [("毛豆", -2), ("", 1), ("毛豆", "2"), (None, 2)])
def test_a_span_without_a_place_or_text_is_refused(span, start, write):
    with pytest.raises(DataError, match=r"line 1: span1_text is .* at character .* of the text stands"):
        marked("他说毛豆", (span, start), ("他", 0), write)


# SQuAD, CMRC2018


def nested(*qas, context="北京是首都。上海不是。首都是北京。") -> str:
    return json.dumps(
        {"version": "x", "data": [{"title": "t", "paragraphs": [{"context": context, "qas": list(qas)}]}]}
    )


def asked(answers, **more):
    return {"id": "Q1", "question": "首都？", "answers": answers, **more}


SQUAD = task("span", "squad", fields=("question", "context"), label="answers")


def test_a_question_has_its_answers_with_their_places_each_once(write):
    data = write(
        "train.json", nested(asked([{"text": "北京", "answer_start": 0}, {"text": "首都", "answer_start": 3}] * 2))
    )
    (found,) = read_examples(SQUAD, data, "train")
    assert (found.id, found.texts[0], found.label) == ("Q1", "首都？", (Span("北京", 0), Span("首都", 3)))


def test_an_answer_beside_its_place_is_found_at_the_nearest_one_and_one_that_is_not_there_is_kept(write):
    """CMRC2018's train set is off by one in 21 questions."""
    answers = [
        {"text": "北京", "answer_start": 12},
        {"text": "北京", "answer_start": 1},
        {"text": "纽约", "answer_start": 3},
    ]
    (found,) = read_examples(SQUAD, write("train.json", nested(asked(answers))), "train")
    assert found.label == (Span("北京", 14), Span("北京", 0), Span("纽约", -1))


def test_a_question_without_an_answer_has_none_and_a_hidden_one_is_not_looked_at(write):
    rows = nested(asked([{"text": "北京", "answer_start": 0}], is_impossible=True), {**asked([]), "id": "Q2"})
    data = write("train.json", rows)
    assert [example.label for example in read_examples(SQUAD, data, "train")] == [(), ()]
    write(
        "test.json", nested({"id": "T", "question": "?"}, {**asked([{"text": "FAKE", "answer_start": -1}]), "id": "U"})
    )
    assert [example.label for example in read_examples(SQUAD, data, "test")] == [None, None]


@pytest.mark.data
@pytest.mark.parametrize("split", ["train", "dev"])
def test_every_answer_of_cmrc2018_stands_where_its_span_says_or_nowhere_and_each_question_has_one(split, data):
    """Of the three that annotators gave in dev, some are not the text's own words."""
    for one in read_examples(TASKS["cmrc2018"], data, split):
        text = one.texts[1]
        there = [span for span in one.label if text[span.start : span.start + len(span.text)] == span.text]
        assert there
        assert all(span.start == -1 and span.text not in text for span in set(one.label) - set(there))


BAD_NESTING = [
    (nested({"id": "Q", "question": "?"}), r"row 1, paragraph 1, question 1: there is no column 'answers'"),
    (json.dumps({"data": [{"title": "t"}]}), r"there is no column 'question'"),
    (json.dumps({"data": [{"paragraphs": [{"context": "c"}]}]}), r"paragraph 1: 'qas' is missing.*SQuAD's nesting"),
    (nested(asked([{"text": None, "answer_start": 0}])), r"question 1: an answer is None, but text is expected"),
]


@pytest.mark.parametrize(("text", "message"), BAD_NESTING)
def test_what_is_not_nested_as_squad_is_refused_with_its_place(text, message, write):
    with pytest.raises(DataError, match=message):
        read_examples(SQUAD, write("train.json", text), "train")


SENTENCES = task("ranking", "squad_sentences", fields=("question", "context"), label="answers")


@pytest.mark.parametrize(("start", "right"), [(0, 0), (3, 0), (6, 1), (11, 2), (14, 2)])
def test_the_right_sentence_is_the_one_in_which_the_first_answer_begins(start, right, write):
    context = "北京是首都。上海不是。首都是北京。"
    answers = [{"text": context[start], "answer_start": start}, {"text": "北京", "answer_start": 0}]
    (found,) = read_examples(SENTENCES, write("train.json", nested(asked(answers))), "train")
    assert found.candidates == (("首都？", "北京是首都。"), ("首都？", "上海不是。"), ("首都？", "首都是北京。"))
    assert found.label == right


def test_a_question_whose_answer_stands_in_no_sentence_is_left_out_and_counted(write):
    rows = nested(asked([{"text": "北京", "answer_start": 0}]), {**asked([]), "id": "Q2"})
    found = read_split(SENTENCES, write("train.json", rows), "train")
    assert (len(found.examples), found.dropped) == (1, 1)


# C3


def test_each_question_of_a_dialogue_is_an_example_with_its_own_number_of_choices(write):
    dialogue = [
        ["男：你好。", "女：再见。"],
        [
            {"question": "谁走？", "choice": ["男", "女"], "answer": "女"},
            {"question": "何时？", "choice": ["早", "晚", "午", "夜"], "answer": "早"},
        ],
        "1-1",
    ]
    spec = task("choice", "c3", fields=("context", "question"), label="answer")
    first, second = read_examples(spec, write("train.json", json.dumps([dialogue])), "train")
    context = "男：你好。\n女：再见。"
    assert first.candidates == ((context, "谁走？男"), (context, "谁走？女"))
    assert (first.label, len(second.candidates), second.label, second.id) == (1, 4, 0, "1")


def test_an_answer_that_is_no_choice_is_refused_with_the_question(write):
    dialogue = [["文"], [{"question": "谁？", "choice": ["男", "女"], "answer": "狗"}], "1"]
    spec = task("choice", "c3", fields=("context", "question"), label="answer")
    with pytest.raises(DataError, match=r"row 1, question 1: column 'answer' is '狗'"):
        read_examples(spec, write("train.json", json.dumps([dialogue])), "train")


def test_the_answer_of_a_dialogue_is_a_choice_s_text_also_where_that_is_the_index_of_another(write):
    dialogue = [["文"], [{"question": "几？", "choice": ["3", "1", "0"], "answer": "0"}], "1"]
    spec = task("choice", "c3", fields=("context", "question"), label="answer")
    (found,) = read_examples(spec, write("train.json", json.dumps([dialogue])), "train")
    assert found.label == 2


BAD_DIALOGUES = [
    ("谁？", r"row 1: '谁？' stands where a list of questions"),
    (["谁？"], r"row 1: \['谁？'\] stands where a list of questions, each an object"),
    ([{"question": "谁？", "choice": ["男", 1], "answer": "男"}], r"question 1: column 'choice' is \['男', 1\]"),
    ([{"question": "谁？", "choice": [], "answer": "男"}], "a list of one or more texts is expected"),
]


@pytest.mark.parametrize(("questions", "message"), BAD_DIALOGUES)
def test_bad_questions_of_a_dialogue_are_refused(questions, message, write):
    spec = task("choice", "c3", fields=("context", "question"), label="answer")
    with pytest.raises(DataError, match=message):
        read_examples(spec, write("train.json", json.dumps([[["文"], questions, "1"]])), "train")


# ChID

CHID = task("choice", "chid", fields=("candidates", "content"), label="answer")
IDIOMS = ["画蛇添足", "雪中送炭", "草木皆兵"]


def test_a_blank_is_an_example_under_its_own_name_with_the_others_of_its_line_as_a_group(write):
    passages = {"candidates": IDIOMS, "content": ["甲#idiom000001#乙#idiom000002#丙", "丁#idiom000003#"]}
    data = write("train.json", lines(passages))
    write("answers.json", json.dumps({"#idiom000002#": 2, "#idiom000001#": 1, "#idiom000003#": 0}))
    spec = replace(CHID, files={**FILES, "train": ("train.json", "answers.json")})
    found = read_examples(spec, data, "train")
    assert [(one.id, one.label) for one in found] == [("#idiom000001#", 1), ("#idiom000002#", 2), ("#idiom000003#", 0)]
    assert [one.candidates[0] for one in found] == [
        ("画蛇添足", "甲[_]乙_丙"),
        ("画蛇添足", "甲_乙[_]丙"),
        ("画蛇添足", "丁[_]"),
    ]
    assert len({one.group for one in found}) == 1
    assert found[0].group


def test_a_row_of_fewclue_has_one_blank_its_own_id_and_no_group(write):
    row = {"id": 1500, "candidates": IDIOMS, "content": "有时#idiom#，", "answer": 2}
    (found,) = read_examples(replace(CHID, id="id"), write("train.json", lines(row)), "train")
    assert (found.id, found.label, found.group) == ("1500", 2, "")
    assert found.candidates[1] == ("雪中送炭", "有时[_]，")


def test_the_blank_of_a_long_passage_stays_within_128_tokens_of_characters(write):
    row = {"id": 1, "candidates": IDIOMS, "content": "前" * 500 + "#idiom#" + "后" * 500, "answer": 0}
    (found,) = read_examples(CHID, write("train.json", lines(row)), "train")
    idiom, text = found.candidates[0]
    assert "前[_]后" in text
    assert 3 + len(idiom) + text.index("]") < 128


BAD_BLANKS = [
    ({"content": "无", "answer": 0}, r"line 1: 0 blanks stand in column 'content' \(none\)"),
    ({"content": "#idiom##idiom#", "answer": 0}, r"2 blanks.*or a single #idiom#"),
    ({"content": "#idiom000001#"}, r"no answer for blank #idiom000001#; .*train_answer\.json"),
    ({"content": "#idiom#", "answer": 3}, r"column 'answer' is 3.*0 to 2"),
    ({"content": ["#idiom000001#"], "answers": {"candidate_id": None}}, r"line 1: no answer for blank 1.* is None"),
    ({"content": ["#idiom000001##idiom000002#"], "answers": {"candidate_id": [0]}}, r"no answer for blank 2.* \[0\]"),
    ({"content": ["#idiom000001#", 7], "answer": 0}, r"line 1: column 'content' is .*a list of one or more texts"),
    ({"content": "#idiom#", "answer": 0, "candidates": ["画蛇添足", None]}, "column 'candidates' is .*None"),
    ({"contents": "#idiom#", "answer": 0}, r"line 1: there is no column 'content', and 'candidates' is no blank"),
]


@pytest.mark.parametrize(("row", "message"), BAD_BLANKS)
def test_bad_blanks_are_refused(row, message, write):
    with pytest.raises(DataError, match=message):
        read_examples(CHID, write("train.json", lines({"candidates": IDIOMS, **row})), "train")


# CLUENER

NAMES = task(
    "tagging", "named_spans", labels=("O", "B-name", "I-name", "B-company", "I-company"), metrics=("entity_f1",)
)


def tags(label, write, text="叶老桂说浙商银行"):
    return read_examples(NAMES, write("train.json", lines({"text": text, "label": label})), "train")[0]


def test_named_spans_end_with_their_last_character_included(write):
    found = tags({"name": {"叶老桂": [[0, 2]]}, "company": {"浙商银行": [[4, 7]]}}, write)
    assert found.words == tuple("叶老桂说浙商银行")
    assert found.label == ("B-name", "I-name", "I-name", "O", "B-company", *["I-company"] * 3)


def test_of_overlapping_spans_the_longer_one_is_kept(write):
    found = tags({"name": {"浙商": [[4, 5]]}, "company": {"浙商银行": [[4, 7]]}}, write)
    assert found.label == (*["O"] * 4, "B-company", *["I-company"] * 3)


BAD_SPANS = [
    ({"name": {"叶老桂": [[0, 3]]}}, r"line 1: '叶老桂' \(name\) does not stand at characters 0 to 3.*'叶老桂说'"),
    ({"person": {"叶老桂": [[0, 2]]}}, r"type 'person' is not one of task 'own'; allowed: name, company"),
    ("叶老桂", "column 'label' is '叶老桂', but a JSON object is expected"),
    ({"name": ["叶老桂"]}, r"line 1: the entities of type 'name' are \['叶老桂'\]; expected is \{type: \{surface"),
    ({"name": {"叶老桂": [0, 2]}}, r"line 1: '叶老桂' \(name\) stands at \[0, 2\]; expected is"),
    ({"name": {"叶老桂": [["0", "2"]]}}, "expected is"),
    ({"name": {"叶老桂": [[0, 1, 2]]}}, "expected is"),
    ({"name": {"叶老桂": None}}, "stands at None; expected is"),
    ({"company": {"浙商银行": [[4, 8]]}}, "does not stand at characters 4 to 8"),
    ({"name": {"": [[2, 1]]}}, "does not stand at characters 2 to 1"),
]


@pytest.mark.parametrize(("label", "message"), BAD_SPANS)
def test_bad_spans_are_refused(label, message, write):
    with pytest.raises(DataError, match=message):
        tags(label, write)
