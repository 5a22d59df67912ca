"""Blocks hold, between them, what the whole corpus holds: every document once, in the same order."""

import gzip
import json
import pickle
from pathlib import Path

import datasets
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tokenization.reading.blocks import Block, plan_blocks
from tokenization.reading.documents import Document, read_block
from tokenization.reading.faults import Faults
from tokenization.reading.text_formats import is_blank
from tokenization.spec import CorpusSpec

WORDS = ["", " ", "\t", "\u3000", "\xa0", "a", "b c", "é", "零一二", "😀", "<doc", "\x85", "\r"]
LINES = st.lists(st.lists(st.sampled_from(WORDS), max_size=3).map("".join), max_size=12)
ENDS = st.sampled_from(["\n", "\r\n"])
MANY = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read_all(spec: CorpusSpec, blocks: tuple[Block, ...]) -> list[Document]:
    return [document for block in blocks for document in read_block(spec, block, Faults(skip=True))]


def in_blocks(spec: CorpusSpec, size: int) -> list[Document]:
    return read_all(spec, plan_blocks(spec, None, size))


def texts(spec: CorpusSpec, size: int) -> list[str]:
    return [document.text for document in in_blocks(spec, size)]


def paragraphs(lines: list[str]) -> list[str]:
    """The documents of a text, as a reader of whole texts finds them."""
    found: list[list[str]] = [[]]
    for line in lines:
        if line.strip():
            found[-1].append(line)
        else:
            found.append([])
    return ["\n".join(document).strip() for document in found if document]


@MANY
@given(lines=LINES, end=ENDS, mark=st.booleans(), last=st.booleans(), size=st.integers(1, 40))
def test_text_cut_anywhere_gives_the_documents_of_the_whole_text(
    tmp_path: Path, lines: list[str], end: str, mark: bool, last: bool, size: int
) -> None:
    lines = [line.replace("\r", "") for line in lines]
    file = tmp_path / "c.txt"
    file.write_bytes(b"\xef\xbb\xbf" * mark + (end.join(lines) + end * last).encode())
    for format in ("text", "lines"):
        spec = CorpusSpec("c", (file,), format=format)  # type: ignore[arg-type]
        assert texts(spec, size) == paragraphs(lines)
        assert in_blocks(spec, size) == in_blocks(spec, 1 << 20)


@MANY
@given(
    rows=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8), max_size=8),
    blank=st.sampled_from(["", "\n", " \r\n"]),
    size=st.integers(1, 60),
)
def test_json_lines_cut_anywhere_give_every_row_once(tmp_path: Path, rows: list[str], blank: str, size: int) -> None:
    file = tmp_path / "c.jsonl"
    lines = [json.dumps({"text": row}, ensure_ascii=False) for row in rows]
    file.write_text(f"\n{blank}".join(lines), encoding="utf-8", newline="")
    assert texts(CorpusSpec("c", (file,)), size) == [row.strip() for row in rows if row.strip()]


@MANY
@given(articles=st.lists(LINES, max_size=5), end=ENDS, size=st.integers(1, 80))
def test_wiki_articles_cut_anywhere_come_without_tags_and_titles(
    tmp_path: Path, articles: list[list[str]], end: str, size: int
) -> None:
    articles = [[line.replace("\r", "").replace("<doc", "<") for line in lines] for lines in articles]
    file = tmp_path / "wiki_00"
    file.write_bytes(
        "".join(
            end.join([f'<doc id="{n}" url="u?n={n}" title="A > {n}">', f"A &gt; {n}", "", *lines, "</doc>", ""])
            for n, lines in enumerate(articles)
        ).encode()
    )
    whole = ["\n".join(lines).strip() for lines in articles]
    assert texts(CorpusSpec("c", (file,), format="wikiextractor"), size) == [text for text in whole if text]


@pytest.mark.parametrize("size", [1, 30, 300, 10_000])
@pytest.mark.parametrize("group", [1, 3, 100])
def test_rows_of_a_parquet_file_come_once_wherever_it_is_cut(tmp_path: Path, size: int, group: int) -> None:
    rows = [None if row % 7 == 3 else f"text {row} " * (row % 5) for row in range(40)]
    file = tmp_path / "c.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"id": range(40), "text": rows}), file, row_group_size=group)
    spec = CorpusSpec("c", (file,))
    assert texts(spec, size) == [row.strip() for row in rows if row and row.strip()]
    assert in_blocks(spec, size) == in_blocks(spec, 1 << 20)
    assert [len(plan_blocks(spec, None, cut)) for cut in (1, 1 << 20)] == [40, 1]


