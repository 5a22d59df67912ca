"""The tokenising benchmark: its blocks are the corpus, and it would see an id that differs."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.tokenise import measure
from benchmarks.tokenise_arms import CANDIDATES, ShardsArm, Text, differing_documents, map_arm
from tokenization.building.finish import REPORT
from tokenization.manifest import MANIFEST, read_manifest
from tokenization.tokenizer_files import SPECIALS

VOCABULARY = [*SPECIALS, "a", "b", "##b", "."]


@pytest.fixture
def text(tmp_path: Path) -> Text:
    rows = [f"a b{'b' * (number % 3)}. [SEP] a" for number in range(23)]
    pq.write_table(pa.table({"text": rows}), tmp_path / "corpus.parquet")
    (tmp_path / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")
    return Text("toy", Path("corpus.parquet"), Path("vocab.txt"), True, "en", 1.0)


def test_the_blocks_are_the_corpus_each_document_once(text: Text, tmp_path: Path) -> None:
    blocks = text.blocks(tmp_path, 5, None)
    whole = pq.read_table(tmp_path / "corpus.parquet")["text"].to_pylist()
    assert sorted(document for block in blocks for document in block) == sorted(whole)
    assert sum(map(len, text.blocks(tmp_path, 5, 12))) == 12


def test_every_candidate_of_the_peer_gives_our_ids(text: Text, tmp_path: Path) -> None:
    [block] = text.blocks(tmp_path, 1, None)
    for flags in CANDIDATES:
        peer = map_arm(text, tmp_path, [block], flags)
        assert peer.run_block() == sum(map(len, block)) / 1e6
        assert peer.found is not None
        assert differing_documents(text.tokenizer(tmp_path).encode_flat(block), peer.found) == 0


def test_documents_that_differ_are_counted() -> None:
    ours = np.array([1, 2, 3, 4, 5]), np.array([2, 0, 3])
    assert differing_documents(ours, ours) == 0
    assert differing_documents(ours, (np.array([1, 9, 3, 9, 9]), ours[1])) == 2
    assert differing_documents(ours, (ours[0], np.array([1, 1, 3]))) == 2


def test_a_measurement_holds_every_arm(text: Text, tmp_path: Path) -> None:
    found = measure(text, tmp_path, 2, None)
    assert found["documents"] == 23
    assert found["differing_documents"] == 0
    assert [len(arm["per_second"]) for arm in found["arms"].values()] == [2, 2, 2]


def test_what_lies_on_disk_is_counted_with_all_its_tokens(text: Text, tmp_path: Path) -> None:
    blocks = text.blocks(tmp_path, 2, None)
    arm = ShardsArm(blocks, text, text.tokenizer(tmp_path), tmp_path)
    for _ in blocks:
        arm.run_block()
    folders = [folder for turn in range(2) for folder in (tmp_path / f"store-{turn}" / "corpora").iterdir()]
    sizes = [file.bytes for folder in folders for file in read_manifest(folder).files]
    beside = [(folder / name).stat().st_size for folder in folders for name in (MANIFEST, REPORT)]
    assert arm.bytes == sum(sizes) + sum(beside)
    assert arm.tokens == sum(map(len, text.tokenizer(tmp_path).encode([row for block in blocks for row in block])))
