"""Files are found in folders, by patterns and behind URLs, and their formats by ending or by beginning."""

import gzip
import lzma
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pyarrow
import pyarrow.parquet
import pytest
from fsspec.registry import known_implementations

from tokenization.errors import DataError
from tokenization.reading.blocks import plan_blocks
from tokenization.reading.files import resolve_files
from tokenization.reading.readers import read_documents
from tokenization.reading.remote import remote_version
from tokenization.spec import CorpusSpec

WIKI = '<doc id="1" url="u" title="One">\nOne\n\ntext of one\n</doc>\n'


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    files = fsspec.filesystem("memory")
    yield files
    files.store.clear()
    files.pseudo_dirs[:] = [""]


def texts(*files: Path | str, **settings: object) -> list[str]:
    spec = CorpusSpec("c", files, **settings)  # type: ignore[arg-type]
    return [document.text for document in read_documents(spec)]


def fill(files: fsspec.AbstractFileSystem, root: str) -> None:
    """One document in each of four formats, and two files that are no text."""
    for name, content in {
        "a.txt": b"one",
        "b.jsonl.gz": gzip.compress(b'{"text": "two"}\n'),
        "deep/wiki_00": WIKI.encode(),
        "notes.pdf": b"no",
        ".hidden.txt": b"no",
    }.items():
        files.makedirs(f"{root}/deep", exist_ok=True)
        files.pipe_file(f"{root}/{name}", content)
    with files.open(f"{root}/e.parquet", "wb") as handle:
        pyarrow.parquet.write_table(pyarrow.table({"text": ["four"]}), handle)


ALL = ["one", "two", "text of one", "four"]


def test_a_folder_is_read_the_same_on_this_machine_and_behind_urls(
    tmp_path: Path, memory: fsspec.AbstractFileSystem
) -> None:
    fill(memory, "/bucket")
    fill(fsspec.filesystem("file"), str(tmp_path))
    for folder in (tmp_path, f"file://{tmp_path}", "memory://bucket"):
        assert texts(folder) == ALL
        assert texts(f"{folder}/*.txt", f"{folder}/*/wiki*", f"{folder}/e.parquet") == ["one", "text of one", "four"]


def test_a_file_behind_a_url_is_cut_as_one_on_this_machine(tmp_path: Path, memory: fsspec.AbstractFileSystem) -> None:
    content = "\n\n".join(f"document {number}" for number in range(50)).encode()
    memory.pipe_file("/c.txt", content)
    (tmp_path / "c.txt").write_bytes(content)
    for size in (1, 100, 1000):
        cuts = [
            [(block.start, block.stop, block.bytes) for block in plan_blocks(CorpusSpec("c", (file,)), None, size)]
            for file in (tmp_path / "c.txt", "memory://c.txt", f"file://{tmp_path}/c.txt")
        ]
        assert cuts[0] == cuts[1] == cuts[2]
    assert texts("memory://c.txt") == texts(tmp_path / "c.txt") == content.decode().split("\n\n")


def test_a_url_with_nothing_behind_it_is_named(memory: fsspec.AbstractFileSystem) -> None:
    for url in ("memory://nothing.txt", "memory://no/*.txt"):
        with pytest.raises(DataError, match=r"corpora\.c\.files: there is no memory://"):
            texts(url)


def test_a_backend_that_is_not_installed_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"class": "not_installed_anywhere.Files", "err": "Install faraway to access far"}
    monkeypatch.setitem(known_implementations, "far", known)
    with pytest.raises(DataError, match=r"far://a/b\.txt: the backend of far:// is not installed. Install faraway"):
        texts("far://a/b.txt")


def test_an_unknown_protocol_is_named_with_the_nearest(memory: fsspec.AbstractFileSystem) -> None:
    with pytest.raises(DataError, match=r"memry:// is no protocol that fsspec knows. Did you mean 'memory'"):
        texts("memry://a.txt")


def test_the_version_of_a_url_changes_with_its_content(tmp_path: Path, memory: fsspec.AbstractFileSystem) -> None:
    memory.pipe_file("/a.txt", b"one")
    (tmp_path / "a.txt").write_bytes(b"one")
    for url, change in (
        ("memory://a.txt", lambda: memory.pipe_file("/a.txt", b"another")),
        (f"file://{tmp_path}/a.txt", lambda: (tmp_path / "a.txt").write_bytes(b"another")),
    ):
        before = remote_version(url)
        assert remote_version(url) == before
        change()
        assert remote_version(url) != before
    with pytest.raises(DataError, match=r"memory://b\.txt: cannot be looked up"):
        remote_version("memory://b.txt")


def test_files_without_an_ending_are_known_by_their_first_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_text('{"text": "one"}')
    (tmp_path / "b").write_text("\ufeff" + WIKI)
    (tmp_path / "c.xz").write_bytes(lzma.compress(WIKI.encode()))
    pyarrow.parquet.write_table(pyarrow.table({"text": ["four"]}), tmp_path / "d")
    (tmp_path / "e").write_text("plain")
    (tmp_path / "f").write_bytes(b"")
    assert texts(tmp_path) == ["one", "text of one", "text of one", "four"]
    with pytest.raises(DataError, match=r"e has the ending '\(none\)', which tells no format"):
        texts(tmp_path / "e")


def test_a_folder_read_in_a_way_of_plain_text_takes_its_plain_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n\ntwo")
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(b"three\n\nfour"))
    (tmp_path / "c.jsonl").write_text('{"text": "five"}')
    assert texts(tmp_path, format="lines") == ["one", "two", "three", "four"]
    assert texts(tmp_path, format="document") == ["one\n\ntwo", "three\n\nfour"]
    assert texts(tmp_path, format="jsonl") == ["five"]


def test_every_source_knows_which_entry_it_comes_from(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt", "c.jsonl"):
        (tmp_path / name).write_text("x")
    found = resolve_files(CorpusSpec("c", (tmp_path / "*.jsonl", tmp_path / "*.txt")))
    assert [(source.entry, source.path.name) for source in found] == [(0, "c.jsonl"), (1, "a.txt"), (1, "b.txt")]
