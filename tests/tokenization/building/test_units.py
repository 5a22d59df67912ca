"""A build goes on with the units that it began with; what was done under another cut never counts as done."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.plain_corpus import span
from tokenization.building import units
from tokenization.building.finish import finish
from tokenization.building.runners import in_this_process
from tokenization.building.unit import build_unit
from tokenization.building.work import Work, prepare, units_done
from tokenization.corpus import Corpus
from tokenization.corpus_build import build
from tokenization.spec import CorpusSpec
from tokenization.vocabulary import Tokenizer

WorkOf = Callable[..., Work]


def whole(work: Work) -> Corpus:
    build(work, in_this_process)
    return finish(work)


def tokens(corpus: Corpus) -> list[int]:
    documents = range(corpus.manifest.counts.documents)
    return [number for document in documents for number in corpus.tokens(*span(corpus, document)).tolist()]


def again(work: Work, **changes: object) -> Work:
    """Asked once more, by whoever goes on."""
    return prepare(
        dataclasses.replace(work.spec, **changes), work.tokenizer, work.target, work.target.parent, work.identity
    )


def test_a_build_goes_on_with_the_sizes_of_units_that_it_began_with(work_of: WorkOf, documents: list[str]) -> None:
    expected = whole(work_of(documents, target="plain"))
    work = work_of(documents)
    build_unit(work, 1)
    later = work_of(documents, unit_bytes=400)
    assert (later.units, units_done(work.target)) == (work.units, (1, len(work.units)))
    assert whole(later).fingerprint == expected.fingerprint


def test_a_plan_is_read_and_not_made_again_by_those_who_come_later(
    work_of: WorkOf, documents: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    work = again(work_of(documents), documents=30)
    assert work.units[-1][-1].documents == 10
    monkeypatch.delattr(units, "plan_blocks")
    assert again(work).units == work.units


def test_units_of_a_stream_are_not_taken_for_those_of_its_dataset(letters: Tokenizer, tmp_path: Path) -> None:
    rows = [f"a{'b' * (row % 7)} {'cd ' * (row % 5)}." for row in range(80)]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rows.jsonl").write_text("".join(json.dumps({"text": row}) + "\n" for row in rows))
    spec = CorpusSpec("c", (tmp_path / "data",), format="dataset", streaming=True)
    work = prepare(spec, letters, tmp_path / "out", tmp_path, {}, unit_bytes=100)
    build_unit(work, 0)
    build_unit(work, len(work.units) - 1)
    later = again(work, streaming=False)
    assert units_done(work.target) == (0, len(later.units))
    corpus = whole(later)
    assert tokens(corpus) == letters.encode_flat(rows)[0].tolist()
    assert len(list(corpus.folder.glob("ids-*"))) == len(corpus.manifest.shards)


def test_a_file_that_is_moved_amid_a_build_loses_no_unit(work_of: WorkOf, documents: list[str], tmp_path: Path) -> None:
    work = work_of(documents)
    build_unit(work, 0)
    for name in ("one.txt", "two.txt"):
        shutil.move(tmp_path / name, tmp_path / f"moved-{name}")
    later = prepare(
        dataclasses.replace(work.spec, files=(tmp_path / "moved-one.txt", tmp_path / "moved-two.txt")),
        work.tokenizer, work.target, tmp_path, {}, unit_bytes=1400,
    )  # fmt: skip
    assert units_done(work.target) == (1, len(work.units))
    assert tokens(whole(later)) == tokens(whole(work_of(documents, target="plain")))
