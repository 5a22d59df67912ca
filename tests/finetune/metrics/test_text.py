"""BLEU and chrF beside sacrebleu asked directly, and equality up to blanks."""

from dataclasses import replace

import pytest
import sacrebleu

from finetune.metrics import METRICS, majority
from finetune.tasks.spec import TaskSpec

SPEC = TaskSpec("t", "generation", ("a",), "b", {}, metrics=("bleu",), primary="bleu")
RIGHT = ["A dog's ball, 3.5 inches wide (red).", "Two men are walking.", "The girl climbs into a playhouse."]
TOLD = ["A dog's ball 3.5 inches wide (blue).", "Two women are walking home.", "A girl climbs into the playhouse ."]
RIGHT_ZH = ["他在森林里看到一只狗。", "我已经起来了。"]
TOLD_ZH = ["他在森林里看见一只小狗。", "我 已经 起来 了。"]


def test_bleu_and_chrf_are_sacrebleu_s_over_100():
    assert METRICS["bleu"](RIGHT, TOLD, SPEC) == sacrebleu.corpus_bleu(TOLD, [RIGHT]).score / 100
    assert METRICS["chrf"](RIGHT, TOLD, SPEC) == sacrebleu.corpus_chrf(TOLD, [RIGHT]).score / 100
    assert 0.2 < METRICS["bleu"](RIGHT, TOLD, SPEC) < 0.8


def test_bleu_of_chinese_counts_characters():
    chinese = METRICS["bleu"](RIGHT_ZH, TOLD_ZH, replace(SPEC, language="zh"))
    assert chinese == sacrebleu.corpus_bleu(TOLD_ZH, [RIGHT_ZH], tokenize="zh").score / 100
    assert chinese > METRICS["bleu"](RIGHT_ZH, TOLD_ZH, SPEC) + 0.3


def test_a_corpus_that_ends_in_parted_full_stops_is_scored_without_a_warning(caplog):
    many = ["a dog runs ."] * 120
    assert METRICS["bleu"](many, many, SPEC) == pytest.approx(1.0)
    assert not caplog.records


def test_a_text_is_the_same_whatever_its_blanks_but_not_its_case():
    assert METRICS["exact_match"](["a b.", "A b", "a c"], ["a b .", "a b", "ac"], SPEC) == pytest.approx(2 / 3)


def test_words_are_the_same_whatever_their_case_articles_and_marks():
    assert METRICS["exact_words"](["the bad", "Bad.", "bad", "bad"], ["Bad !", "bad", "bad film", ""], SPEC) == 0.5


def test_who_ignores_the_source_writes_what_training_asked_for_most_often():
    often = ["the cat sat on a mat", "the dog ran", "the dog ran", "the cat sat on a mat", "no"]
    gold = ["the cat sat on the mat", "the cat sat on a chair"]
    assert majority(SPEC, often, gold) == METRICS["bleu"](gold, ["the cat sat on a mat"] * 2, SPEC) > 0
