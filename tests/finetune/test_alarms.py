from dataclasses import replace

import numpy as np
import pytest

from finetune.alarms import label_alarms
from finetune.cloze.given import Cloze, Prompt
from finetune.tasks.spec import TaskSpec

NLI = TaskSpec(
    name="nli", kind="classification", fields=("a", "b"), label="l", files={}, labels=("neutral", "no", "yes")
)
SCORE = replace(NLI, kind="regression", labels=(), range=(0.0, 5.0), label="likeness")


def rows(table):
    """Right classes and answers, with that many rows of each pair."""
    pairs = [pair for pair, count in table.items() for _ in range(count)]
    return [right for right, _ in pairs], [told for _, told in pairs]


def test_two_swapped_labels_are_named_with_the_accuracy_now_and_after_a_swap():
    (alarm,) = label_alarms(NLI, *rows({(0, 0): 4, (1, 2): 3, (2, 1): 2, (1, 1): 1}))
    assert alarm.startswith("nli: accuracy is 0.500, and would be 0.900 if the answers 'no' and 'yes' were swapped.")
    assert "`label_values`" in alarm


@pytest.mark.parametrize(("mistakes", "alarms"), [(19, 0), (20, 1), (21, 1)])
def test_the_alarm_rings_from_twenty_points_on(mistakes, alarms):
    assert len(label_alarms(NLI, *rows({(0, 0): 100 - mistakes, (1, 2): mistakes}))) == alarms


def test_what_a_swap_would_break_is_counted_against_it():
    assert label_alarms(NLI, *rows({(1, 2): 30, (1, 1): 30, (0, 0): 40})) == ()


def test_of_labels_that_all_moved_on_by_one_each_pair_is_told_the_worst_first():
    alarms = label_alarms(NLI, *rows({(0, 1): 25, (1, 2): 40, (2, 0): 35}))
    assert [alarm.split("answers ")[1].split(" were")[0] for alarm in alarms] == [
        "'no' and 'yes'",
        "'neutral' and 'yes'",
        "'neutral' and 'no'",
    ]


@pytest.mark.parametrize("gold", [[1, 0, 1, 2], [1, 1, 1, 1]])
def test_one_class_for_all_rows_says_nothing_of_a_swap_and_is_told_itself(gold):
    (alarm,) = label_alarms(NLI, gold, [0] * 4)  # a swap of 0 and 1 would add 25, 100 points
    assert alarm.startswith("nli: it answers only 'neutral'")
    assert "swapped" not in alarm


def test_one_score_for_all_rows_is_told_though_rounding_parts_it():
    (alarm,) = label_alarms(SCORE, [0.0, 1.0, 2.0], [2.0, 2.0 + 1e-12, 2.0])
    assert alarm.startswith("nli: it answers only 2,")


def test_one_answer_that_is_right_for_all_rows_or_for_a_single_row_alarms_nobody():
    assert label_alarms(NLI, [1] * 5, [1] * 5) == ()
    assert label_alarms(SCORE, [2.0, 2.0], [2.5, 2.5]) == ()
    assert label_alarms(NLI, [1], [0]) == ()


def test_scores_that_run_backwards_are_told_from_a_correlation_of_minus_a_half_on():
    (alarm,) = label_alarms(SCORE, [0.0, 1.0, 2.0], [3.0, 2.0, 1.0])
    assert "-1.00" in alarm
    assert "'likeness'" in alarm
    assert label_alarms(SCORE, [1.0, 2.0, 3.0], [2.5, 1.0, 2.0]) == ()
    assert len(label_alarms(SCORE, [0.0, 1.0, 2.0, 3.0], [3.0, 1.5, 2.0, 1.0])) == 1


def test_answers_of_other_kinds_have_no_labels_to_swap():
    assert label_alarms(replace(NLI, kind="choice", labels=()), [0, 1], [1, 0]) == ()
    assert label_alarms(replace(NLI, kind="multilabel"), [np.array([1, 0, 0])], [np.array([0, 1, 0])]) == ()


def test_a_prompt_is_told_what_it_answers_and_not_to_look_into_labels_or_training():
    asked = replace(NLI, prompt=Prompt("{a} so {b}", {"neutral": "x", "no": "y", "yes": "z"}), attention="left")
    swapped = rows({(0, 0): 4, (1, 2): 3, (2, 1): 3})
    assert (len(label_alarms(NLI, *swapped)), label_alarms(asked, *swapped)) == (1, ())
    assert label_alarms(asked, [1, 0, 1], [0, 0, 0]) == ("nli: it answers only 'neutral', whatever the text.",)


def test_swapped_labels_of_a_cloze_are_told_as_of_any_classification():
    asked = replace(NLI, cloze=Cloze("{a} {mask} {b}", {"neutral": "x", "no": "y", "yes": "z"}))
    swapped = rows({(0, 0): 4, (1, 2): 3, (2, 1): 3})
    assert label_alarms(asked, *swapped) == label_alarms(NLI, *swapped) != ()
