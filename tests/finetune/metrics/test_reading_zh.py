"""Oracles: the rules of the CMRC 2018 script written another way, and answers scored by hand."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.metrics import METRICS
from finetune.metrics.reading_zh import parts_of
from finetune.tasks.spec import TaskSpec

CHINESE = TaskSpec(name="t", kind="span", fields=("q", "c"), label="a", files={})


def both(gold, told):
    """Exact match and F1."""
    return METRICS["exact_match_zh"](gold, told, CHINESE), METRICS["span_f1_zh"](gold, told, CHINESE)


def test_han_characters_stand_alone_and_what_is_between_them_is_cut_into_english_words():
    assert parts_of(" 1998年3.5%的NBA球员 Dr. J ") == ["1998", "年", "3.5", "%", "的", "nba", "球", "员", "dr.", "j"]


def test_punctuation_that_is_left_out_joins_what_stood_around_it():
    assert parts_of("《A-B》：“中·国”") == ["ab", "中", "国"]
    assert parts_of("中,国…") == ["中", ",", "国", "…"]


def test_case_and_listed_punctuation_do_not_count_for_an_exact_match_but_blanks_and_commas_do():
    assert both([("《红楼梦》", "Dream")], ["红楼梦。"]) == (1.0, 1.0)
    assert both([("Red Dream",)], ["red dream"]) == (1.0, 1.0)
    assert both([("red dream",)], ["red  dream"]) == (0.0, 1.0)
    assert both([("红,楼",)], ["红楼"])[0] == 0.0


def test_f1_counts_the_longest_run_and_not_all_that_is_shared():
    """Four told, of five right: the longest run is 3 (not 4), so 2 · 3 / (4 + 5); the nearest of two answers counts."""
    assert both([("甲乙丙丁戊",)], ["乙丙丁甲"]) == (0.0, pytest.approx(2 * 3 / (4 + 5)))
    assert both([("甲乙丙丁戊", "丁甲")], ["乙丙丁甲"]) == (0.0, pytest.approx(2 * 3 / (4 + 5)))
    assert both([("甲乙丙丁戊", "丙丁甲")], ["乙丙丁甲"]) == (0.0, pytest.approx(2 * 3 / (4 + 3)))


def test_of_punctuation_alone_the_script_counts_the_match_but_no_f1():
    assert both([("。",)], ["——"]) == (0.0, 0.0)
    assert both([("。",)], ["！"]) == (1.0, 0.0)


def test_of_a_text_without_an_answer_only_saying_nothing_is_right():
    assert both([(), (), ("甲",)], ["", "甲", ""]) == (pytest.approx(1 / 3), pytest.approx(1 / 3))


def runs_of(parts):
    return {tuple(parts[start:stop]) for stop in range(len(parts) + 1) for start in range(stop)}


def counted(text):
    return "".join(letter for letter in text if letter not in "-。《》")


def cut_by_hand(text):
    """The parts of a text, letter by letter: Han letters, and between them the words of the Treebank."""
    runs = itertools.groupby(counted(text).lower(), lambda letter: letter in "甲乙丙")
    return [part for is_han, run in runs for part in (run if is_han else words_by_hand("".join(run).strip()))]


def words_by_hand(run):
    """Brackets and % stand alone; so do a comma with no digit behind it, and a full stop that ends the run."""
    words = [""]
    for place, letter in enumerate(run):
        behind = run[place + 1 :]
        ends = {",": not behind[:1].isdecimal(), ".": not behind.strip(") ")}
        if letter in " %()" or ends.get(letter):
            words += [letter.strip(), ""]
        else:
            words[-1] += letter
    return [word for word in words if word]


# Two full stops would be an ellipsis.
MIXED = st.text("甲乙丙nB15 ,.%()。《》-", max_size=12).filter(lambda text: ".." not in counted(text))


@settings(max_examples=500)
@given(MIXED)
def test_random_texts_are_cut_as_by_hand(text):
    assert parts_of(text) == cut_by_hand(text)


@given(st.lists(MIXED, min_size=1, max_size=3).map(tuple), MIXED)
def test_random_answers_are_worth_what_the_rules_say(rights, told):
    """F1 by every run of every answer; the match by the letters that count."""
    said = cut_by_hand(told)
    cut = [cut_by_hand(right) for right in rights]
    shared = [max(map(len, runs_of(right) & runs_of(said)), default=0) for right in cut]
    f1 = max(2 * n / (len(right) + len(said)) if n else 0.0 for n, right in zip(shared, cut, strict=True))
    match = counted(told.strip()).lower() in [counted(right.strip()).lower() for right in rights]
    assert both([rights], [told]) == (float(match), pytest.approx(f1))
