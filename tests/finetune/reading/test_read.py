from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from finetune.reading.read import read_examples, read_split
from finetune.tasks.example import Example
from tokenization.errors import DataError, RecipeError


def test_a_table_with_header_keeps_quotes_and_drops_the_byte_order_mark(single, write):
    data = write("train.tsv", '\ufefftext\tlabel\nsay "a\tsad\n"b" c\u2028d\tglad\n')
    assert read_examples(single, data, "train") == (
        Example("0", ('say "a',), (), "sad"),
        Example("1", ('"b" c\u2028d',), (), "glad"),
    )


def test_a_carriage_return_before_the_line_feed_is_no_part_of_the_label(single, write):
    assert read_examples(single, write("train.tsv", "text\tlabel\r\na\tsad\r\n"), "train")[0].label == "sad"


def test_declared_columns_read_a_headless_file_and_a_header_still_counts_where_there_is_one(single, write):
    spec = replace(single, columns=("label", "text"))
    write("train.tsv", "sad\ta\nglad\tb\n")
    data = write("test.tsv", "index\ttext\n0\tc\n")
    assert [example.label for example in read_examples(spec, data, "train")] == ["sad", "glad"]
    assert read_examples(spec, data, "test") == (Example("0", ("c",), (), None),)


def test_values_of_the_file_are_matched_to_names_as_text(single, write):
    spec = replace(
        single, files={"train": "train.jsonl", "dev": "dev.jsonl"}, label_values={"-1": "sad", "true": "glad"}
    )
    data = write("train.jsonl", [{"text": "a", "label": -1}, {"text": "b", "label": True}])
    assert [example.label for example in read_examples(spec, data, "train")] == ["sad", "glad"]


def test_parquet_gives_what_json_lines_give(pair, write, tmp_path):
    rows = [{"one": "a", "two": "b", "score": 1.5}, {"one": "c", "two": "d", "score": 5}]
    write("train.jsonl", rows)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "train.parquet")
    spec = replace(pair, files={"train": "train.parquet", "dev": "dev.parquet"})
    assert read_examples(spec, tmp_path, "train") == read_examples(pair, tmp_path, "train")


def test_hidden_labels_are_not_even_looked_at(single, write):
    data = write("test.tsv", "text\tlabel\na\t-1\n")
    assert read_examples(single, data, "test")[0].label is None


def test_columns_of_words_skip_document_marks_and_turn_iob1_into_bio(tagging, write):
    spec = replace(
        tagging, format="conll", scheme="iob1", columns=("words", "tags"), files={"train": "eng.train", "dev": "x"}
    )
    text = "-DOCSTART- O\n\nAda I-PER\nBo B-PER\nin O\n\nRome I-LOC\n"
    first, second = read_examples(spec, write("eng.train", text), "train")
    assert (first.words, first.label) == (("Ada", "Bo", "in"), ("B-PER", "B-PER", "O"))
    assert (second.words, second.label) == (("Rome",), ("B-LOC",))


def test_a_limit_keeps_a_fixed_subset_in_file_order_that_is_not_the_head(single, write):
    data = write("train.tsv", "text\tlabel\n" + "".join(f"{number}\tsad\n" for number in range(100)))
    spec = replace(single, limit={"train": 10})
    kept = [int(example.id) for example in read_examples(spec, data, "train")]
    assert kept == sorted(set(kept))
    assert len(kept) == 10
    assert kept[-1] > 50
    assert kept == [int(example.texts[0]) for example in read_examples(spec, data, "train")]


@pytest.mark.parametrize(("limit", "rows", "is_limited"), [(9, 9, True), (10, 10, False), (11, 10, False)])
def test_a_split_is_limited_where_the_limit_leaves_rows_out_and_not_where_it_is_as_large(
    limit, rows, is_limited, single, write
):
    data = write("train.tsv", "text\tlabel\n" + "a\tsad\n" * 10)
    read = read_split(replace(single, limit={"train": limit}), data, "train")
    assert (len(read.examples), read.limited) == (rows, is_limited)


BAD_TABLES = {
    "text\tlabel\na\tsad\nb\tgald\n": r"train\.tsv, line 3: label 'gald'.*allowed: sad, glad\. Did you mean 'glad'\?",
    "text\tlabels\na\tsad\n": r"line 1: there is no column 'label'; columns here: 'text', 'labels'\. Did you",
    "text\tlabel\tlabel\na\tsad\tglad\n": "line 1: column 'label' stands there more than once",
    "text\tlabel\na\tsad\tx\n": r"line 2: 3 columns, but 2 are expected \(text, label\)",
    "text\tlabel\na\tsad\n\nb\tsad\n": "line 3: 1 columns, but 2",
    "text\tlabel\n": r"train\.tsv: no rows",
    "": r"train\.tsv: no rows",
    b"text\tlabel\na\xff\tsad\n": "broken UTF-8 at byte 12",
}


