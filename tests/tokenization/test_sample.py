"""How much of a corpus a sample is, against the number of documents that were written."""

import gzip
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from tokenization.sample import sample
from tokenization.spec import CorpusSpec

TEXTS = [f"北京的第{number}天下雨了。" * 8 for number in range(1000)]


def _json_lines(texts: Iterable[str]) -> bytes:
    """Other keys take most of the input, and every character of the text six bytes."""
    return b"".join(json.dumps({"id": "x" * 900, "text": text}).encode() + b"\n" for text in texts)


def _articles(texts: Iterable[str]) -> bytes:
    return "".join(f'<doc id="1" url="{"u" * 300}" title="t">\nt\n\n{text}\n</doc>\n' for text in texts).encode()


def _table(texts: Sequence[str]) -> bytes:
    sink = pyarrow.BufferOutputStream()
    table = pyarrow.table({"other": ["y" * 500] * len(texts), "text": list(texts)})
    pyarrow.parquet.write_table(table, sink, row_group_size=100)
    return bytes(sink.getvalue())


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.txt", lambda texts: "\n\n".join(texts).encode()),
        ("a.jsonl", _json_lines),
        ("wiki_00", _articles),
        ("a.parquet", _table),
    ],
)
def test_the_share_is_that_of_the_documents_whatever_stands_beside_their_text(
    tmp_path: Path, name: str, write: Callable[[Sequence[str]], bytes]
) -> None:
    (tmp_path / name).write_bytes(write(TEXTS))
    found = sample(CorpusSpec("c", (tmp_path / name,), language="zh"), tmp_path, characters=20_000)
    assert 100 < len(found.documents) < 500
    assert found.share == pytest.approx(len(found.documents) / len(TEXTS), rel=0.08)


def test_what_is_read_to_its_end_is_read_whole_also_where_its_size_is_a_guess(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(_json_lines(TEXTS)))
    found = sample(CorpusSpec("c", (tmp_path / "a.jsonl.gz",), language="zh"), tmp_path)
    assert (len(found.documents), found.share) == (len(TEXTS), 1.0)


def test_of_a_limited_corpus_the_share_is_that_of_the_limit(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(_json_lines(TEXTS))
    spec = CorpusSpec("c", (tmp_path / "a.jsonl",), language="zh", documents=500)
    found = sample(spec, tmp_path, characters=20_000)
    assert found.share == pytest.approx(len(found.documents) / 500)
