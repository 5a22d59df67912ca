"""Documents come out of every format as they went in, and what is wrong is named with its place."""

import json
from pathlib import Path

import datasets
import pyarrow
import pyarrow.parquet
import pytest

from tokenization.errors import DataError, RecipeError
from tokenization.reading.files import resolve_files
from tokenization.reading.readers import read_documents
from tokenization.spec import CorpusSpec

TEXTS = ["first line\nsecond line", "another document", "零一二"]


def texts_of(file: Path, **settings: object) -> list[str]:
    return [document.text for document in read_documents(CorpusSpec("c", (file,), **settings))]  # type: ignore[arg-type]


def write_format(tmp_path: Path, format: str) -> Path:
    if format == "text":
        (tmp_path / "c.txt").write_text("\n\n".join(TEXTS), encoding="utf-8")
        return tmp_path / "c.txt"
    if format == "jsonl":
        lines = "".join(json.dumps({"text": text}) + "\n" for text in TEXTS)
        (tmp_path / "c.jsonl").write_text(lines, encoding="utf-8")
        return tmp_path / "c.jsonl"
    if format == "parquet":
        pyarrow.parquet.write_table(pyarrow.table({"id": [1, 2, 3], "text": TEXTS}), tmp_path / "c.parquet")
        return tmp_path / "c.parquet"
    datasets.Dataset.from_dict({"text": TEXTS}).save_to_disk(tmp_path / "saved")
    return tmp_path / "saved"


@pytest.mark.parametrize("format", ["text", "jsonl", "parquet", "dataset"])
def test_every_format_gives_the_same_documents(tmp_path: Path, format: str) -> None:
    file = write_format(tmp_path, format)
    assert texts_of(file) == TEXTS
    assert texts_of(file, format=format, documents=2) == TEXTS[:2]