@pytest.mark.parametrize(("content", "message"), BAD_TABLES.items())
def test_a_bad_table_is_refused_with_its_line(content, message, single, write):
    with pytest.raises(DataError, match=message):
        read_examples(single, write("train.tsv", content), "train")


BAD_SCORES = {
    '{"one": "a", "two": "b", "score": 5.1}': r"line 1: column 'score' is 5\.1.*from 0 to 5",
    '{"one": "a", "two": "b", "score": "much"}': "column 'score' is 'much'",
    '{"one": "a", "two": "b", "score": NaN}': "column 'score' is nan",
    '{"one": "a", "two": "b", "score": null}': "column 'score' is None",
    '{"one": "a", "two": 7, "score": 1}': "column 'two' is 7, but text is expected",
    '{"one": "a", "score": 1}': "there is no column 'two'; columns here: 'one', 'score'",
    '{"one": "a"': "line 1, column 12: not valid JSON",
    "[1]": "a JSON object per line is expected, given list",
}


@pytest.mark.parametrize(("line", "message"), BAD_SCORES.items())
def test_a_bad_json_line_is_refused_with_its_place(line, message, pair, write):
    with pytest.raises(DataError, match=message):
        read_examples(pair, write("train.jsonl", line + "\n"), "train")


BAD_TAGS = [
    (["a", "b"], ["O"], "holds 1 tags for 2 words"),
    (["a"], "O", "holds 'O' for 1 words"),
    (["a", "b"], ["O", "I-PER"], "line 1, word 2: tag 'I-PER' of 'b' continues no entity.*scheme: iob1"),
    (["a", "b"], ["B-LOC", "I-PER"], "word 2: tag 'I-PER'"),
    (["a", "b"], ["O", "B-PRE"], "word 2: label 'B-PRE'.*Did you mean 'B-PER'"),
    ([], [], "a list of one or more words is expected"),
]


@pytest.mark.parametrize(("words", "tags", "message"), BAD_TAGS)
def test_bad_tags_are_refused_with_the_word(words, tags, message, tagging, write):
    with pytest.raises(DataError, match=message):
        read_examples(tagging, write("train.jsonl", [{"words": words, "tags": tags}]), "train")


def test_a_bad_tag_in_columns_is_refused_with_its_own_line(tagging, write):
    spec = replace(tagging, format="conll", columns=("words", "tags"))
    with pytest.raises(DataError, match=r"line 4: label 'X'"):
        read_examples(spec, write("train.jsonl", "a O\n\nb O\nc X\n"), "train")


def test_a_row_of_columns_with_too_few_is_refused_with_its_line(tagging, write):
    spec = replace(tagging, format="conll", columns=("words", "tags"))
    with pytest.raises(DataError, match=r"line 2: 1 columns, but 2 are expected \(words, tags\)"):
        read_examples(spec, write("train.jsonl", "a O\nb\n"), "train")


def test_a_missing_file_says_where_the_data_folder_came_from(single, tmp_path):
    with pytest.raises(DataError, match=rf"{tmp_path}/train\.tsv: no such file.*from TRIPTYCH_DATA"):
        read_examples(single, tmp_path, "train", origin="TRIPTYCH_DATA")


def test_an_unknown_split_is_told_the_splits(single, tmp_path):
    with pytest.raises(RecipeError, match=r"no split 'trian'; splits here: train, dev, test\. Did you mean 'train'"):
        read_examples(single, tmp_path, "trian")


def test_a_file_of_unknown_kind_or_a_damaged_one_is_refused(single, write):
    data = write("dev.xls", "text,label\n")
    with pytest.raises(DataError, match=r"ending '\.xls'; known endings: \.tsv"):
        read_examples(replace(single, files={"dev": "dev.xls"}), data, "dev")
    data = write("dev.parquet", "no parquet")
    with pytest.raises(DataError, match=r"dev\.parquet: not a readable parquet file"):
        read_examples(replace(single, files={"dev": "dev.parquet"}), data, "dev")


def test_tags_in_bioes_are_read_as_bio_and_broken_ones_refused_with_their_line(tagging, write):
    spec = replace(tagging, format="conll", columns=("words", "tags"), scheme="bioes")
    found = read_examples(spec, write("train.jsonl", "Ada B-PER\nLee E-PER\nBo S-PER\n"), "train")
    assert found[0].label == ("B-PER", "I-PER", "B-PER")
    with pytest.raises(DataError, match=r"line 2: tag 'O' of 'x' cannot stand here; in BIOES"):
        read_examples(spec, write("train.jsonl", "Ada B-PER\nx O\n"), "train")
