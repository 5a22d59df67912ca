"""Malformed input is named by file and place; asked to skip it, reading goes on with what is whole."""

import bz2
import gzip
import json
import lzma
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pyarrow
import pyarrow.parquet
import pytest

from tokenization.errors import DataError, RunError
from tokenization.reading.blocks import plan_blocks
from tokenization.reading.documents import read_block
from tokenization.reading.faults import GO_ON, LISTED, Faults
from tokenization.reading.readers import read_documents
from tokenization.reading.text import LONGEST
from tokenization.spec import CorpusSpec

PACK = {
    "gz": gzip.compress,
    "zst": lambda data: pyarrow.Codec("zstd").compress(data, asbytes=True),
    "xz": lzma.compress,
    "bz2": bz2.compress,
}


def refused(spec: CorpusSpec, size: int = 1 << 26) -> str:
    with pytest.raises(DataError) as raised:
        [list(read_block(spec, block, Faults())) for block in plan_blocks(spec, None, size)]
    return str(raised.value).removesuffix(GO_ON)


def skipped(spec: CorpusSpec, size: int = 1 << 26) -> tuple[list[str], Faults]:
    faults = Faults(skip=True)
    blocks = plan_blocks(spec, None, size)
    return [document.text for block in blocks for document in read_block(spec, block, faults)], faults


def write(file: Path, content: bytes, **settings: Any) -> CorpusSpec:
    file.write_bytes(content)
    return CorpusSpec("c", (file,), **settings)


@pytest.mark.parametrize("size", [1, 9, 1000])
def test_bytes_that_are_no_utf8_are_named_by_byte_and_line_of_the_file_whatever_the_block(
    tmp_path: Path, size: int
) -> None:
    content = "é one\n\ntwo\n零\n\nthree\n".encode() + "naïve\n\n".encode("latin-1") + b"four\n"
    spec = write(tmp_path / "c.txt", content)
    at = content.index(0xEF, 5)
    assert f"c.txt: not UTF-8 at byte {at} (line 7): invalid continuation byte, byte 0xef" in refused(spec, size)
    texts, faults = skipped(spec, size)
    assert texts == ["é one", "two\n零", "four"]
    assert faults.bad == [refused(spec, size)]


def test_a_file_in_utf16_is_told_to_be_converted(tmp_path: Path) -> None:
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        message = refused(write(tmp_path / "a.txt", mark + "one".encode(encoding)))
        assert "not UTF-8 at byte 0 (line 1)" in message
        assert "`iconv -f UTF-16 -t UTF-8`" in message
    assert "a NUL at byte 1 (line 1)" in refused(write(tmp_path / "b.txt", "one".encode("utf-16-le")))


def test_bytes_of_another_encoding_are_told_how_to_be_converted(tmp_path: Path) -> None:
    message = refused(write(tmp_path / "a.txt", "naïve".encode("latin-1")))
    assert "`iconv -f LATIN1 -t UTF-8`" in message
    assert "`iconv -f GB18030 -t UTF-8`" in message


@pytest.mark.parametrize("content", [b"\xff", b"a\0b", b"", b"x" * (LONGEST + 1)])
def test_who_is_stopped_by_malformed_input_is_told_how_to_go_on(tmp_path: Path, content: bytes) -> None:
    spec = write(tmp_path / "a.txt", content)
    with pytest.raises(DataError, match=r"`skip_bad: true` in the corpus, or `triptych tokenize --skip-bad`, leaves"):
        list(read_block(spec, plan_blocks(spec, None)[0], Faults()))
    assert "skip" not in skipped(spec)[1].bad[0]


@pytest.mark.parametrize("ending", ["txt", "jsonl"])
def test_a_nul_is_named_by_its_byte(tmp_path: Path, ending: str) -> None:
    good = b'{"text": "fine"}\n\n'
    content = b"\xef\xbb\xbf" + good + b'{"text": "a\0b"}\n\n' + good
    spec = write(tmp_path / f"c.{ending}", content)
    message = refused(spec)
    assert f"c.{ending}: a NUL at byte {content.index(0)} (line 3): is this a binary file" in message
    texts, faults = skipped(spec, 5)
    assert (len(texts), faults.bad) == (2, [message])


