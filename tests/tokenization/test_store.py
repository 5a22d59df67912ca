"""The store builds each thing once, for what it is made of, also when two processes ask at the same time."""

import multiprocessing
import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from tokenization import corpus_identity, deciding, fingerprint, store
from tokenization.cleaning.contamination import KeptOut, KeptOutText
from tokenization.cleaning.spec import CleanSpec, Decontamination, NearDuplicates
from tokenization.errors import DataError, RecipeError
from tokenization.locking import locked
from tokenization.spec import CorpusSpec
from tokenization.store import Outlook, corpus_outlook, open_or_build_corpus
from tokenization.vocabulary import Tokenizer

Spec = Callable[..., CorpusSpec]
DOCUMENTS = [["a b.", "c."], ["d e f."], ["g."], ["h i.", "j."]]


@pytest.fixture
def no_building(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def forbid() -> None:
        def never(*_: object) -> None:
            raise AssertionError("built again")

        monkeypatch.setattr(store, "build_corpus", never)

    return forbid


def test_the_same_inputs_are_built_once(
    text_spec: Spec, letters: Tokenizer, tmp_path: Path, no_building: Callable[[], None]
) -> None:
    spec = text_spec(DOCUMENTS)
    first = open_or_build_corpus(spec, letters, tmp_path / "store")
    no_building()
    assert open_or_build_corpus(spec, letters, tmp_path / "store").fingerprint == first.fingerprint
    assert first.folder.parent == tmp_path / "store" / "corpora"
    assert first.folder.name.startswith("tiny-")


def test_a_moved_file_is_the_same_corpus(
    text_spec: Spec, letters: Tokenizer, tmp_path: Path, no_building: Callable[[], None]
) -> None:
    spec = text_spec(DOCUMENTS)
    first = open_or_build_corpus(spec, letters, tmp_path / "store")
    shutil.move(spec.files[0], tmp_path / "moved.txt")
    no_building()
    moved = open_or_build_corpus(replace(spec, files=(tmp_path / "moved.txt",)), letters, tmp_path / "store")
    assert moved.folder == first.folder


def test_whatever_changes_the_ids_or_bounds_makes_another_corpus(
    text_spec: Spec, letters: Tokenizer, tmp_path: Path
) -> None:
    spec = text_spec(DOCUMENTS)
    letters.save(tmp_path / "tokenizer")
    vocabulary = (tmp_path / "tokenizer" / "vocab.txt").read_text()
    (tmp_path / "other.txt").write_text(vocabulary + "ab\n")
    other = Tokenizer.load(tmp_path / "other.txt", lowercase=True)
    variants = [
        (spec, letters),
        (spec, other),
        *((replace(spec, **change), letters) for change in ({"documents": 2}, {"held_out": 0.4}, {"language": "zh"})),
    ]
    folders = {open_or_build_corpus(variant, tokenizer, tmp_path / "store").folder for variant, tokenizer in variants}
    assert len(folders) == len(variants)


def test_every_setting_that_changes_bytes_is_identity_and_no_other_is(
    text_spec: Spec, letters: Tokenizer, tmp_path: Path
) -> None:
    plain = text_spec(DOCUMENTS)
    (tmp_path / "rows.jsonl").write_text('{"text": "a b."}\n')
    (tmp_path / "public").mkdir()
    rows = replace(plain, files=(tmp_path / "rows.jsonl",))
    dataset = replace(plain, files=(tmp_path / "public",), format="dataset")
    keep_out = Decontamination(suites=("glue",))
    kept_out = [KeptOut([KeptOutText("t", "dev", "0", text)], keep_out) for text in ("a b c", "a b d")]

    def identity(spec: CorpusSpec, kept_out: KeptOut | None = None) -> dict[str, object]:
        return corpus_identity.corpus_identity(spec, letters, kept_out, tmp_path / "store")

    changes: list[dict[str, object]] = [
        {"weights": (2.0,)},
        {"splitter": "lines"},
        {"segmenter": "jieba"},
        {"format": "lines"},
        {"clean": CleanSpec(min_characters=2)},
        {"clean": CleanSpec(exact=True)},
        {"clean": CleanSpec(near=NearDuplicates(threshold=0.9))},
        {"clean": CleanSpec(near=NearDuplicates())},
    ]
    others = [
        rows, replace(rows, field="body"),
        dataset, *(replace(dataset, **change) for change in (
            {"field": "body"}, {"config": "small"}, {"split": "dev"}, {"streaming": True})),
    ]  # fmt: skip
    decontaminated = replace(plain, clean=CleanSpec(decontaminate=keep_out))
    found = [
        *(identity(spec) for spec in (plain, *(replace(plain, **change) for change in changes), *others)),
        *(identity(decontaminated, examples) for examples in kept_out),
    ]
    assert len(set(map(fingerprint.of_value, found))) == len(changes) + len(others) + 3
    for same in (
        {"skip_bad": True}, {"weights": (1.0,)}, {"lexicon": (tmp_path / "words.txt",)}, {"name": "other"},
        {"field": "body"}, {"config": "small"}, {"split": "dev"}, {"streaming": True},
    ):  # fmt: skip
        assert identity(replace(plain, **same)) == identity(plain), same


def test_the_same_files_and_weights_given_otherwise_to_each_other_are_another_corpus(
    letters: Tokenizer, tmp_path: Path
) -> None:
    for number, text in ((1, "a b."), (2, "c d e."), (3, "f.")):
        (tmp_path / f"a{number}.txt").write_text(text)

    def times(*files: str) -> list[int]:
        spec = CorpusSpec("c", tuple(tmp_path / file for file in files), weights=(2.0, 1.0), held_out=0.0)
        return open_or_build_corpus(spec, letters, tmp_path / "store").times_D.tolist()

    assert times("a[12].txt", "a3.txt") == [2, 2, 1]
    assert times("a1.txt", "a[23].txt") == [2, 1, 1]


def test_a_corpus_is_another_with_another_version_of_what_decides_it_and_of_nothing_else(
    text_spec: Spec, letters: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = text_spec(DOCUMENTS)
    specs = {
        "plain": plain,
        "zh": replace(plain, language="zh"),
        "words": replace(plain, segmenter="jieba"),
        "control": replace(plain, clean=CleanSpec(control=True)),
        "script": replace(plain, clean=CleanSpec(script_share=0.1)),
        "near": replace(plain, clean=CleanSpec(near=NearDuplicates())),
    }

    def prints() -> dict[str, str]:
        return {
            name: fingerprint.of_value(corpus_identity.corpus_identity(spec, letters, None, tmp_path / "store"))
            for name, spec in specs.items()
        }

    def changed_by(library: str, number: Callable[[str], str]) -> set[str]:
        before, real = prints(), deciding.version
        with monkeypatch.context() as patched:
            patched.setattr(deciding, "version", lambda name: number(real(name)) if name == library else real(name))
            return {name for name, found in prints().items() if found != before[name]}

    def patch(number: str) -> str:
        return ".".join([*number.split(".")[:2], "999"])

    def another(number: str) -> str:
        return f"999.{number}"

    everything = set(specs)
    assert changed_by("tokenizers", another) == everything
    assert changed_by("datasketch", another) == {"near"}
    assert changed_by("sentencex", patch) == everything - {"zh"}
    assert changed_by("jieba", patch) == {"words"}
    assert changed_by("tokenizers", patch) == changed_by("datasketch", patch) == changed_by("numpy", another) == set()
    before = prints()
    monkeypatch.setattr(deciding.unicodedata, "unidata_version", "99.0.0")
    assert {name for name, found in prints().items() if found != before[name]} == {"words", "control", "script", "near"}


@pytest.mark.parametrize(("name", "told"), [("jeiba", "not one of jieba"), ("numpy", "not one of"), ("rjieba", "pip")])
def test_a_segmenter_that_is_not_there_is_told_before_anything_is_built(
    text_spec: Spec, letters: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, told: str
) -> None:
    def without_rjieba(library: str) -> str:
        if library == "rjieba":
            raise PackageNotFoundError(library)
        return "1.0"

    monkeypatch.setitem(sys.modules, "rjieba", None)
    monkeypatch.setattr(deciding, "version", without_rjieba)
    with pytest.raises(RecipeError, match=told):
        open_or_build_corpus(text_spec(DOCUMENTS, segmenter=name), letters, tmp_path / "store")
    assert not (tmp_path / "store" / "corpora").exists()


def test_the_outlook_compares_with_the_nearest_corpus_of_that_name(
    text_spec: Spec, letters: Tokenizer, tmp_path: Path
) -> None:
    spec, place = text_spec(DOCUMENTS), tmp_path / "store"
    assert corpus_outlook(spec, letters, place) == Outlook("start", "not tokenised yet")
    for built in (spec, replace(spec, held_out=0.3, language="de", documents=3)):
        open_or_build_corpus(built, letters, place)
    before = sorted(place.rglob("*"))
    assert corpus_outlook(spec, letters, place).action == "skip"
    now = corpus_outlook(replace(spec, held_out=0.3, documents=3), letters, place)
    assert (now.action, now.why.splitlines()[1:]) == ("start", ['  language: "de" then, "en" now'])
    assert sorted(place.rglob("*")) == before


def test_an_edited_file_makes_another_corpus(text_spec: Spec, letters: Tokenizer, tmp_path: Path) -> None:
    spec = text_spec(DOCUMENTS)
    os.utime(spec.files[0], (1_000_000, 1_000_000))
    first = open_or_build_corpus(spec, letters, tmp_path / "store")
    spec.files[0].write_text(spec.files[0].read_text().replace("a", "z"))
    second = open_or_build_corpus(spec, letters, tmp_path / "store")
    assert second.folder != first.folder
    assert second.tokens(0, 1).tolist() == [30]


def test_a_files_hash_is_remembered_but_not_while_it_is_fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, fresh = tmp_path / "old.txt", tmp_path / "fresh.txt"
    for file in (old, fresh):
        file.write_text("text")
    os.utime(old, (1_000_000, 1_000_000))
    read: list[str] = []
    whole = fingerprint.of_file
    monkeypatch.setattr(fingerprint, "of_file", lambda path: read.append(path.name) or whole(path))
    for _ in range(2):
        assert (
            corpus_identity.file_hash(old, tmp_path / "store")
            == corpus_identity.file_hash(fresh, tmp_path / "store")
            == whole(old)
        )
    assert read == ["old.txt", "fresh.txt", "fresh.txt"]
    next((tmp_path / "store" / "hashes").iterdir()).write_text("{broken")
    assert corpus_identity.file_hash(old, tmp_path / "store") == whole(old)


def test_a_damaged_corpus_in_the_store_is_named(text_spec: Spec, letters: Tokenizer, tmp_path: Path) -> None:
    spec = text_spec(DOCUMENTS)
    folder = open_or_build_corpus(spec, letters, tmp_path / "store").folder
    (folder / "ids-00000.bin").write_bytes(b"")
    with pytest.raises(DataError, match=r"ids-00000\.bin: cut short: 0 bytes"):
        open_or_build_corpus(spec, letters, tmp_path / "store")


def build_slowly(spec: CorpusSpec, tokenizer_folder: Path, folder: Path, results: "multiprocessing.Queue[str]") -> None:
    real = store.build_corpus

    def slow(*arguments: object, **settings: object) -> object:
        results.put("built")
        time.sleep(0.5)
        return real(*arguments, **settings)  # type: ignore[arg-type]

    store.build_corpus = slow  # type: ignore[assignment]
    corpus = open_or_build_corpus(spec, Tokenizer.load(tokenizer_folder), folder)
    results.put(corpus.fingerprint)


def test_two_processes_build_one_corpus_between_them(text_spec: Spec, letters: Tokenizer, tmp_path: Path) -> None:
    letters.save(tmp_path / "tokenizer")
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[str] = context.Queue()
    arguments = (text_spec(DOCUMENTS), tmp_path / "tokenizer", tmp_path / "store", results)
    processes = [context.Process(target=build_slowly, args=arguments) for _ in range(2)]
    for process in processes:
        process.start()
    told = [results.get(timeout=60) for _ in range(3)]
    for process in processes:
        process.join(timeout=60)
        assert process.exitcode == 0
    assert told.count("built") == 1
    assert len(set(told)) == 2


def hold(path: Path, ready: "multiprocessing.synchronize.Event") -> None:
    with locked(path):
        ready.set()
        time.sleep(60)


def test_a_lock_names_its_holder_and_dies_with_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    holder = context.Process(target=hold, args=(tmp_path / "lock", ready))
    holder.start()
    assert ready.wait(60)
    told: list[str] = []

    def on_wait(line: str) -> None:
        told.append(line)
        holder.kill()

    with locked(tmp_path / "lock", on_wait):
        assert f"process {holder.pid}," in told[0]
    holder.join()
