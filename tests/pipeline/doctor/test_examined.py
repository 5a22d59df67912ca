"""What `triptych doctor` says, against the corpus that is built afterwards, and on text with planted faults."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pipeline.cli import main


def doctor(house: Any, *sets: str, refused: bool = False) -> str:
    """What is printed; with `refused`, `run` would refuse to begin."""
    words = [word for change in sets for word in ("--set", change)]
    result: Result = CliRunner().invoke(main, ["doctor", str(house.file), "--run-dir", str(house.base / "r"), *words])
    assert result.exit_code == int(refused), result.output
    return result.output


def section(printed: str, corpus: str) -> str:
    """The lines of one corpus."""
    found = re.search(rf"^{corpus}[ :].*\n(?:  .*\n)*", printed, re.M)
    assert found, printed
    return found[0]


def number(text: str, pattern: str) -> int:
    found = re.search(pattern, text)
    assert found, text
    return int(found[1].replace(",", ""))


def test_of_a_corpus_read_whole_the_estimates_are_what_tokenising_finds(house: Any) -> None:
    corpus = house.materials("r").corpus("general")
    told = section(doctor(house), "general")
    counts = corpus.manifest.counts
    assert number(told, r"documents    about ([\d,]+)") == counts.documents
    assert number(told, r"estimate     ([\d,]+) tokens") == counts.tokens
    assert f"median {counts.median_sentences:.0f} sentences" in told
    assert "sources      1 × text" in told
    assert re.search(r"vocabulary   \d\.\d\d pieces a word, \d+\.\d% of words whole", told)
    assert re.search(r"\d\.\d MB of shards, \d\.\d minutes on \d+ core", told)
    assert f"unknown      {counts.unknown_share:.3%} of the tokens" in told
    assert "!" not in told


def test_it_looks_before_a_tokenizer_is_trained_and_leaves_nothing_behind(house: Any) -> None:
    printed = doctor(house)
    assert "tokenizer: not trained yet" in printed
    assert not (house.base / "store").exists()


def test_a_sentence_a_document_and_copies_are_named(house: Any) -> None:
    general = house.base / "data" / "general.txt"
    sentences = [line for line in general.read_text(encoding="utf-8").splitlines() if line]
    general.write_text("\n\n".join(sentences + sentences[:200]), encoding="utf-8")
    told = section(doctor(house), "general")
    assert "the median document has one sentence" in told
    assert "set `clean: {exact: true}`" in told
    share = len(sentences + sentences[:200]) - len(set(sentences))
    assert f"duplicates   {share / (len(sentences) + 200):.2%} of the sample" in told


def test_empty_documents_and_malformed_lines_are_named(house: Any) -> None:
    texts = (house.base / "data" / "general.txt").read_text(encoding="utf-8").strip().split("\n\n")
    lines = [json.dumps({"text": text}) for text in texts]
    planted = [*lines[:20], '{"text": ""}', '{"text": " "}', *lines[20:40], "{broken", *lines[40:]]
    (house.base / "data" / "general.jsonl").write_text("\n".join([*planted, *['{"text": ""}'] * 4]), encoding="utf-8")
    told = section(doctor(house, "corpora.general.files=general.jsonl", refused=True), "general")
    assert f"empty        {6 / (len(texts) + 6):.2%} of the documents" in told
    assert "of the documents are empty: is `field` the right one?" in told
    assert "1 malformed places in the sample" in told
    assert "general.jsonl:43: " in told


def test_articles_in_plain_text_and_a_foreign_script_are_named(house: Any) -> None:
    general = house.base / "data" / "general.txt"
    articles = general.read_text(encoding="utf-8").strip().split("\n\n")
    general.write_text("\n\n".join(f'<doc id="1" title="t">\n{text}\n</doc>' for text in articles), encoding="utf-8")
    printed = doctor(house, "corpora.domain.language=ru")
    assert f"{len(articles)} documents hold `<doc id=`" in section(printed, "general")
    assert "set `format: wikiextractor`" in section(printed, "general")
    assert "! 0.0% of the letters are of the script that language ru is written in" in section(printed, "domain")


def test_marks_that_a_lowercasing_vocabulary_takes_off_are_named_and_those_that_stay_are_not(house: Any) -> None:
    general = house.base / "data" / "general.txt"
    marked = general.read_text(encoding="utf-8").replace("a", "ä")
    general.write_text(marked, encoding="utf-8")
    share = marked.count("ä") / sum(map(str.isalpha, marked))
    named = f"! the vocabulary takes {100 * share:.1f} marks off every hundred letters"
    printed = doctor(house)
    assert named in section(printed, "general")
    assert "marks off" not in section(printed, "domain")
    assert "marks off" not in doctor(house, "tokenizer.train.lowercase=false")


def test_a_file_that_is_not_utf8_is_a_finding_with_its_offset_and_the_other_corpus_is_examined(house: Any) -> None:
    general: Path = house.base / "data" / "general.txt"
    general.write_bytes(general.read_bytes() + b"\n\ncaf\xe9 noir\n")
    offset = general.stat().st_size - len(b"\xe9 noir\n")
    printed = doctor(house, refused=True)
    assert "1 malformed places in the sample" in section(printed, "general")
    assert f"byte {offset}" in printed
    assert "malformed" not in section(printed, "domain")


def test_a_missing_file_is_told_and_the_other_corpus_is_examined(house: Any) -> None:
    (house.base / "data" / "domain.txt").unlink()
    printed = doctor(house, refused=True)
    assert "domain: CANNOT BE READ" in printed
    assert "documents    about" in section(printed, "general")


def test_where_the_tokenizers_own_corpus_is_missing_the_others_are_examined(house: Any) -> None:
    (house.base / "data" / "general.txt").unlink()
    printed = doctor(house, refused=True)
    assert printed.count("there is no") == 1
    assert "general: CANNOT BE READ" in printed
    assert "tokenizer: cannot be made of what is there; the figures below are by a wordpiece" in printed
    assert number(section(printed, "domain"), r"documents    about ([\d,]+)") == 40


def test_a_vocabulary_too_small_for_its_kind_is_a_finding_and_the_corpora_are_examined(house: Any) -> None:
    printed = doctor(house, "tokenizer.train={corpora: [general], kind: bpe, size: 64}", refused=True)
    assert "tokenizer: CANNOT BE MADE\n  ! tokenizer.train.size: 64" in printed
    assert "documents    about 60" in section(printed, "general")


def test_what_is_missing_beside_the_text_is_a_finding_and_the_corpora_are_examined(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rjieba", None)
    printed = doctor(
        house,
        "corpora.general.segmenter=rjieba",
        "corpora.domain.clean={min_characters: 150, decontaminate: {suites: [glue]}}",
        "tokenizer.extend={files: more.txt}",
        refused=True,
    )
    told = section(printed, "MISSING")
    assert "needs the package rjieba" in told
    assert "nothing of 'glue' is in the data folder" in told
    assert "tokenizer.extend.files: there is no file" in told
    assert "documents    about 60" in section(printed, "general")
    assert "of the documents: min_characters" in section(printed, "domain")


def test_short_examples_are_looked_for_between_the_sentence_bounds_of_the_corpuss_own_splitter(house: Any) -> None:
    """Lines are whole sentences to `lines`: an example that is but a part of a line does not match."""
    dev = house.base / "data" / "topic-dev.tsv"
    example = dev.read_text(encoding="utf-8").splitlines()[1].split("\t")[1]
    general = house.base / "data" / "general.txt"
    general.write_text(f"{general.read_text(encoding='utf-8')}\n\nIt began. {example}\n", encoding="utf-8")
    keep_out = "corpora.general.clean.decontaminate={suites: [topic], short_words: 3}"
    found = {
        splitter: house.materials(splitter, keep_out, f"corpora.general.splitter={splitter}").corpus("general")
        for splitter in ("sentencex", "lines")
    }
    for splitter, corpus in found.items():
        told = section(doctor(house, keep_out, f"corpora.general.splitter={splitter}"), "general")
        report = json.loads((corpus.folder / "cleaning.json").read_text(encoding="utf-8"))
        dropped = sum(entry["documents"] for entry in report["dropped"])
        drops = re.search(r"drops ([\d.]+)% of the documents", told)
        assert (float(drops[1]) if drops else 0.0) == pytest.approx(100 * dropped / 61, abs=0.005)
    assert found["sentencex"].manifest.counts.documents < found["lines"].manifest.counts.documents


def test_it_says_what_cleaning_would_drop(house: Any) -> None:
    told = section(doctor(house, "corpora.general.clean.min_characters=150"), "general")
    texts = (house.base / "data" / "general.txt").read_text(encoding="utf-8").strip().split("\n\n")
    share = sum(len(text.strip()) < 150 for text in texts) / len(texts)
    assert 0 < share < 1
    assert f"cleaning     drops {share:.2%} of the documents: min_characters" in told


def test_the_estimate_leaves_out_the_copies_that_cleaning_will_drop(house: Any) -> None:
    general = house.base / "data" / "general.txt"
    general.write_text(general.read_text(encoding="utf-8") * 2, encoding="utf-8")
    change = "corpora.general.clean.exact=true"
    counts = house.materials("r", change).corpus("general").manifest.counts
    told = section(doctor(house, change), "general")
    assert number(told, r"estimate     ([\d,]+) tokens") == counts.tokens
    assert "exact_duplicate" in told


@pytest.mark.parametrize("planted", ["", "{broken\n"])
@pytest.mark.parametrize("skip", [False, True])
def test_malformed_text_is_refused_where_tokenising_refuses_it(house: Any, planted: str, skip: bool) -> None:
    data = house.base / "data"
    texts = (data / "general.txt").read_text(encoding="utf-8").strip().split("\n\n")
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    (data / "general.jsonl").write_text(lines + planted, encoding="utf-8")
    sets = ("corpora.general.files=general.jsonl", f"corpora.general.skip_bad={str(skip).lower()}")
    words = [word for change in sets for word in ("--set", change)]
    made = CliRunner().invoke(main, ["tokenize", str(house.file), "--run-dir", str(house.base / "t" / "r"), *words])
    doctor(house, *sets, refused=bool(made.exit_code))
    assert made.exit_code == (1 if planted and not skip else 0), made.output
