"""Suites' averages; the oracles are the boards' own published rows."""

import pytest

from finetune.submissions.board import Board
from finetune.submissions.boards import BOARDS
from finetune.tasks.suites import SUITES, suite_average
from finetune.tasks.table import TASKS

BERT_LARGE = {
    "cola": {"test": {"matthews": 60.5}},
    "sst2": {"test": {"accuracy": 94.9}},
    "mrpc": {"test": {"f1": 89.3, "accuracy": 85.4}},
    "stsb": {"test": {"pearson": 87.6, "spearman": 86.5}},
    "qqp": {"test": {"f1": 72.1, "accuracy": 89.3}},
    "mnli": {"test_matched": {"accuracy": 86.7}, "test_mismatched": {"accuracy": 85.9}},
    "qnli": {"test": {"accuracy": 92.7}},
    "rte": {"test": {"accuracy": 70.1}},
    "wnli": {"test": {"accuracy": 65.1}},
}
"""Devlin et al. 2019, table 1, with the second metrics and WNLI from the GLUE board, which says 80.5."""

CLUE_PEOPLE = {
    **{"afqmc": 81.0, "tnews": 71.0, "iflytek": 80.3, "ocnli": 90.3, "cluewsc2020": 98.0},
    **{"csl": 84.0, "cmrc2018": 92.4, "chid": 87.1, "c3": 96.0},
}
"""The row HUMAN of the CLUE 1.1 board, which says 86.678."""

CLUE_BERT_BASE = {
    **{"afqmc": 73.70, "tnews": 56.58, "iflytek": 60.29, "cmnli": 79.69, "cluewsc2020": 62.0},
    **{"csl": 80.36, "cmrc2018": 71.60, "chid": 82.04, "c3": 64.50},
}
"""BERT-base in the README of CLUE 1.0: 68.77 over the six classifications, 72.71 over the three of reading."""

FEWCLUE_PEOPLE = {
    **{"eprstmt": 90.0, "bustm": 88.0, "ocnlif": 90.3, "csldcp": 68.0, "tnewsf": 71.0},
    **{"cluewscf": 98.0, "iflytekf": 66.0, "cslf": 84.0, "chidf": 87.1},
}
"""The row Human of FewCLUE's README, which says 82.49."""


def of_one_metric(suite: str, values: dict[str, float]) -> dict[str, dict[str, dict[str, float]]]:
    return {task: {"test": {SUITES[suite].average[task][0]: value}} for task, value in values.items()}


def test_glue_s_average_of_bert_large_is_the_board_s() -> None:
    average = suite_average(SUITES["glue"], BERT_LARGE)
    assert round(average.value, 1) == 80.5
    assert (set(average.counted), average.missing) == (set(BERT_LARGE), ())


@pytest.mark.parametrize(
    ("suite", "values", "told", "digits"),
    [
        ("clue", CLUE_PEOPLE, 86.678, 3),
        ("clue10", CLUE_BERT_BASE, (6 * 68.77 + 3 * 72.71) / 9, 2),
        ("fewclue", FEWCLUE_PEOPLE, 82.49, 2),
    ],
)
def test_the_boards_of_clue_are_means_over_nine_tasks(
    suite: str, values: dict[str, float], told: float, digits: int
) -> None:
    average = suite_average(SUITES[suite], of_one_metric(suite, values))
    assert round(average.value, digits) == round(told, digits)
    assert (set(average.counted), average.missing) == (set(values), ())


def test_the_contest_takes_the_mean_of_three_macro_f1() -> None:
    values = {"tianchi-ocnli": 0.75, "ocemotion": 0.5, "tianchi-tnews": 0.25}
    scores = {task: {"dev": {"macro_f1": value, "accuracy": 1.0}} for task, value in values.items()}
    assert suite_average(SUITES["tianchi"], scores).value == 0.5


def test_ax_and_the_tasks_that_left_the_board_are_not_counted() -> None:
    ax = {"ax": {"test": {"matthews": 0.0}}}
    assert suite_average(SUITES["glue"], BERT_LARGE | ax) == suite_average(SUITES["glue"], BERT_LARGE)
    cmnli = {"cmnli": {"test": {"accuracy": 0.0}}}
    people = of_one_metric("clue", CLUE_PEOPLE)
    assert suite_average(SUITES["clue"], people | cmnli) == suite_average(SUITES["clue"], people)


def test_a_part_of_a_suite_is_averaged_over_itself_and_says_what_is_missing() -> None:
    average = suite_average(SUITES["glue"], {"rte": {"dev": {"accuracy": 0.5}}, "cola": {"dev": {"matthews": 0.25}}})
    assert (average.value, average.counted) == (0.375, ("cola", "rte"))
    assert average.missing == ("sst2", "mrpc", "stsb", "qqp", "mnli", "qnli", "wnli")


def test_half_of_mnli_counts_as_mnli_and_the_other_half_is_told_as_missing() -> None:
    matched = {"mnli": {"dev_matched": {"accuracy": 0.5}}}
    average = suite_average(SUITES["glue"], matched)
    assert (average.value, average.counted) == (0.5, ("mnli",))
    assert "mnli (dev_mismatched)" in average.missing
    assert "mnli (test_matched)" not in average.missing


def test_a_task_scored_by_other_metrics_than_the_board_s_is_missing() -> None:
    average = suite_average(SUITES["glue"], {"mrpc": {"dev": {"accuracy": 0.9}}})
    assert average.value is None
    assert "mrpc" in average.missing


@pytest.mark.parametrize("name", SUITES)
def test_a_suite_averages_tasks_of_its_own_by_metrics_that_they_have(name: str) -> None:
    suite = SUITES[name]
    tasks = {spec.name: spec for spec in suite.tasks}
    assert suite.name == name
    assert len(tasks) == len(suite.tasks)
    assert all(TASKS[task] is spec for task, spec in tasks.items())
    assert set(suite.average) <= set(tasks)
    assert all(set(metrics) <= set(tasks[task].metrics) for task, metrics in suite.average.items())


@pytest.mark.parametrize("board", [board for board in BOARDS.values() if board.name in SUITES])
def test_the_test_sets_of_a_suite_are_those_that_its_board_takes(board: Board) -> None:
    suite = SUITES[board.name]
    for file in board.files:
        assert file.split in suite.splits(TASKS[file.task], "test")
    assert {file.task for file in board.files} <= {spec.name for spec in suite.tasks}


def test_the_contest_s_test_means_both_of_its_test_sets() -> None:
    suite = SUITES["tianchi"]
    assert all(suite.splits(spec, "test") == ("test_a", "test_b") for spec in suite.tasks)


def test_splits_of_other_names_mean_the_same_in_every_suite() -> None:
    assert SUITES["clue10"].splits(TASKS["tnews"], "dev") == SUITES["clue"].splits(TASKS["tnews"], "dev") == ("dev",)
