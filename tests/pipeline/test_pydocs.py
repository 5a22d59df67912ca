"""The data folder as a whole, made of small hand-written packages; nothing of the installation is read."""

import json
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.pydocs.__main__ import main
from pipeline.pydocs.heldout import is_held_out
from pipeline.pydocs.identity import key
from pipeline.pydocs.package_task import Mask
from pipeline.pydocs.sources import Plan
from pipeline.pydocs.write import write
from tokenization.errors import DataError, RunError

PLAN = Plan(classes=("alphapkg", "betapkg"), domain=("betapkg",), more=("absentpkg",))
SUBJECTS = ("river", "stone", "cloud", "table", "window", "garden", "engine", "letter", "mirror", "candle")
LETTERS = "abcdefghijklmnopqrst"


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    for package in PLAN.classes:
        make_package(tmp_path / "site", package)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return PLAN


def make_package(site: Path, package: str) -> None:
    """Forty modules that refuse to be imported; each shares one paragraph with every other one."""
    (site / package).mkdir(parents=True)
    for number in range(40):
        name = "__init__" if number == 0 else f"{LETTERS[number // 2]}{number % 2}"
        (site / package / f"{name}.py").write_text(module_source(package, number))


def module_source(package: str, number: int) -> str:
    functions = "\n".join(function_source(package, number, subject) for subject in SUBJECTS)
    about = f"How {package} handles {LETTERS[number // 2]}{number % 2 * 'x'} things, in a few words."
    return f'"""{about}"""\nraise ImportError("documentation is read, never run")\n\n{functions}'


def function_source(package: str, number: int, subject: str) -> str:
    # letters, since texts that differ by digits alone count as one
    mark = f"{package[0]}{LETTERS[number // 2]}{'xy'[number % 2]}{subject}"
    return f'''
def {subject}_{mark}(depth_limit, kind: str = "{mark}"):
    """Turn the {subject} into {mark} form.

    The {package}.tools.{mark} of every {subject} is a list that depth_limit bounds, else ValueError is raised
    by the function which was asked to turn the {mark} into another one.

    A paragraph that every function of every module repeats, with as many words as a long one has.

    Parameters
    ----------
    depth_limit : int
        How deep the {mark} may go before it stops.
    """
'''


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / name).read_text(encoding="utf-8").splitlines()]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_everything_is_written_and_nothing_is_imported(plan: Plan, tmp_path: Path) -> None:
    before = set(sys.modules)
    written = write(tmp_path / "data", jobs=1, plan=plan)
    assert not {name for name in set(sys.modules) - before if name.startswith(PLAN.classes)}
    assert set(contents(written.folder)) == {
        "manifest.json",
        "general/alphapkg.jsonl",
        "domain/betapkg.jsonl",
        "tasks/package/train.jsonl",
        "tasks/package/dev.jsonl",
        "tasks/signature/train.jsonl",
        "tasks/signature/dev.jsonl",
        "tasks/signature/dev_hard.jsonl",
        "tasks/terms/train.jsonl",
        "tasks/terms/dev.jsonl",
    }
    assert written.manifest["missing_packages"] == ["absentpkg"]
    assert written.manifest["modules"]["held_out"] > 0


def test_documents_are_lines_of_paragraphs_and_a_long_paragraph_comes_once(plan: Plan, tmp_path: Path) -> None:
    folder = write(tmp_path / "data", jobs=1, plan=plan).folder
    documents = rows(folder, "general/alphapkg.jsonl")
    first = documents[0]["text"].split("\n")
    assert documents[0]["module"] == "alphapkg.a1"  # the package's own docstring happens to be held out
    assert first[:3] == [
        "How alphapkg handles ax things, in a few words.",
        "alphapkg.a1.river_aayriver(depth_limit, kind: str='aayriver')",
        "Turn the river into aayriver form.",
    ]
    repeated = sum(document["text"].count("A paragraph that every function") for document in documents)
    assert repeated == 1


def test_no_text_of_a_held_out_module_is_in_a_corpus_or_in_training(plan: Plan, tmp_path: Path) -> None:
    folder = write(tmp_path / "data", jobs=1, plan=plan).folder
    documents = rows(folder, "general/alphapkg.jsonl") + rows(folder, "domain/betapkg.jsonl")
    assert not [document["module"] for document in documents if is_held_out(document["module"])]
    seen = {key(line) for document in documents for line in document["text"].split("\n")}
    for task, column in (("package", "text"), ("signature", "summary"), ("terms", "words")):
        train = {text_key(row[column]) for row in rows(folder, f"tasks/{task}/train.jsonl")}
        dev = {text_key(row[column]) for row in rows(folder, f"tasks/{task}/dev.jsonl")}
        assert train
        assert dev
        assert not dev & (train | seen)


def text_key(value: str | list[str]) -> str:
    return key(value if isinstance(value, str) else " ".join(value))


