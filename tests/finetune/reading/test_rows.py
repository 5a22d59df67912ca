"""File formats: the same rows, whatever they are written in."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from finetune.reading.archive import DataFile
from finetune.reading.read import read_examples
from finetune.reading.rows import read_rows
from tokenization.errors import DataError


@pytest.fixture
def spec(single):
    return replace(single, files={"train": "train.tsv", "dev": "dev"})


def values(folder: Path, name: str, spec, needed=("text", "label")):
    return [dict(row.values) for row in read_rows(DataFile(folder / name), spec, needed)]


def test_csv_reads_what_the_csv_module_writes(spec, tmp_path):
    """Commas, quotes, line feeds within a field, and text that looks like a number."""
    rows = [{"text": text, "label": "sad"} for text in ('say "a", b', "two\nlines", "1.50", "", "tab\there")]
    with (tmp_path / "train.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, ["text", "label"])
        writer.writeheader()
        writer.writerows(rows)
    assert values(tmp_path, "train.csv", spec) == rows


def test_a_bad_row_of_csv_is_told_by_the_line_on_which_it_begins(spec, write):
    data = write("train.csv", 'text,label\n"two\nlines",sad\nb\n')
    with pytest.raises(DataError, match=r"train\.csv, line 4: 1 columns, but 2 are expected \(text, label\)"):
        values(data, "train.csv", spec)
    data = write("train.csv", 'text,label\n"a" b,sad\n')
    with pytest.raises(DataError, match=r"line 2: not valid CSV.*`format: tsv`"):
        values(data, "train.csv", spec)


def test_a_csv_whose_columns_are_parted_by_tabs_is_never_quoted(spec, write):
    data = write("train.csv", 'text\tlabel\nsay "a, b\tsad\n')
    assert values(data, "train.csv", spec) == [{"text": 'say "a, b', "label": "sad"}]


def test_quotes_that_would_swallow_rows_under_csv_rules_are_text_in_tsv(spec, write):
    """The csv module, left to itself, makes one row of the three."""
    text = 'text\tlabel\n"a\tsad\nb\tglad\nc"\tsad\n'
    assert len(list(csv.reader(text.splitlines(), delimiter="\t"))) == 2
    assert [row["text"] for row in values(write("train.tsv", text), "train.tsv", spec)] == ['"a', "b", 'c"']


def test_a_headless_test_file_may_lack_the_column_of_its_labels(spec, write):
    headless = replace(spec, columns=("id", "text", "label"))
    data = write("test.csv", "0\ta\n1\tb\n")
    found = list(read_rows(DataFile(data / "test.csv"), headless, ("text",)))
    assert [row.values for row in found] == [{"id": "0", "text": "a"}, {"id": "1", "text": "b"}]
    with pytest.raises(DataError, match="line 1: 2 columns, but 3 are expected"):
        values(data, "test.csv", headless)


def test_a_word_a_line_without_names_for_its_columns_is_told_the_setting_for_them(tagging, write):
    data = write("a.conll", "Ann NNP B-PER\n")
    with pytest.raises(DataError, match=r"a\.conll: .*tasks\.names\.columns, .* 3 columns"):
        list(read_rows(DataFile(data / "a.conll"), replace(tagging, format="auto", columns=()), ("word",)))


ROWS = [{"text": "a", "label": "sad"}, {"text": "b", "label": "glad"}]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ROWS),
        json.dumps(ROWS, indent=2),
        json.dumps({"version": "1", "data": ROWS}),
        "\n".join(map(json.dumps, ROWS)),
        "\n\n".join(map(json.dumps, ROWS)) + "\n",
    ],
    ids=["a list", "a list on lines", "an object with one list", "lines", "lines with gaps"],
)
def test_a_json_file_is_a_list_an_object_with_one_list_or_json_lines(text, spec, write):
    assert values(write("train.json", text), "train.json", spec) == ROWS


def test_a_single_json_line_is_a_row_unless_it_is_an_object_with_a_list_of_rows(spec, write):
    assert values(write("train.json", json.dumps(ROWS[0])), "train.json", spec) == ROWS[:1]
    assert values(write("train.json", json.dumps({"data": ROWS[:1]})), "train.json", spec) == ROWS[:1]


BAD_JSON = [
    ("train.json", '[{"text": "a",\n "label": }]', r"train\.json, line 2, column 11: not valid JSON"),
    ("train.json", '{"text": "a"\n{"text": "b", "label": "sad"}\n', r"line 1, column 13: not valid JSON"),
    ("train.json", '[{"text": "a"}]', r"row 1: there is no column 'label'; columns here: 'text'"),
    ("train.json", "[1, 2]", r"row 1: a JSON object is expected, given int"),
]


@pytest.mark.parametrize(("name", "text", "message"), BAD_JSON)
def test_bad_json_is_refused_with_its_place(name, text, message, spec, write):
    with pytest.raises(DataError, match=message):
        values(write(name, text), name, spec)


def test_json_lines_called_json_by_the_recipe_are_told_how_to_say_so(spec, write):
    text = "\n".join(map(json.dumps, ROWS))
    with pytest.raises(DataError, match=r"line 2, column 1: not valid JSON \(Extra data\).*`format: jsonl`"):
        values(write("train.json", text), "train.json", replace(spec, format="json"))


def test_a_txt_file_is_taken_for_what_its_first_line_shows(spec, write):
    assert values(write("a.txt", "\n".join(map(json.dumps, ROWS))), "a.txt", spec) == ROWS
    assert values(write("b.txt", "text\tlabel\na\tsad\nb\tglad\n"), "b.txt", spec) == ROWS


def test_a_split_may_be_spread_over_files_whose_rows_are_numbered_on(spec, write):
    write("one.tsv", "text\tlabel\na\tsad\nb\tsad\n")
    data = write("two.jsonl", [{"text": "c", "label": "glad"}])
    found = read_examples(replace(spec, files={"train": ("one.tsv", "two.jsonl"), "dev": "x"}), data, "train")
    assert [(example.id, example.texts[0]) for example in found] == [("0", "a"), ("1", "b"), ("2", "c")]
