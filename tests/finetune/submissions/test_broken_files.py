"""Files with one thing wrong: told as exactly that, at its line, with what is allowed."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from finetune.submissions.boards import BOARDS
from finetune.submissions.check import check_submission

Change = Callable[[str], str | bytes]


@dataclass(frozen=True)
class Broken:
    """A sound file with a change.

    Attributes:
        kind, line, words: what is told, and nothing else.
    """

    suite: str
    file: str
    change: Change
    kind: str
    line: int | None
    words: tuple[str, ...]


def put(old: str, new: str) -> Change:
    """Replace the first occurrence."""

    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


def every(old: str, new: str) -> Change:
    return lambda text: text.replace(old, new)


def lines(change: Callable[[list[str]], list[str]]) -> Change:
    return lambda text: "".join(change(text.splitlines(keepends=True)))


def swapped(rows: list[str]) -> list[str]:
    return [*rows[:2], rows[3], rows[2], *rows[4:]]


def as_one(text: str) -> str:
    """JSON lines → one JSON object of id → label."""
    rows = [json.loads(line) for line in text.splitlines()]
    return json.dumps({str(row["id"]): row["label"] for row in rows})


def as_list(text: str) -> str:
    return json.dumps([json.loads(line) for line in text.splitlines()])


def as_lines(text: str) -> str:
    return "".join(json.dumps({"id": key, "label": value}) + "\n" for key, value in json.loads(text).items())


def numbered_from_one(text: str) -> str:
    header, *rows = text.splitlines()
    return "".join(f"{line}\n" for line in [header, *(f"{n}\t{row.split(chr(9))[1]}" for n, row in enumerate(rows, 1))])


GLUE = {
    "a header of other names": Broken(
        "glue", "CoLA.tsv", put("index\tprediction", "id\tlabel"), "header", 1, ("'id\\tlabel'", "'index\\tprediction'")
    ),
    "no header": Broken("glue", "CoLA.tsv", lines(lambda rows: rows[1:]), "header", 1, ("there is no header",)),
    "a third column in a row": Broken(
        "glue", "CoLA.tsv", put("7\t1\n", "7\t1\t0.9\n"), "columns", 9, ("3 columns", "2")
    ),
    "one column in a row": Broken("glue", "CoLA.tsv", put("\n7\t1\n", "\n7 1\n"), "columns", 9, ("1 columns", "'7 1'")),
    "commas in the place of tabs": Broken("glue", "CoLA.tsv", every("\t", ","), "columns", 1, ("commas", "tabs")),
    "a row too few": Broken(
        "glue", "CoLA.tsv", lines(lambda rows: rows[:-1]), "count", None, ("1,062 answers", "1,063", "id '1062'")
    ),
    "a row in the middle left out": Broken(
        "glue", "CoLA.tsv", put("\n7\t1\n", "\n"), "count", None, ("1,062 answers", "id '7'")
    ),
    "a row too many": Broken("glue", "CoLA.tsv", lambda text: text + "1063\t1\n", "count", None, ("1,064 answers",)),
    "QNLI's first version, whose test set has another size": Broken(
        "glue", "QNLI.tsv", lines(lambda rows: [*rows, "5463\tentailment\n"]), "count", None, ("5,464", "5,463")
    ),
    "indices from 1 on": Broken("glue", "CoLA.tsv", numbered_from_one, "ids", 1064, ("'1063'", "id '0' has no answer")),
    "two rows swapped": Broken("glue", "CoLA.tsv", lines(swapped), "order", 3, ("id '2' stands where id '1' belongs",)),
    "an index twice": Broken(
        "glue", "CoLA.tsv", put("\n8\t1\n", "\n7\t1\n"), "duplicate", 10, ("id '7' is there twice", "line 9")
    ),
    "an index that is a word": Broken("glue", "CoLA.tsv", put("\n8\t1\n", "\nx8\t1\n"), "ids", 10, ("id 'x8'",)),
    "the label names of other programs": Broken(
        "glue", "CoLA.tsv", every("\t1\n", "\tacceptable\n"), "label", 2, ("'acceptable'", "calls it '1'", "1,062 more")
    ),
    "a number where a name is expected": Broken(
        "glue", "RTE.tsv", put("\tentailment", "\t1"), "label", 2, ("'1'", "not_entailment, entailment")
    ),
    "a misspelt label": Broken(
        "glue", "MNLI-m.tsv", put("\tentailment", "\tentailmnt"), "label", 2, ("neutral", "Did you mean 'entailment'")
    ),
    "a label of another task": Broken(
        "glue", "MNLI-mm.tsv", put("\tentailment", "\tnot_entailment"), "label", 2, ("'not_entailment'",)
    ),
    "labels as floating-point numbers": Broken(
        "glue", "SST-2.tsv", every("\t1\n", "\t1.0\n"), "label", 2, ("'1.0'", "allowed: 0, 1")
    ),
    "a blank after the label": Broken("glue", "MRPC.tsv", put("\t1\n", "\t1 \n"), "label", 2, ("'1 '",)),
    "no label": Broken("glue", "MRPC.tsv", put("\t1\n", "\t\n"), "label", 2, ("''",)),
    "a score above the range": Broken("glue", "STS-B.tsv", put("2.500", "5.013"), "range", 2, ("5.013", "0 to 5")),
    "a score below the range": Broken("glue", "STS-B.tsv", put("2.500", "-0.001"), "range", 2, ("-0.001", "0 to 5")),
    "a score that is no number": Broken("glue", "STS-B.tsv", put("2.500", "nan"), "number", 2, ("'nan'", "finite")),
    "a score that is a word": Broken("glue", "STS-B.tsv", put("2.500", "high"), "number", 2, ("'high'", "0 to 5")),
    "a byte order mark": Broken("glue", "WNLI.tsv", lambda text: "\ufeff" + text, "bom", 1, ("byte order mark",)),
    "the line ends of Windows": Broken(
        "glue", "WNLI.tsv", every("\n", "\r\n"), "cr", 1, ("carriage returns", "146 more")
    ),
    "a quoted header": Broken(
        "glue", "WNLI.tsv", put("index\tprediction", '"index"\t"prediction"'), "quotes", 1, ("quotes",)
    ),
    "quoted labels": Broken("glue", "RTE.tsv", every("\tentailment", '\t"entailment"'), "quotes", 2, ("quotes",)),
    "a blank line at the end": Broken("glue", "WNLI.tsv", lambda text: text + "\n", "blank", 148, ("at the end",)),
    "a blank line within": Broken("glue", "WNLI.tsv", put("\n7\t", "\n\n7\t"), "blank", 9, ("a blank line",)),
    "another encoding": Broken(
        "glue", "WNLI.tsv", lambda text: text.encode("utf-16"), "encoding", None, ("UTF-16", "UTF-8")
    ),
    "nothing in a file": Broken("glue", "WNLI.tsv", lambda text: "", "empty", None, ("it is empty",)),
}
CHINESE = {
    "TNEWS's classes as numbered in training": Broken(
        "clue",
        "tnews11_predict.json",
        every('"label": "100"', '"label": "14"'),
        "label",
        1,
        ("'14'", "100, 101", "14 may stand for '116'", "9,999 more"),
    ),
    "numbers in the place of label strings": Broken(
        "clue",
        "afqmc_predict.json",
        put('"label": "0"', '"label": 0'),
        "label-type",
        1,
        ("0 as JSON's number", "string"),
    ),
    "true and false in the place of label strings": Broken(
        "clue", "cluewsc11_predict.json", put('"label": "false"', '"label": false'), "label-type", 1, ("True or false",)
    ),
    "OCNLI's mark of no majority as an answer": Broken(
        "clue", "ocnli_50k_predict.json", put("contradiction", "-"), "label", 1, ("'-'", "entailment, neutral")
    ),
    "an answer left out": Broken(
        "clue", "csl_predict.json", lines(lambda rows: rows[:-1]), "count", None, ("2,999 answers", "3,000", "--data")
    ),
    "answers in another order": Broken(
        "clue", "csl_predict.json", lines(swapped), "order", 3, ("id '3' stands where id '2' belongs",)
    ),
    "an answer twice": Broken(
        "clue", "csl_predict.json", lines(lambda rows: [rows[0], *rows]), "duplicate", 2, ("id '0' is there twice",)
    ),
    "a line that is no JSON": Broken(
        "clue", "csl_predict.json", put('{"id": 2, "label": "0"}', "{'id': 2, 'label': '0'}"), "json", 3, ("with '",)
    ),
    "a line cut short": Broken(
        "clue", "csl_predict.json", put('{"id": 2, "label": "0"}', '{"id": 2,'), "json", 3, ("JSON",)
    ),
    "a line that is a list": Broken(
        "clue", "csl_predict.json", put('{"id": 2, "label": "0"}', '[2, "0"]'), "form", 3, ()
    ),
    "answers under another key": Broken(
        "clue", "csl_predict.json", every('"label"', '"labels"'), "keys", 1, ("no 'label'", "'labels'", "2,999 more")
    ),
    "one JSON object where lines are expected": Broken(
        "clue", "csl_predict.json", as_one, "form", None, ("one JSON object", "lines are expected")
    ),
    "the list that C3's own program wrote": Broken(
        "clue", "c311_predict.json", as_list, "form", None, ("one JSON list", "score 0")
    ),
    "a candidate as a string": Broken(
        "clue", "c311_predict.json", put(": 3}", ': "3"}'), "label-type", 1, ("string '3'",)
    ),
    "a fifth candidate": Broken("clue", "c311_predict.json", put(": 3}", ": 4}"), "place", 1, ("4", "0 to 3")),
    "lines where one JSON object is expected": Broken(
        "clue", "cmrc2018_predict.json", as_lines, "form", None, ("JSON lines", "one JSON object")
    ),
    "keys of the development set": Broken(
        "clue", "cmrc2018_predict.json", every("TEST_", "DEV_"), "ids", None, ("'DEV_0_QUERY_0'", "TEST", "1,999 more")
    ),
    "a question left out": Broken(
        "clue", "cmrc2018_predict.json", put('"TEST_0_QUERY_0": "范廷颂", ', ""), "count", None, ("1,999", "2,000")
    ),
    "a question twice": Broken(
        "clue",
        "cmrc2018_predict.json",
        put("TEST_0_QUERY_1", "TEST_0_QUERY_0"),
        "duplicate",
        None,
        ("'TEST_0_QUERY_0'",),
    ),
    "several answers to a question": Broken(
        "clue", "cmrc2018_predict.json", put('"范廷颂"', '["范廷颂"]'), "text", None, ("list", "TEST_0_QUERY_0")
    ),
    "an idiom in the place of its number": Broken(
        "clue10", "chid10_predict.json", put(": 3", ': "狐假虎威"'), "place", None, ("狐假虎威", "0 to 9")
    ),
    "blanks without their key": Broken(
        "clue10", "chid10_predict.json", every("#", ""), "ids", None, ("'idiom623377'",)
    ),
    "ChID's answer under the key of the others": Broken(
        "fewclue", "chidf_predict.json", every('"answer"', '"label"'), "keys", 1, ("no 'answer'", "'label'")
    ),
    "an eighth candidate": Broken("fewclue", "chidf_predict.json", put(": 3}", ": 7}"), "place", 1, ("0 to 6",)),
    "sentiments in small letters": Broken(
        "fewclue", "eprstmt_predict.json", put("Negative", "negative"), "label", 1, ("Did you mean 'Negative'",)
    ),
    "the contest's OCNLI by its names": Broken(
        "tianchi", "ocnli_predict.json", every('"label": "0"', '"label": "entailment"'), "label", 1, ("calls it '0'",)
    ),
    "an end of an entity that is not inclusive": Broken(
        "cluener", "cluener_predict.json", put("[15, 17]", "[15, 18]"), "inclusive", 1, ("周荫如", "[15, 18] spans 4")
    ),
    "places of tokens": Broken(
        "cluener", "cluener_predict.json", put("[15, 17]", "[4, 4]"), "surface", 1, ("spans 1",)
    ),
    "an unknown type of entity": Broken(
        "cluener", "cluener_predict.json", put('"name"', '"names"'), "label", 1, ("'names'", "Did you mean 'name'")
    ),
    "a single place in the place of a list": Broken(
        "cluener", "cluener_predict.json", put("[[15, 17]]", "[15, 17]"), "spans", 1, ("[15, 17]", "a list of")
    ),
    "tags in the place of spans": Broken(
        "cluener",
        "cluener_predict.json",
        put('{"name": {"周荫如": [[15, 17]]}}', '["O"]'),
        "spans",
        1,
        ("list", "object"),
    ),
}


@pytest.mark.parametrize("name", [*GLUE, *CHINESE])
def test_a_broken_file_is_told_as_what_it_is(
    name: str, sound: Mapping[str, Mapping[str, bytes]], zipped: Callable[..., Path]
) -> None:
    broken = (GLUE | CHINESE)[name]
    changed = broken.change(sound[broken.suite][broken.file].decode())
    data = changed if isinstance(changed, bytes) else changed.encode()
    verdict = check_submission(zipped({broken.file: data}), BOARDS[broken.suite])
    told = [finding for finding in verdict.errors if finding.kind != "missing"]
    assert [(finding.kind, finding.file, finding.line) for finding in told] == [(broken.kind, broken.file, broken.line)]
    assert not [word for word in broken.words if word.lower() not in str(told[0]).lower()], str(told[0])


def test_ids_as_strings_where_the_examples_have_numbers_are_a_warning(
    sound: Mapping[str, Mapping[str, bytes]], zipped: Callable[..., Path]
) -> None:
    data = sound["clue"]["csl_predict.json"].replace(b'"id": 5,', b'"id": "5",')
    verdict = check_submission(zipped({"csl_predict.json": data}), BOARDS["clue"])
    assert verdict.accepted
    assert [(f.kind, f.line) for f in verdict.warnings if f.kind != "missing"] == [("id-type", 6)]


def test_two_things_wrong_with_a_file_are_both_told(
    sound: Mapping[str, Mapping[str, bytes]], zipped: Callable[..., Path]
) -> None:
    data = b"\xef\xbb\xbf" + sound["clue"]["csl_predict.json"].replace(b'"0"', b"0")
    verdict = check_submission(zipped({"csl_predict.json": data}), BOARDS["clue"])
    assert [finding.kind for finding in verdict.errors] == ["bom", "label-type"]