def test_the_paragraph_that_both_sides_share_is_counted_and_dropped_from_dev(plan: Plan, tmp_path: Path) -> None:
    written = write(tmp_path / "data", jobs=1, plan=plan)
    assert written.manifest["tasks"]["package"]["dev_rows_dropped_for_overlap"] >= 1
    dev = rows(written.folder, "tasks/package/dev.jsonl")
    assert not [row for row in dev if row["text"].startswith("A paragraph that every")]


def test_labels_of_the_pair_task_are_even_and_each_side_is_spread_alike(plan: Plan, tmp_path: Path) -> None:
    folder = write(tmp_path / "data", jobs=1, plan=plan).folder
    for name in ("train", "dev", "dev_hard"):
        pairs = rows(folder, f"tasks/signature/{name}.jsonl")
        labels = Counter(row["label"] for row in pairs)
        assert abs(labels["match"] - labels["mismatch"]) <= 2
        assert max(Counter(row["signature"] for row in pairs).values()) == 1
        for row in pairs:
            mark = row["summary"].split()[-2]
            assert (row["label"] == "match") == (mark in row["signature"])


def test_mismatches_come_from_another_package_and_hard_ones_from_the_same_module(plan: Plan, tmp_path: Path) -> None:
    folder = write(tmp_path / "data", jobs=1, plan=plan).folder
    for name, length, equal in (("dev", 1, False), ("dev_hard", 3, True)):
        for row in rows(folder, f"tasks/signature/{name}.jsonl"):
            if row["label"] == "mismatch":
                mark, other = row["summary"].split()[-2], row["signature"].split("(")[0].split("_")[1]
                assert (mark[:length] == other[:length]) == equal


def test_words_are_tagged_as_parameters_types_and_exceptions(plan: Plan, tmp_path: Path) -> None:
    folder = write(tmp_path / "data", jobs=1, plan=plan).folder
    found = Counter()
    for row in rows(folder, "tasks/terms/train.jsonl"):
        assert len(row["words"]) == len(row["tags"])
        found.update((word, tag) for word, tag in zip(row["words"], row["tags"], strict=True))
    tags = {word: {tag for (seen, tag) in found if seen == word} for word in ("depth_limit", "int", "list", "deep")}
    assert tags == {"depth_limit": {"B-PARAM"}, "int": {"B-TYPE"}, "list": {"B-TYPE"}, "deep": {"O"}}
    assert {tag for (word, tag) in found if word == "ValueError"} == {"B-EXC"}


def test_a_package_never_gives_itself_away() -> None:
    mask = Mask(("numpy", "torch"))
    assert mask("np.linalg.norm of a torch.Tensor in PyTorch or NumPy's") == "norm of a Tensor in package or package's"
    assert mask("torch_dtype and is_torch_available; plt.plot, scikit-learn") == "package and package; plot, package"
    assert mask("a tensor of input values") == "a tensor of input values"


def test_a_second_call_does_nothing_and_a_changed_source_writes_again(plan: Plan, tmp_path: Path) -> None:
    first = write(tmp_path / "data", jobs=1, plan=plan)
    stamp = (first.folder / "manifest.json").stat().st_mtime_ns
    again = write(tmp_path / "data", jobs=1, plan=plan)
    assert (first.fresh, again.fresh) == (True, False)
    assert (first.folder / "manifest.json").stat().st_mtime_ns == stamp
    assert again.manifest == json.loads(json.dumps(first.manifest))
    (tmp_path / "site" / "alphapkg" / "new.py").write_text('"""A module that was not there before."""')
    assert write(tmp_path / "data", jobs=1, plan=plan).fresh


def test_a_damaged_folder_is_written_again(plan: Plan, tmp_path: Path) -> None:
    folder = write(tmp_path / "data", jobs=1, plan=plan).folder
    whole = contents(folder)
    (folder / "general" / "alphapkg.jsonl").write_text("")
    assert write(folder, jobs=1, plan=plan).fresh
    assert contents(folder) == whole


def test_the_number_of_processes_does_not_change_a_byte(plan: Plan, tmp_path: Path) -> None:
    one = write(tmp_path / "one", jobs=1, plan=plan).folder
    two = write(tmp_path / "two", jobs=2, plan=plan).folder
    assert contents(one) == contents(two)


def test_files_of_somebody_else_are_never_replaced(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(RunError, match=r"thesis\.txt.*new folder to --to"):
        write(tmp_path / "mine", jobs=1, plan=plan)
    folder = write(tmp_path / "data", jobs=1, plan=plan).folder
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match=r"notes\.txt"):
        write(folder, jobs=1, plan=replace(plan, more=()))
    assert (folder / "notes.txt").read_text() == "mine"


def test_a_file_in_the_folders_place_is_refused(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("mine")
    with pytest.raises(RunError, match="a file stands"):
        write(tmp_path / "data", jobs=1, plan=plan)


def test_a_required_package_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"documentation of absentpkg is not .*`pip install -e \.` in Triptych's clone"):
        write(tmp_path / "data", plan=Plan(classes=("absentpkg",), domain=()))
    assert not (tmp_path / "data").exists()


def test_the_command_reports_a_users_mistake_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    result = CliRunner().invoke(main, ["--to", str(tmp_path / "mine")])
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert "thesis.txt" in result.output
