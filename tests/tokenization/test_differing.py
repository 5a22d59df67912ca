"""What is told of two descriptions, written down by hand."""

from tokenization.differing import differences


def test_fields_that_differ_are_told_with_both_values_and_nested_ones_by_their_path() -> None:
    before = {"steps": 5, "clean": {"near": None, "exact": False}, "gone": 1}
    now = {"steps": 5, "clean": {"near": None, "exact": True}, "new": "ä"}
    assert differences(before, now) == [
        "  clean.exact: false then, true now",
        '  gone: 1 then, "(not given)" now',
        '  new: "(not given)" then, "ä" now',
    ]


def test_a_tuple_is_the_list_that_json_made_of_it() -> None:
    assert differences({"suites": ["clue"]}, {"suites": ("clue",)}) == []
    assert differences({"suites": ["clue"]}, {"suites": ("glue",)}) == ['  suites: ["clue"] then, ["glue"] now']


def test_a_whole_number_is_what_it_is_with_or_without_a_point() -> None:
    assert differences({"rate": 1, "sizes": [2]}, {"rate": 1.0, "sizes": [2.0]}) == []
