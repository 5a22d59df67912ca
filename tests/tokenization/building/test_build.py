"""What a corpus holds depends neither on who did its units, nor on their order, nor on how often one was done."""

import json
import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.plain_corpus import span
from tokenization.building import pulse
from tokenization.building import unit as unit_module
from tokenization.building.finish import REPORT, finish
from tokenization.building.runners import OnDone, ProcessRunner, Task, in_this_process
from tokenization.building.unit import build_unit, sketch_unit
from tokenization.building.work import Work, units_done
from tokenization.cleaning.documents import EXACT_DUPLICATE, MIN_CHARACTERS, NEAR_DUPLICATE
from tokenization.cleaning.report import CleaningReport
from tokenization.cleaning.spec import CleanSpec, NearDuplicates
from tokenization.corpus import Corpus
from tokenization.corpus_build import Part, build, build_part
from tokenization.errors import DataError, RecipeError
from tokenization.held_out import content_hash, held_out_bound
from tokenization.vocabulary import Tokenizer

WorkOf = Callable[..., Work]
CLEAN = CleanSpec(min_characters=5, exact=True, near=NearDuplicates(permutations=32))


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def ids(corpus: Corpus) -> list[list[int]]:
    return [corpus.tokens(*span(corpus, number)).tolist() for number in range(corpus.manifest.counts.documents)]


def shuffled_twice(task: Task, units: Sequence[int], on_done: OnDone) -> None:
    """Every unit two times, in another order."""
    order = [*units, *units]
    random.Random(1).shuffle(order)
    in_this_process(task, order, on_done)


def test_neither_the_workers_nor_the_order_of_units_nor_repeating_one_changes_a_byte(
    work_of: WorkOf, documents: list[str]
) -> None:
    documents = [*documents, documents[3], "a.", documents[5] + " j."]
    found = []
    for number, runner in enumerate((in_this_process, shuffled_twice, ProcessRunner(2))):
        work = work_of(documents, target=f"out-{number}", clean=CLEAN)
        assert len(work.units) > 3
        build(work, runner)
        found.append(content(finish(work).folder))
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("unit_bytes", [400, 2000, 10**6])
def test_documents_and_their_order_do_not_depend_on_where_units_are_cut(
    work_of: WorkOf, documents: list[str], letters: Tokenizer, unit_bytes: int
) -> None:
    work = work_of([*documents, documents[3], "a."], unit_bytes, clean=CLEAN, held_out=0.1)
    build(work, in_this_process)
    corpus = finish(work)
    assert ids(corpus) == [np.concatenate(letters.encode(text.split("\n"))).tolist() for text in documents]
    hashes = np.array([content_hash(text) for text in documents], dtype=np.uint64)
    chosen = hashes < np.uint64(held_out_bound([hashes], 0.1))
    assert corpus.is_held_out_D.tolist() == chosen.tolist()
    assert chosen.any()
    assert len(corpus.manifest.shards) == len(work.units)