def test_a_folder_of_data_files_opens_through_the_datasets_library(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    write_format(folder, "parquet")
    assert texts_of(folder, format="dataset") == TEXTS


def test_a_split_that_is_not_there_is_named_beside_those_that_are(tmp_path: Path) -> None:
    whole = datasets.DatasetDict({"train": datasets.Dataset.from_dict({"text": TEXTS})})
    whole.save_to_disk(tmp_path / "saved")
    assert texts_of(tmp_path / "saved") == TEXTS
    with pytest.raises(DataError, match=r"no split 'trian'; there are: 'train'.*Did you mean 'train'"):
        texts_of(tmp_path / "saved", split="trian")


@pytest.mark.parametrize("blank", ["\n", " \n", "\r\n", "\n\t\n\n"])
def test_any_run_of_blank_lines_parts_two_documents(tmp_path: Path, blank: str) -> None:
    file = tmp_path / "c.txt"
    file.write_bytes(f"{blank}a b\nc\n{blank}d\n{blank}".encode())
    assert texts_of(file) == ["a b\nc", "d"]


def test_a_byte_order_mark_is_not_text(tmp_path: Path) -> None:
    file = tmp_path / "c.txt"
    file.write_bytes(b"\xef\xbb\xbfhello")
    assert texts_of(file) == ["hello"]


@pytest.mark.parametrize("prefix", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("ending", ["txt", "jsonl"])
def test_broken_utf8_is_named_by_file_byte_and_line(tmp_path: Path, prefix: bytes, ending: str) -> None:
    good = b'{"text": "\xc3\xa9"}\n'
    for lines in (0, 3):
        content = prefix + good * lines + b'{"text": "ab\xff"}\n'
        file = tmp_path / f"c.{ending}"
        file.write_bytes(content)
        with pytest.raises(
            DataError, match=rf"c\.{ending}: not UTF-8 at byte {content.index(255)} \(line {lines + 1}\)"
        ):
            texts_of(file)


def test_empty_documents_are_skipped_and_told(tmp_path: Path) -> None:
    file = tmp_path / "c.jsonl"
    rows = ["a", "", None, " \n ", "b"]
    file.write_text("".join(json.dumps({"text": row}) + "\n" for row in rows))
    told: list[str] = []
    kept = [document.text for document in read_documents(CorpusSpec("c", (file,)), told.append)]
    assert kept == ["a", "b"]
    assert told == [f"{file} byte {offset}" for offset in (14, 27, 42)]


def test_the_first_documents_are_counted_without_the_empty_ones(tmp_path: Path) -> None:
    file = tmp_path / "c.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"text": [None, "a", "", "b", "c"]}), file)
    assert texts_of(file, documents=2) == ["a", "b"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{broken", r"c\.jsonl:2: malformed JSON"),
        ('["a"]', r"c\.jsonl:2: a JSON list"),
        ('{"txt": "a"}', r"c\.jsonl:2: no field 'text'; there are: 'txt'. Did you mean 'txt'"),
        ('{"text": 7}', r"c\.jsonl:2: field 'text' holds int"),
    ],
)
def test_a_bad_json_line_is_named_by_file_and_line(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "c.jsonl").write_text('{"text": "fine"}\n' + line + "\n")
    with pytest.raises(DataError, match=message):
        texts_of(tmp_path / "c.jsonl")


def test_a_missing_column_is_named_beside_those_that_are_there(tmp_path: Path) -> None:
    file = write_format(tmp_path, "parquet")
    with pytest.raises(DataError, match=r"c\.parquet: no column 'body'; there are: 'id', 'text'"):
        texts_of(file, field="body")
    with pytest.raises(DataError, match="column 'id' holds int64, not text"):
        texts_of(file, field="id")


def test_a_parquet_file_cut_short_is_named(tmp_path: Path) -> None:
    file = write_format(tmp_path, "parquet")
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"c\.parquet: not a whole parquet file"):
        texts_of(file)


def test_a_missing_file_is_named_with_the_nearest_folder(tmp_path: Path) -> None:
    for name in ("no/such.txt", "no/*.txt"):
        with pytest.raises(
            DataError, match=rf"corpora\.c\.files: there is no .*nearest folder that exists is {tmp_path}"
        ):
            texts_of(tmp_path / name)


def test_an_ending_that_tells_no_format_asks_for_one(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("x")
    with pytest.raises(DataError, match=r"ending '\.csv'.*Set `format`"):
        texts_of(tmp_path / "c.csv")
    assert texts_of(tmp_path / "c.csv", format="text") == ["x"]


def test_globs_and_folders_come_sorted_without_hidden_files(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", ".hidden.txt", "deep/c.txt", "notes.pdf"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)

    def names(path: Path) -> list[str]:
        return [source.path.name for source in resolve_files(CorpusSpec("c", (path,)))]

    assert names(tmp_path) == ["a.txt", "b.txt", "c.txt"]
    assert names(tmp_path / "[ab].txt") == ["a.txt", "b.txt"]
    assert names(tmp_path / "*" / "*.txt") == ["c.txt"]


def test_a_file_named_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(DataError, match=r"a\.txt is named more than once"):
        resolve_files(CorpusSpec("c", (tmp_path / "a.txt", tmp_path / "*.txt")))


def test_all_wrong_settings_of_a_corpus_are_told_at_once() -> None:
    with pytest.raises(RecipeError) as raised:
        CorpusSpec("c", (), format="txt", weights=(2.0,), documents=0, held_out=0.9)  # type: ignore[arg-type]
    for part in (
        "c.files",
        "'txt' is not one of",
        "Did you mean 'text'",
        "c.weights: 1 given for 0 files",
        "c.documents",
        "c.held_out",
    ):
        assert part in str(raised.value)


@pytest.mark.parametrize("other", ["a.txt", "*.txt", ""])
def test_a_file_named_by_its_path_and_by_a_url_is_named_twice(tmp_path: Path, other: str) -> None:
    (tmp_path / "a.txt").write_text("one")
    with pytest.raises(DataError, match=r"a\.txt is named more than once"):
        resolve_files(CorpusSpec("c", (tmp_path / "a.txt", f"file://{tmp_path}/{other}")))
