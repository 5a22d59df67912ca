"""A stream comes to disk as numbered blocks, once; interrupted, it goes on after the last whole one."""

import json
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import datasets
import pytest

from tokenization.errors import DataError
from tokenization.reading import spool
from tokenization.reading.blocks import plan_blocks
from tokenization.reading.documents import read_block
from tokenization.reading.faults import Faults
from tokenization.reading.readers import read_documents
from tokenization.reading.spool import spooled
from tokenization.spec import CorpusSpec

ROWS = [f"text {row} " * (row % 4) for row in range(100)]
SIZE = 200


@pytest.fixture
def spec(tmp_path: Path) -> CorpusSpec:
    folder = tmp_path / "data"
    folder.mkdir()
    for part in range(2):
        rows = ROWS[part * 50 : part * 50 + 50]
        lines = "".join(json.dumps({"id": part, "text": row or None}) + "\n" for row in rows)
        (folder / f"{part}.jsonl").write_text(lines)
    return CorpusSpec("c", (folder,), format="dataset", streaming=True)


def place(spec: CorpusSpec) -> str:
    return str(spec.files[0])


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.glob("spools/*/*")}


def test_a_stream_gives_its_documents_through_blocks_on_disk(spec: CorpusSpec, tmp_path: Path) -> None:
    blocks = plan_blocks(spec, tmp_path, 50)
    texts = [document.text for block in blocks for document in read_block(spec, block, Faults())]
    assert texts == [row.strip() for row in ROWS if row]
    assert [document.text for document in read_documents(spec, store=tmp_path)] == texts
    assert sorted(contents(tmp_path)) == ["block-00000.parquet", "complete.json"]


def test_a_finished_spool_is_not_streamed_again(
    spec: CorpusSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = list(spooled(spec, place(spec), tmp_path, size=SIZE))
    assert [file.name for file in files] == [f"block-{number:05d}.parquet" for number in range(len(files))]
    assert len(files) > 3
    monkeypatch.setattr(spool, "open_dataset", None)
    assert list(spooled(spec, place(spec), tmp_path, size=SIZE)) == files


def breaking(at: int) -> Callable[..., Any]:
    """Opens the stream so that it breaks off at a row of the whole."""

    class Stream:
        def __init__(self, rows: Any) -> None:
            self._rows = rows

        def skip(self, done: int) -> Any:
            yield from islice(self._rows.skip(done), at - done)
            raise ConnectionError("the other side went away")

    real = spool.open_dataset
    return lambda spec, place, streaming: Stream(real(spec, place, streaming=streaming))


@pytest.mark.parametrize("at", [0, 1, 33, 99])
def test_a_stream_that_broke_off_goes_on_and_leaves_the_same_bytes(
    spec: CorpusSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    list(spooled(spec, place(spec), tmp_path / "whole", size=SIZE))
    monkeypatch.setattr(spool, "open_dataset", breaking(at))
    with pytest.raises(DataError, match=rf"the stream broke off at row {at}: ConnectionError: the other side"):
        list(spooled(spec, place(spec), tmp_path / "again", size=SIZE))
    assert "complete.json" not in contents(tmp_path / "again")
    monkeypatch.undo()
    number = len(contents(tmp_path / "again"))
    folder = next((tmp_path / "whole" / "spools").iterdir()).name
    left_by_a_kill = tmp_path / "again" / "spools" / folder / f".aside-block-{number:05d}.parquet"
    left_by_a_kill.parent.mkdir(parents=True, exist_ok=True)
    left_by_a_kill.write_bytes(b"PAR1 half a bl")
    list(spooled(spec, place(spec), tmp_path / "again", size=SIZE))
    assert contents(tmp_path / "again") == contents(tmp_path / "whole")


def test_who_needs_the_first_documents_spools_no_more_and_who_needs_all_goes_on(
    spec: CorpusSpec, tmp_path: Path
) -> None:
    list(spooled(spec, place(spec), tmp_path / "whole", size=SIZE))
    next(spooled(spec, place(spec), tmp_path / "few", size=SIZE))
    assert list(contents(tmp_path / "few")) == ["block-00000.parquet"]
    list(spooled(spec, place(spec), tmp_path / "few", size=SIZE))
    assert contents(tmp_path / "few") == contents(tmp_path / "whole")


def test_changed_files_are_spooled_anew(spec: CorpusSpec, tmp_path: Path) -> None:
    first = list(spooled(spec, place(spec), tmp_path, size=SIZE))
    (Path(place(spec)) / "0.jsonl").write_text('{"id": 0, "text": "another"}\n')
    second = list(spooled(spec, place(spec), tmp_path, size=SIZE))
    assert first[0].parent != second[0].parent


def test_a_stream_without_the_column_is_named_beside_those_that_are_there(spec: CorpusSpec, tmp_path: Path) -> None:
    lacking = CorpusSpec("c", spec.files, format="dataset", streaming=True, field="body")
    with pytest.raises(DataError, match="no column 'body'; there are: 'id', 'text'"):
        plan_blocks(lacking, tmp_path)


def test_a_broken_row_far_down_a_stream_is_an_error_of_the_data(tmp_path: Path) -> None:
    good = json.dumps({"id": 0, "text": "x" * 1_000_000}) + "\n"
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "c.jsonl").write_text(good * 12 + '{"id": 0, "text": \n')  # 10 MiB are read at once
    spec = CorpusSpec("c", (tmp_path / "data",), format="dataset", streaming=True)
    with pytest.raises(DataError, match=r"the stream broke off at row (?!0)\d+: \w+: "):
        list(spooled(spec, place(spec), tmp_path))


def test_a_saved_dataset_can_be_streamed_too(tmp_path: Path) -> None:
    datasets.Dataset.from_dict({"text": ROWS}).save_to_disk(tmp_path / "saved")
    spec = CorpusSpec("c", (tmp_path / "saved",), format="dataset", streaming=True)
    assert [document.text for document in read_documents(spec, store=tmp_path)] == [row.strip() for row in ROWS if row]