@pytest.mark.parametrize("size", [1, 30, 10_000])
def test_rows_of_a_dataset_come_once_wherever_it_is_cut(tmp_path: Path, size: int) -> None:
    rows = [f"text {row}" for row in range(20)]
    datasets.Dataset.from_dict({"text": rows}).save_to_disk(tmp_path / "saved")
    assert texts(CorpusSpec("c", (tmp_path / "saved",)), size) == rows


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("documents", range(1, 8))
def test_a_number_of_documents_is_the_first_so_many_that_are_not_empty(
    tmp_path: Path, size: int, documents: int
) -> None:
    rows = ["a", "", "b", " ", "c", "d", "", "e"]
    (tmp_path / "1.jsonl").write_text("".join(json.dumps({"text": row}) + "\n" for row in rows))
    (tmp_path / "2.txt").write_text("f")
    spec = CorpusSpec("c", (tmp_path,), documents=documents)
    assert texts(spec, size) == list("abcdef")[:documents]


def test_blocks_can_be_sent_to_a_worker_and_carry_the_weight_of_their_source(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text("one\n\ntwo\n\nthree\n")
    spec = CorpusSpec("c", (tmp_path / "a.txt", tmp_path / "b.txt"), weights=(2.0, 0.5))
    blocks = plan_blocks(spec, None, 4)
    assert [block.weight for block in blocks] == [2.0] * 3 + [0.5] * 3
    assert sum(block.bytes for block in blocks) == 2 * 16
    assert read_all(spec, pickle.loads(pickle.dumps(blocks))) == read_all(spec, blocks)


def test_a_compressed_file_is_one_block_and_its_places_are_those_of_the_text(tmp_path: Path) -> None:
    text = "one\n\ntwo\n\nthree\n"
    (tmp_path / "c.txt").write_text(text)
    (tmp_path / "c.txt.gz").write_bytes(gzip.compress(text.encode()))
    assert len(plan_blocks(CorpusSpec("c", (tmp_path / "c.txt.gz",)), None, 1)) == 1
    origins = [
        document.origin.replace(".gz", "") for document in in_blocks(CorpusSpec("c", (tmp_path / "c.txt.gz",)), 1)
    ]
    assert origins == [f"{tmp_path / 'c.txt'} byte {at}" for at in (0, 5, 10)]
    assert origins == [document.origin for document in in_blocks(CorpusSpec("c", (tmp_path / "c.txt",)), 1)]


def test_only_sentences_by_line_are_said_to_be_split_already(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("Mr. A. Came.\nHe saw.\n\nB.")
    for format, split in (("text", False), ("lines", True), ("document", False)):
        spec = CorpusSpec("c", (tmp_path / "c.txt",), format=format)  # type: ignore[arg-type]
        assert {document.presplit for document in in_blocks(spec, 100)} == {split}


def test_a_document_a_file_keeps_its_blank_lines(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("\none\n\ntwo\n")
    assert texts(CorpusSpec("c", (tmp_path / "c.txt",), format="document"), 2) == ["one\n\ntwo"]


def test_a_line_is_blank_in_bytes_when_it_is_blank_in_text() -> None:
    for code in [*range(0xD800), *range(0xE000, 0x30000)]:
        assert is_blank(f" {chr(code)}\r\n".encode()) == chr(code).isspace()
    assert is_blank(b"")


@pytest.mark.data
def test_wikipedia_in_blocks_is_wikipedia(data_folder: Path) -> None:
    spec = CorpusSpec("c", (data_folder / "text" / "zhwiki.parquet",))
    rows = pyarrow.parquet.read_table(data_folder / "text" / "zhwiki.parquet").column("text").to_pylist()
    assert texts(spec, 1 << 22) == [row.strip() for row in rows if row.strip()]


@pytest.mark.data
def test_chinese_lines_in_blocks_are_the_paragraphs_of_the_file(data_folder: Path) -> None:
    file = data_folder / "text" / "CLUECorpusSmall_sample.txt"
    spec = CorpusSpec("c", (file,), format="lines", language="zh")
    assert texts(spec, 100_000) == paragraphs(file.read_text(encoding="utf-8").split("\n"))
    assert len(plan_blocks(spec, None, 100_000)) > 10
