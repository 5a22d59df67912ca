"""Rows on the disk: what was put comes back bit for bit, whole shards or none."""

from pathlib import Path

import numpy as np
import pytest

from pipeline import vector_shelf
from pipeline.vector_shelf import VectorShelf
from tokenization.errors import CheckpointError

LUCK = np.random.default_rng(1)
ENTRIES = {bytes([n]) * 16: LUCK.normal(size=(3, 1 + n, 5)).astype(np.float32) for n in range(6)}


def filled(folder: Path) -> VectorShelf:
    shelf = VectorShelf(folder, keep=True)
    for address, rows_KAD in ENTRIES.items():
        shelf.put(address, rows_KAD)
    return shelf


def assert_holds(shelf: VectorShelf) -> None:
    assert len(shelf) == len(ENTRIES)
    for address, rows_KAD in ENTRIES.items():
        found = shelf.get(address)
        assert found is not None
        assert np.array_equal(found, rows_KAD)
    assert shelf.get(b"elsewhere" * 2) is None


@pytest.mark.parametrize("bytes_of_a_shard", [1, 200, 1 << 20])
def test_what_is_put_comes_back_from_memory_and_from_the_disk(
    tmp_path: Path, bytes_of_a_shard: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_shelf, "SHARD_BYTES", bytes_of_a_shard)
    shelf = filled(tmp_path / "rows")
    assert_holds(shelf)
    shelf.flush()
    assert_holds(shelf)
    again = VectorShelf(tmp_path / "rows", keep=False)
    assert_holds(again)
    assert again.added == 0
    shards = len(list((tmp_path / "rows").iterdir()))
    assert shards == {1: 6, 200: 4, 1 << 20: 1}[bytes_of_a_shard]


def test_a_shelf_that_is_only_read_keeps_nothing(tmp_path: Path) -> None:
    shelf = VectorShelf(tmp_path / "rows", keep=False)
    shelf.put(b"a" * 16, np.zeros((1, 1, 2), dtype=np.float32))
    shelf.flush()
    assert shelf.get(b"a" * 16) is None
    assert not (tmp_path / "rows").exists()


def test_a_shard_that_was_cut_short_is_told_with_what_to_do(tmp_path: Path) -> None:
    filled(tmp_path).flush()
    (shard,) = tmp_path.iterdir()
    shard.write_bytes(shard.read_bytes()[:-10])
    with pytest.raises(CheckpointError, match=r"remove it, and its rows are computed anew"):
        VectorShelf(tmp_path, keep=False)