@pytest.mark.parametrize("ending", ["txt", "jsonl"])
def test_a_line_of_200_megabytes_is_named_and_never_held(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"c.{ending}"
    with open(file, "wb") as handle:
        handle.write(b'{"text": "one"}\n\n')
        for _ in range(200):
            handle.write(b"x" * 1_000_000)
        handle.write(b'\n\n{"text": "two"}\n')
    spec = CorpusSpec("c", (file,))
    tracemalloc.start()
    texts, faults = skipped(spec)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [json.loads(text)["text"] if ending == "txt" else text for text in texts] == ["one", "two"]
    assert faults.bad_count == 1
    assert f"c.{ending}:3: a document or line of 200,000," in faults.bad[0]
    assert f"(at byte 17); at most {LONGEST:,} are read" in faults.bad[0]
    assert peak < 1.2 * LONGEST


@pytest.mark.parametrize("ending", PACK)
def test_an_archive_gives_the_text_and_one_cut_short_is_named(tmp_path: Path, ending: str) -> None:
    rows = [f"document {row} {row * 7919 % 10007}" for row in range(20_000)]
    packed = PACK[ending]("\n\n".join(rows).encode())
    file = tmp_path / f"c.txt.{ending}"
    spec = write(file, packed)
    assert skipped(spec)[0] == rows
    spec = write(file, packed + PACK[ending](b"\n\nanother member"))  # archives may be put end to end
    assert skipped(spec)[0] == [*rows, "another member"]

    spec = write(file, packed[: len(packed) // 2])
    assert f"c.txt.{ending}: damaged or cut short" in refused(spec)
    texts, faults = skipped(spec)
    assert texts == rows[: len(texts)]
    assert faults.bad == [refused(spec)]
    if ending in ("gz", "zst"):  # the others pack all of this as one piece
        assert len(texts) > 5000


@pytest.mark.parametrize("ending", PACK)
def test_an_archive_that_is_none_is_named(tmp_path: Path, ending: str) -> None:
    spec = write(tmp_path / f"c.txt.{ending}", b"plain text\n" * 100)
    assert f"c.txt.{ending}: damaged or cut short" in refused(spec)
    assert skipped(spec)[0] == []


@pytest.mark.parametrize("ending", ["zip", "tar.gz", "txt.lz4", "7z"])
@pytest.mark.parametrize("format", ["auto", "text"])
def test_a_packing_that_is_not_read_is_refused_with_those_that_are(tmp_path: Path, ending: str, format: str) -> None:
    message = refused(write(tmp_path / f"c.{ending}", b"x", format=format))
    assert "which is not read; compressed files may end in .gz, .zst, .xz, .bz2" in message


@pytest.mark.parametrize("ending", ["txt", "jsonl", "txt.gz", "txt.zst", "parquet"])
def test_an_empty_file_is_named(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"c.{ending}"
    if ending == "parquet":
        pyarrow.parquet.write_table(pyarrow.table({"text": pyarrow.array([], pyarrow.string())}), file)
    else:
        file.write_bytes(PACK[ending[4:]](b"") if ending[4:] in PACK else b"")
    (tmp_path / "d.txt").write_text("text")
    spec = CorpusSpec("c", (file, tmp_path / "d.txt"))
    assert f"corpora.c: no text in {file}: it is empty" in refused(spec)
    texts, faults = skipped(spec)
    assert (texts, faults.bad_count) == (["text"], 1)


def test_a_folder_without_text_is_named_with_what_would_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_text("x")
    message = refused(CorpusSpec("c", (tmp_path,)))
    assert f"the folder {tmp_path} holds no text: none of its 1 files ends in .txt" in message


BAD_ROWS = [
    ("{broken", "malformed JSON: Expecting property name enclosed in double quotes (column 2)"),
    ("[" * 100_000, "JSON that cannot be read"),
    ('{"text": ' + "1" * 5000 + "}", "JSON that cannot be read"),
    ('["a"]', "a JSON list, where one object a line is expected"),
    ('{"txt": "a"}', "no field 'text'; there are: 'txt'. Did you mean 'txt'"),
    ('{"text": 7}', "field 'text' holds int 7, not text"),
    (r'{"text": "\ud800 alone"}', "field 'text' holds half a surrogate pair"),
    (r'{"text": "a\u0000b"}', "field 'text' holds a NUL"),
]


@pytest.mark.parametrize(("row", "message"), BAD_ROWS)
def test_a_bad_row_is_named_by_file_and_line_and_the_next_ones_are_read(tmp_path: Path, row: str, message: str) -> None:
    spec = write(tmp_path / "c.jsonl", f'{{"text": "one"}}\n\n{row}\n{{"text": "\\ud83d\\ude00"}}\n'.encode())
    told = refused(spec)
    assert f"c.jsonl:3: {message}" in told
    assert skipped(spec, 3)[0] == ["one", "😀"]
    assert skipped(spec, 3)[1].bad == [told]


WIKI = '<doc id="1" url="u" title="One">\nOne\n\ntext of one\n</doc>\n'


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (WIKI + "stray\n" + WIKI, 1, '<doc id="1" url="u" title="One"> is not closed by </doc>'),
        ("stray\n" + WIKI, 1, "text outside of <doc …>: 'stray'"),
        (WIKI + WIKI.replace("</doc>\n", ""), 6, '<doc id="1" url="u" title="One"> is not closed by </doc>'),
    ],
)
def test_wiki_articles_that_are_not_closed_or_not_opened_are_named(
    tmp_path: Path, content: str, line: int, message: str
) -> None:
    spec = write(tmp_path / "wiki_00", content.encode(), format="wikiextractor")
    assert f"wiki_00:{line}: {message}" in refused(spec)
    assert skipped(spec)[0] == ["text of one"]
    assert skipped(spec)[1].bad_count == 1


def test_a_table_without_the_column_is_named_and_skipped_whole(tmp_path: Path) -> None:
    pyarrow.parquet.write_table(pyarrow.table({"body": ["x"]}), tmp_path / "a.parquet")
    (tmp_path / "b.parquet").write_bytes(b"PAR1 and no more")
    (tmp_path / "c.txt").write_text("text")
    spec = CorpusSpec("c", (tmp_path,))
    assert "a.parquet: no column 'text'; there are: 'body'" in refused(spec)
    texts, faults = skipped(spec)
    assert texts == ["text"]
    assert "b.parquet: not a whole parquet file" in faults.bad[1]


@pytest.mark.parametrize("kind", ["parquet", "dataset"])
def test_a_nul_in_a_table_is_named_by_its_row_and_the_next_ones_are_read(tmp_path: Path, kind: str) -> None:
    texts = ["one", "a\0b", "two"]
    if kind == "parquet":
        pyarrow.parquet.write_table(pyarrow.table({"text": texts}), tmp_path / "c.parquet")
        spec = CorpusSpec("c", (tmp_path / "c.parquet",))
    else:
        datasets.Dataset.from_dict({"text": texts}).save_to_disk(tmp_path / "c")
        spec = CorpusSpec("c", (tmp_path / "c",))
    assert "row 1: holds a NUL" in refused(spec)
    assert skipped(spec)[0] == ["one", "two"]
    assert skipped(spec)[1].bad == [refused(spec)]


def test_of_many_bad_places_the_first_are_listed_and_all_counted(tmp_path: Path) -> None:
    spec = write(tmp_path / "c.jsonl", b"{broken\n" * 50 + b'{"text": "fine"}\n')
    texts, faults = skipped(spec)
    assert (texts, faults.bad_count, len(faults.bad)) == (["fine"], 50, LISTED)
    assert f":{LISTED}: malformed" in faults.bad[-1]


@pytest.mark.parametrize("reader", [lambda spec: plan_blocks(spec, None), lambda spec: list(read_documents(spec))])
def test_skipping_is_the_corpus_s_setting_wherever_documents_are_counted(
    tmp_path: Path, reader: Callable[[CorpusSpec], object]
) -> None:
    content = b'{"text": "one"}\n{broken\n{"text": "two"}\n'
    with pytest.raises(DataError, match="malformed JSON"):
        reader(write(tmp_path / "c.jsonl", content, documents=2))
    spec = write(tmp_path / "c.jsonl", content, documents=2, skip_bad=True)
    reader(spec)
    assert skipped(spec)[0] == ["one", "two"]


@pytest.mark.parametrize("name", ["c.txt", "c.txt.gz", "c.parquet"])
def test_what_the_disk_or_the_network_does_is_never_skipped(tmp_path: Path, name: str) -> None:
    pyarrow.parquet.write_table(pyarrow.table({"text": ["one"]}), tmp_path / name)
    spec = CorpusSpec("c", (tmp_path / name,))
    blocks = plan_blocks(spec, None)
    (tmp_path / name).unlink()
    with pytest.raises(RunError, match=r"cannot be read: .*No such file"):
        list(read_block(spec, blocks[0], Faults(skip=True)))
