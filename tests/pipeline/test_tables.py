"""The tables a run ends with; the oracle is the table written out by hand."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from pipeline.tables import grid_text, ledger_grid, print_scores, remarks, scores_text, task_grid

SCORES = {
    "joint": 0.675,
    "tasks": {
        "rte": {
            "kind": "pair",
            "metrics": {"accuracy": 0.6},
            "primary": "accuracy",
            "majority": 0.53,
            "rows": 277,
            "reduced": False,
            "leaked": 16,
            "without_leaks": {"accuracy": 0.59},
            "best_step": 300,
            "best": 0.62,
        },
        "stsb": {
            "kind": "regression",
            "metrics": {"pearson": 0.75, "spearman": None},
            "primary": "pearson",
            "majority": None,
            "rows": 1500,
            "reduced": True,
        },
    },
    "ledger": {
        "columns": ["start", "general", "multitask"],
        "rows": [
            {"name": "wiki MLM", "corpus": "wiki", "unit": "nats", "better": "lower", "values": [None, 5.1, 5.35]},
            {"name": "rte accuracy", "unit": "", "better": "higher", "values": [0.5, None, 0.6]},
            {"name": "stsb pearson", "unit": "", "better": "higher", "values": [None, None, 0.75]},
        ],
    },
    "unigram_entropy": {"wiki": 7.2},
    "notes": ["LM head fitted first"],
}

TEXT = """\
Scores (* primary metric)
task            metric     score  majority   above   rows   best  at step  remark
--------------  ---------  -----  --------  ------  -----  -----  -------  ----------------------------
rte             accuracy*  0.600     0.530  +0.070    277  0.620      300  0.590 without 16 leaked rows
stsb (reduced)  pearson*   0.750         –       –  1,500      –        –
stsb (reduced)  spearman       –         –       –  1,500      –        –

Forgetting ledger (value after each stage)
measure       unit  better is  start  general  multitask  last - first
------------  ----  ---------  -----  -------  ---------  ------------  ------
wiki MLM      nats  lower          –    5.100      5.350        +0.250  worse
rte accuracy        higher     0.500        –      0.600        +0.100  better
stsb pearson        higher         –        –      0.750             –

joint (mean of the primary metrics): 0.675
wiki: held-out MLM loss 5.350 is 1.850 nats below the unigram entropy of the same text, 7.200
LM head fitted first
"""


def ledger_row(better, *values):
    row = {"name": "m", "unit": "", "better": better, "values": list(values)}
    grid = ledger_grid({"ledger": {"columns": ["a", "b", "c"], "rows": [row]}})
    return grid.rows[0][-2:]


def test_the_plain_table_is_this_to_the_letter():
    assert scores_text(SCORES) == TEXT


@pytest.mark.parametrize(
    ("better", "values", "cells"),
    [
        ("lower", (5.0, 9.0, 4.5), ("-0.500", "better")),
        ("lower", (5.0, None, 5.5), ("+0.500", "worse")),
        ("higher", (None, 0.5, 0.6), ("+0.100", "better")),
        ("higher", (0.7, 0.6, None), ("-0.100", "worse")),
        ("higher", (0.7, 0.2, 0.7002), ("+0.000", "same")),
        ("higher", (None, 0.7, None), ("–", "")),
        ("higher", (None, None, None), ("–", "")),
    ],
)
def test_the_ledger_compares_the_last_value_shown_with_the_first_and_knows_which_way_is_better(better, values, cells):
    assert ledger_row(better, *values) == cells


def test_a_measure_with_too_few_values_has_dashes_for_the_rest():
    assert ledger_row("lower", 5.0) == ("–", "")


def test_the_majority_stands_beside_the_primary_metric_alone():
    task = {"metrics": {"f1": 0.8, "accuracy": 0.7}, "primary": "f1", "majority": 0.6, "rows": 5}
    rows = task_grid({"tasks": {"mrpc": task}}).rows
    assert [row[1:5] for row in rows] == [("f1*", "0.800", "0.600", "+0.200"), ("accuracy", "0.700", "–", "–")]


def test_of_an_evaluation_without_training_no_best_step_is_told():
    task = {"metrics": {"f1": 0.8}, "primary": "f1", "majority": 0.6, "rows": 5}
    grid = task_grid({"tasks": {"mrpc": task}})
    assert grid.header == ("task", "metric", "score", "majority", "above", "rows", "remark")
    assert grid.rows == (("mrpc", "f1*", "0.800", "0.600", "+0.200", "5", ""),)
    assert grid.words == {0, 1, 6}


def test_a_suites_average_says_over_what_and_how_it_is_not_the_boards():
    suite = {"title": "GLUE", "value": 0.5, "counted": ["rte"], "missing": ["qqp", "wnli"], "reduced": ["rte"]}
    assert remarks({"suite": suite}) == (
        "GLUE average: 0.500 over 1 of 3 tasks: rte",
        "GLUE: not in the average, which is not the board's: qqp, wnli",
        "GLUE: reduced sets, whose scores are not the board's: rte",
    )
    half = {**suite, "counted": ["mnli"], "missing": ["mnli (dev_mismatched)", "qqp"], "reduced": []}
    assert remarks({"suite": half})[0] == "GLUE average: 0.500 over 1 of 2 tasks: mnli"
    whole = {**suite, "missing": [], "reduced": []}
    assert remarks({"suite": whole}) == ("GLUE average: 0.500 over all its tasks: rte",)


def test_columns_stay_aligned_under_chinese_names():
    task = {"metrics": {"accuracy": 0.5}, "primary": "accuracy", "majority": 0.4, "rows": 9}
    lines = grid_text(task_grid({"tasks": {"情感分类": task, "rte": task}})).splitlines()[1:]
    assert {cell_len(line[: line.index("accuracy")]) for line in lines[2:]} == {len("情感分类") * 2 + 2}


def test_a_run_without_tasks_shows_its_ledger_alone():
    text = scores_text({"joint": None, "tasks": {}, "ledger": SCORES["ledger"]})
    assert text.startswith("Forgetting ledger")
    assert "joint" not in text


def test_off_a_terminal_the_very_text_is_printed():
    stream = io.StringIO()
    print_scores(SCORES, Console(file=stream, width=20))
    assert stream.getvalue() == TEXT


def test_on_a_terminal_every_cell_is_shown_and_markup_in_names_is_not_obeyed():
    stream = io.StringIO()
    scores = {**SCORES, "notes": ["[red]as it is[/red]"]}
    print_scores(scores, Console(file=stream, force_terminal=True, color_system=None, width=160))
    shown = stream.getvalue()
    for cell in (
        "accuracy*",
        "0.600",
        "0.530",
        "+0.070",
        "1,500",
        "stsb (reduced)",
        "worse",
        "7.200",
        "[red]as it is[/red]",
    ):
        assert cell in shown


def test_a_loss_whose_perplexity_no_double_holds_is_shown_beside_the_entropy_too():
    row = {"name": "m", "corpus": "wiki", "unit": "nats", "better": "lower", "perplexity": True, "values": [800.0]}
    (line,) = remarks({"ledger": {"columns": ["a"], "rows": [row]}, "unigram_entropy": {"wiki": 7.0}})
    assert "loss 800.000 (perplexity 1" in line
