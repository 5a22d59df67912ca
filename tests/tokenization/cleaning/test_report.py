"""The cleaning report: counts, the first examples, merging in order, JSON."""

import json

from tokenization.cleaning.contamination import KeptOut, KeptOutText, NotCheckable
from tokenization.cleaning.documents import Changed, Dropped
from tokenization.cleaning.report import EXAMPLES, CleaningReport
from tokenization.cleaning.spec import CleanSpec, Decontamination


def of_unit(unit: int, dropped: int) -> CleaningReport:
    report = CleaningReport()
    report.keep(100, (Changed("unicode", 3),))
    for number in range(dropped):
        report.drop(Dropped("exact_duplicate", f"equal to {number}"), f"unit {unit}, {number}", "x " * 200)
    return report


def test_merged_reports_count_all_and_quote_the_first_in_the_units_order() -> None:
    whole = CleaningReport((NotCheckable("cola", 2, 5, ("Go!",)),), ("glue/QQP/dev.tsv",))
    for unit in range(4):
        whole.merge(of_unit(unit, 2))
    assert (whole.documents, whole.dropped, whole.characters) == (12, 8, 4 * (100 + 2 * 400))
    assert whole.to_json()["changed"] == {"unicode": {"documents": 4, "characters": 12}}
    quoted = [example.origin for example in whole.reasons["exact_duplicate"].examples]
    assert quoted == ["unit 0, 0", "unit 0, 1", "unit 1, 0", "unit 1, 1", "unit 2, 0"][:EXAMPLES]


def test_json_brings_back_the_same_report() -> None:
    report = CleaningReport((NotCheckable("cola", 2, 5, ("Go!",)),), ("glue/QQP/dev.tsv",))
    report.merge(of_unit(0, 3))
    again = CleaningReport.from_json(json.loads(json.dumps(report.to_json())))
    assert again.to_json() == report.to_json()
    assert again.text() == report.text()


def test_people_read_what_went_and_why() -> None:
    report = CleaningReport((NotCheckable("cola", 2, 5, ("Go!",)),), ("glue/QQP/dev.tsv",))
    report.keep(81, (Changed("control", 7),))
    report.drop(
        Dropped("contaminated:rte", "dev row 4: one small step"), "a.txt, line 3", "That's one\nsmall step for …"
    )
    assert report.text().splitlines() == [
        "2 documents read, 1 dropped",
        "  control: 7 characters changed in 1 documents",
        "  contaminated:rte: 1 documents, 25.00% of the characters",
        '    a.txt, line 3: dev row 4: one small step — "That\'s one small step for …"',
        "  not checkable: 2 of 5 texts of cola, too short: 'Go!'",
        "  not checked: glue/QQP/dev.tsv: file not there",
    ]


def test_every_step_that_is_on_is_listed_also_where_it_found_nothing_to_do() -> None:
    settings = Decontamination(("toy",))
    kept_out = KeptOut([KeptOutText("toy", "dev", "1", "one two three four five six seven")], settings)
    clean = CleanSpec(control=True, unicode="NFC", min_characters=9, exact=True, decontaminate=settings)
    report = CleaningReport.of(clean, kept_out)
    report.keep(100)
    assert report.text().splitlines() == [
        "1 documents read, 0 dropped",
        "  control: 0 characters changed in 0 documents",
        "  unicode: 0 characters changed in 0 documents",
        "  min_characters: 0 documents, 0.00% of the characters",
        "  exact_duplicate: 0 documents, 0.00% of the characters",
        "  contaminated:toy: 0 documents, 0.00% of the characters",
    ]
    assert CleaningReport.of(CleanSpec(), None).text() == "0 documents read, 0 dropped"