def test_a_unit_done_by_two_at_the_same_time_is_one_unit(
    work_of: WorkOf, documents: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second does all of the unit between the last byte and the first rename of the first."""
    work, plain = work_of(documents), work_of(documents, target="plain")
    build(plain, in_this_process)
    flush = "tokenization.building.unit.atomic.flush"
    with monkeypatch.context() as patched:

        def meanwhile(_: Path) -> None:
            patched.undo()
            build_unit(work, 0)

        patched.setattr(flush, meanwhile)
        build_unit(work, 0)
    build(work, in_this_process)
    assert content(finish(work).folder) == content(finish(plain).folder)


def test_what_cleaning_drops_is_counted_and_told_with_examples(work_of: WorkOf, documents: list[str]) -> None:
    work = work_of([documents[0], "a.", *documents[1:], documents[3], documents[5] + " j."], clean=CLEAN)
    build(work, in_this_process)
    corpus = finish(work)
    report = CleaningReport.from_json(json.loads((corpus.folder / REPORT).read_text()))
    dropped = {name: (reason.documents, reason.examples[0].origin) for name, reason in report.reasons.items()}
    assert {name: count for name, (count, _) in dropped.items()} == {
        MIN_CHARACTERS: 1,
        EXACT_DUPLICATE: 1,
        NEAR_DUPLICATE: 1,
    }
    assert "one.txt" in dropped[MIN_CHARACTERS][1]
    assert "two.txt" in dropped[EXACT_DUPLICATE][1]
    assert (report.documents, corpus.manifest.counts.dropped, corpus.manifest.counts.documents) == (43, 3, 40)


@pytest.mark.parametrize("unit_bytes", [400, 10**6])
def test_of_a_duplicate_is_told_where_the_kept_document_stands(
    work_of: WorkOf, documents: list[str], unit_bytes: int
) -> None:
    texts = ["a.", *documents, *documents[30:], documents[5] + " j."]
    work = work_of(texts, unit_bytes, clean=CLEAN)
    build(work, in_this_process)
    report = json.loads((finish(work).folder / REPORT).read_text())
    examples = {each["reason"]: [example["detail"] for example in each["examples"]] for each in report["dropped"]}
    second = "\n\n".join(texts[len(texts) // 2 :])
    assert examples[EXACT_DUPLICATE] == [
        f"equal to {work.spec.files[1]} byte {second.index(text)}" for text in documents[30:35]
    ]
    at = "\n\n".join(texts).index(documents[5])
    assert f"those of {work.spec.files[0]} byte {at} are shared" in examples[NEAR_DUPLICATE][0]


def test_what_cleaning_changes_is_counted_in_the_documents_that_stay(work_of: WorkOf, documents: list[str]) -> None:
    texts = [
        "\x02\x01",
        "\x01" + documents[0],
        *documents[1:20],
        *documents[20:38],
        "cafe\u0301\u200b b.",
        documents[1],
    ]
    for number, unit_bytes in enumerate((400, 10**6)):
        clean = CleanSpec(control=True, unicode="NFC", exact=True, script_share=0.1)
        work = work_of(texts, unit_bytes, target=f"out-{number}", clean=clean)
        build(work, in_this_process)
        report = json.loads((finish(work).folder / REPORT).read_text())
        assert report["changed"] == {
            "control": {"documents": 2, "characters": 2},
            "unicode": {"documents": 1, "characters": 2},
        }
        assert [(each["reason"], each["documents"]) for each in report["dropped"]] == [
            ("script_share", 0),
            ("exact_duplicate", 1),
            ("min_characters", 1),
        ]


def test_a_unit_tells_how_far_it_is_where_the_build_was_called_and_is_silent_in_other_processes(
    work_of: WorkOf, documents: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse, "SECONDS", 0.0)
    for runner, is_told in ((in_this_process, True), (ProcessRunner(2), False)):
        lines: list[str] = []
        work = work_of(documents, target=f"out-{is_told}", clean=CLEAN)
        build(work, runner, lambda line, told=lines: told.append(line))  # type: ignore[misc]
        sketched, tokenised = (
            [line for line in lines if re.fullmatch(rf"corpus c: [\d,]+ documents{more} of unit 0", line)]
            for more in ("", r", [\d,]+ tokens")
        )
        assert bool(sketched) == bool(tokenised) == is_told


def test_parts_do_their_units_and_no_others_and_together_make_the_corpus(work_of: WorkOf, documents: list[str]) -> None:
    work, plain = work_of(documents), work_of(documents, target="plain")
    build(plain, in_this_process)
    parts = [Part(number, 3) for number in range(3)]
    for part in parts:
        before = set(work.unfinished())
        assert build_part(work, part, in_this_process)
        assert {unit for unit in before if unit % 3 == part.number} == before - set(work.unfinished())
    assert work.unfinished() == []
    assert content(finish(work).folder) == content(finish(plain).folder)


def test_parts_that_drop_duplicates_sketch_first_and_tokenise_when_all_have_sketched(
    work_of: WorkOf, documents: list[str]
) -> None:
    texts = [*documents, *documents[:9]]
    work, plain = work_of(texts, clean=CLEAN), work_of(texts, target="plain", clean=CLEAN)
    build(plain, in_this_process)
    parts = [Part(number, 2) for number in range(2)]
    assert [build_part(work, part, in_this_process) for part in parts] == [False, True]
    assert work.unfinished() == [unit for unit in range(len(work.units)) if unit % 2 == 0]
    assert build_part(work, parts[0], in_this_process)
    assert content(finish(work).folder) == content(finish(plain).folder)


@pytest.mark.parametrize("before", ["tokenised", "_publish", "write_sketches", None])
def test_a_part_ends_well_if_the_corpus_is_finished_by_another_process_under_its_hands(
    work_of: WorkOf, documents: list[str], monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    """`before` names the step of a unit before which the other finishes; None: before the unit is begun."""
    texts = [*documents, *documents[:9]]
    work, plain = work_of(texts, clean=CLEAN), work_of(texts, target="plain", clean=CLEAN)
    build(plain, in_this_process)
    whole = content(finish(plain).folder)

    def finish_it() -> None:
        monkeypatch.undo()
        build(work, in_this_process)
        finish(work)

    def interrupted(task: Task, units: Sequence[int], on_done: OnDone) -> None:
        if before is None:
            finish_it()
        in_this_process(task, units, on_done)

    if before is not None:
        step = getattr(unit_module, before)
        monkeypatch.setattr(unit_module, before, lambda *given: (finish_it(), step(*given))[1])
    if before != "write_sketches":
        for number in range(len(work.units)):
            sketch_unit(work, number)
    assert build_part(work, Part(0, 1), interrupted)
    assert work.unfinished() == []
    assert content(work.target) == whole


@pytest.mark.parametrize("part", [(3, 3), (-1, 3), (0, 0)])
def test_a_part_that_there_is_not_is_refused(part: tuple[int, int]) -> None:
    with pytest.raises(RecipeError, match=f"part {part[0]}/{part[1]}"):
        Part(*part)


@pytest.mark.parametrize("runner", [in_this_process, ProcessRunner(2)])
def test_malformed_input_stops_the_build_or_is_counted_and_listed(
    work_of: WorkOf, documents: list[str], runner: ProcessRunner
) -> None:
    works = [work_of(documents, skip_bad=skip_bad) for skip_bad in (False, True)]
    file = works[0].spec.files[1]
    assert isinstance(file, Path)
    file.write_bytes(file.read_bytes().replace(b"a", b"\xff", 1))
    with pytest.raises(DataError, match=r"two\.txt.* not UTF-8"):
        build(works[0], runner)
    done = units_done(works[0].target)
    build(works[1], runner)
    assert done is not None
    assert 0 < done[0] < done[1]
    manifest = finish(works[1]).manifest
    assert manifest.counts.bad >= 1
    assert any("malformed input were skipped" in note and "two.txt" in note for note in manifest.notes)
