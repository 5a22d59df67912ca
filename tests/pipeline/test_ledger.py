"""The ledger from hand-written records; the oracle is the table written out by hand."""

from pipeline.ledger import LM_TITLES, ledger_of, told_words
from pipeline.lm_ways import WAYS

OLD = {"lm": {"wiki": 5.0}, "tasks": {}, "more": {}}
NEW = {
    "lm": {"wiki": 4.0},
    "lm_accuracy": {"wiki": 0.25},
    "lm_way": "left",
    "tasks": {"rte": {"metrics": {"accuracy": 0.6}, "primary": "accuracy", "reduced": True}},
    "more": {},
    "further": {"nsp": {"wiki": {"loss": 0.5, "accuracy": 0.75}}, "mass": {"wiki": {"loss": 3.0, "accuracy": 0.1}}},
    "unasked": [],
}


def values(**given):
    ledger = ledger_of(["wiki", "law"], ["rte"], boundaries=given.pop("boundaries"), by_token={"left", "mass"}, **given)
    return ledger["columns"], {row["name"]: row["values"] for row in ledger["rows"]}


def test_accuracies_stand_beside_their_losses_and_records_of_before_have_none():
    columns, rows = values(start={}, boundaries={"one": OLD, "two": NEW})
    assert columns == ["one", "two"]
    assert list(rows.items()) == [
        ("wiki: held-out MLM loss", [5.0, None]),
        ("wiki: held-out left-to-right LM loss", [None, 4.0]),
        ("wiki: held-out left-to-right LM accuracy", [None, 0.25]),
        ("wiki: held-out MASS loss", [None, 3.0]),
        ("wiki: held-out MASS accuracy", [None, 0.1]),
        ("wiki: held-out NSP loss", [None, 0.5]),
        ("wiki: held-out NSP accuracy", [None, 0.75]),
        ("rte (reduced) accuracy", [None, 0.6]),
    ]


def test_what_was_measured_before_the_first_stage_is_the_first_column():
    before = {"measured": {}, "lm": {"wiki": 6.0}}  # as it was written when losses alone were
    columns, rows = values(start=before, boundaries={"one": OLD})
    assert columns == ["start", "one"]
    assert rows == {"wiki: held-out MLM loss": [6.0, 5.0]}


def test_losses_of_the_lm_head_alone_name_their_corpus_and_those_by_token_a_perplexity():
    rows = ledger_of(["wiki"], [], {}, {"one": OLD, "two": NEW}, by_token={"left", "mass"})["rows"]
    assert [row["name"] for row in rows if "corpus" in row] == [
        "wiki: held-out MLM loss",
        "wiki: held-out left-to-right LM loss",
    ]
    assert [row["name"] for row in rows if row.get("perplexity")] == [
        "wiki: held-out left-to-right LM loss",
        "wiki: held-out MASS loss",
    ]


def test_a_boundary_in_words():
    assert told_words(OLD) == ["held-out wiki: MLM loss 5.000"]
    assert told_words(NEW) == [
        "held-out wiki: left-to-right LM loss 4.000, accuracy 0.250; MASS loss 3.000, accuracy 0.100; "
        "NSP loss 0.500, accuracy 0.750"
    ]


def test_the_lm_head_s_rows_stand_in_the_order_of_its_ways():
    assert tuple(LM_TITLES) == WAYS
