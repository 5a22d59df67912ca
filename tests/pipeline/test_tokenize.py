"""`triptych tokenize`, in one go or in parts, and what `plan` says of the text before and after."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.cli import main

Call = Callable[..., str]


@pytest.fixture
def call(house: Any) -> Call:
    """Call the command line in this process; what it printed."""

    def run(command: str, *words: str, code: int = 0) -> str:
        result = CliRunner().invoke(main, [command, str(house.file), "--run-dir", str(house.folder("r").root), *words])
        assert result.exit_code == code, result.output
        return result.output

    return run


def text_lines(plan: str) -> list[str]:
    """What `plan` says of tokenizer and corpora: all before the first stage."""
    return plan[: plan.index("general (pretrain)")].splitlines()


def corpora(house: Any) -> dict[str, bytes]:
    """The files of all corpora."""
    root = house.folder("r").store / "corpora"
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_plan_tells_of_the_text_what_is_there_and_what_is_not(house: Any, call: Call) -> None:
    assert text_lines(call("plan")) == [
        "tokenizer: START, not trained yet",
        "corpus general: START, after the tokenizer",
        "corpus domain: START, after the tokenizer",
    ]
    call("tokenize", "--set", "tokenizer.train.documents=9")
    assert text_lines(call("plan", "--set", "tokenizer.train.documents=9"))[0] == "tokenizer: SKIP, trained, 160 pieces"
    call("tokenize")
    skipped = text_lines(call("plan"))
    assert skipped[1].startswith("corpus general: SKIP, tokenised, 60 documents, ")
    assert skipped[2].startswith("corpus domain: SKIP, tokenised, 40 documents, ")


def test_plan_tells_what_has_changed_since_a_corpus_was_tokenised(house: Any, call: Call) -> None:
    call("tokenize")
    changed = text_lines(
        call("plan", "--set", "corpora.domain.documents=30", "--set", "corpora.domain.clean.exact=true")
    )
    assert changed[2:] == [
        "corpus domain: START, tokenised before, but of other text or under other settings:",
        "  clean.exact: false then, true now",
        "  documents: null then, 30 now",
    ]
    file = house.base / "data" / "domain.txt"
    file.write_text(file.read_text() + "\n\nanna sees the moon .\n")
    assert text_lines(call("plan"))[3:] == [f"  files: 1 then, 1 now; of other content or weight: 1, the first {file}"]


def test_plan_tells_what_has_changed_in_the_text_that_the_tokenizer_is_trained_on(house: Any, call: Call) -> None:
    call("tokenize")
    file = house.base / "data" / "general.txt"
    file.write_text(file.read_text() + "\n\nanna sees the moon .\n")
    assert text_lines(call("plan", "--set", "corpora.general.held_out=0.2")) == [
        "tokenizer: START, not trained yet",
        "corpus general: START, after the tokenizer; tokenised before, but of other text or under other settings:",
        f"  files: 1 then, 1 now; of other content or weight: 1, the first {file}",
        "  held_out: 0.1 then, 0.2 now",
        "corpus domain: START, after the tokenizer",
    ]


def test_an_interrupted_corpus_is_gone_on_with_and_plan_says_how_far_it_is(house: Any, call: Call) -> None:
    data = house.base / "data"
    whole = (data / "general.txt").read_text().split("\n\n")
    for number in range(3):
        (data / f"general-{number}.txt").write_text("\n\n".join(whole[number::3]))
    weighted = (
        "corpora.general.files=[{path: general-0.txt, weight: 2}, general-1.txt, {path: general-2.txt, weight: 3}]"
    )
    third = data / "general-2.txt"
    good = third.read_bytes()
    third.write_bytes(good[:200] + b"\xff" + good[201:])
    changed = ("--set", weighted, "--set", "tokenizer.train.corpora=[domain]")
    assert "not UTF-8" in call("tokenize", "--workers", "1", *changed, code=1)
    plan = text_lines(call("plan", *changed))
    assert plan[1] == "corpus general: RESUME, 2 of 3 shards done"
    told = call("tokenize", "--skip-bad", "--workers", "1", *changed)
    assert "corpus general: going on, 2 of 3 shards done" in told
    assert "malformed input were skipped" in told


def test_parts_and_then_the_whole_make_what_one_call_makes(house: Any, call: Call) -> None:
    """Files of differing weights are of differing units."""
    changed = ("--set", "corpora.general.files=[general.txt, {path: domain.txt, weight: 2}]")
    call("tokenize", *changed)
    whole = corpora(house)
    (house.folder("r").store / "corpora").rename(house.base / "elsewhere")
    assert "general: part 1/2 is done, 1 of 2 units are left: run the other" in call(
        "tokenize", "--part", "1/2", *changed
    )
    shards = [Path(name).name for name in corpora(house) if ".building-general" in name and "ids-" in name]
    assert len(shards) == 1
    told = call("tokenize", "--part", "0/2", *changed)
    assert "general: part 0/2 is done, 0 of 2 units are left: run without --part" in told
    assert not any(Path(name).name == "manifest.json" for name in corpora(house))
    call("tokenize", *changed)
    assert corpora(house) == whole
    assert "general: nothing to do, it is whole" in call("tokenize", "--part", "0/2", *changed)


def test_a_second_call_says_that_nothing_is_to_be_done_and_changes_nothing(house: Any, call: Call) -> None:
    first = call("tokenize")
    before = corpora(house)
    second = call("tokenize")
    for name in ("general", "domain"):
        assert f"{name}: nothing to do" not in first
        assert f"{name}: nothing to do, it was tokenised before\n{name}: " in second
    assert "held-out documents:" not in second  # which would read the text once more
    assert corpora(house) == before
    changed = call("tokenize", "--set", "corpora.domain.documents=30")
    assert "general: nothing to do" in changed
    assert "domain: nothing to do" not in changed


@pytest.mark.parametrize(("part", "code"), [("2/2", 1), ("two", 2), ("1-2", 2)])
def test_a_part_that_there_is_not_is_refused(call: Call, part: str, code: int) -> None:
    assert part in call("tokenize", "--part", part, code=code)


def test_a_misspelt_segmenter_is_told_with_the_names_there_are(call: Call) -> None:
    told = call("tokenize", "--set", "corpora.domain.segmenter=jeiba", code=1)
    assert "'jeiba'" in told
    assert "jieba, rjieba" in told


def test_what_cleaning_dropped_is_printed(house: Any, call: Call) -> None:
    told = call("tokenize", "--set", "corpora.domain.clean.min_characters=200")
    assert "documents read, " in told
    assert "min_characters: " in told


def test_how_the_vocabulary_fits_held_out_text_is_told(call: Call) -> None:
    told = call("tokenize", "--set", "corpora.domain.held_out=0.3")
    (line,) = [
        line for line in told[told.index("domain: 40 documents") :].splitlines() if "held-out documents:" in line
    ]
    assert "0.000% of tokens unknown" in line


def test_a_vocabulary_smaller_than_asked_is_told(house: Any) -> None:
    result = CliRunner().invoke(
        main, ["tokenize", str(house.file), "--run-dir", str(house.base / "r"), "--set", "tokenizer.train.size=5000"]
    )
    assert result.exit_code == 0, result.output
    assert " pieces (of 5,000 asked for: the text has no more that occur twice)" in result.output
