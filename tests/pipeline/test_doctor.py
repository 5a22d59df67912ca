"""What `triptych doctor` says, against the corpus that is built afterwards, and on text with planted faults."""

import re
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from pipeline.cli import main


def doctor(house: Any, *sets: str) -> str:
    words = [word for change in sets for word in ("--set", change)]
    result: Result = CliRunner().invoke(main, ["doctor", str(house.file), "--run-dir", str(house.base / "r"), *words])
    assert result.exit_code == 0, result.output
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
    assert "!" not in told


def test_it_looks_before_a_tokenizer_is_trained_and_leaves_nothing_behind(house: Any) -> None:
    printed = doctor(house)
    assert "tokenizer: not trained yet" in printed
    assert not (house.base / "store").exists()


def test_a_sentence_a_document_copies_empty_lines_and_faults_are_named(house: Any) -> None:
    general = house.base / "data" / "general.txt"
    sentences = [line for line in general.read_text(encoding="utf-8").splitlines() if line]
    general.write_text("\n\n".join(sentences + sentences[:200]), encoding="utf-8")
    told = section(doctor(house), "general")
    assert "the median document has one sentence" in told
    assert "set `clean: {exact: true}`" in told
    share = len(sentences + sentences[:200]) - len(set(sentences))
    assert f"duplicates   {share / (len(sentences) + 200):.2%} of the sample" in told


def test_a_file_that_is_not_utf8_is_a_finding_with_its_offset_and_the_other_corpus_is_examined(house: Any) -> None:
    general: Path = house.base / "data" / "general.txt"
    general.write_bytes(general.read_bytes() + b"\n\ncaf\xe9 noir\n")
    offset = general.stat().st_size - len(b"\xe9 noir\n")
    printed = doctor(house)
    assert "1 malformed places in the sample" in section(printed, "general")
    assert f"byte {offset}" in printed
    assert "malformed" not in section(printed, "domain")


def test_a_missing_file_is_told_and_the_other_corpus_is_examined(house: Any) -> None:
    (house.base / "data" / "domain.txt").unlink()
    printed = doctor(house)
    assert "domain: CANNOT BE READ" in printed
    assert "documents    about" in section(printed, "general")


def test_it_says_what_cleaning_would_drop(house: Any) -> None:
    told = section(doctor(house, "corpora.general.clean.min_characters=150"), "general")
    texts = (house.base / "data" / "general.txt").read_text(encoding="utf-8").strip().split("\n\n")
    share = sum(len(text.strip()) < 150 for text in texts) / len(texts)
    assert 0 < share < 1
    assert f"cleaning     drops {share:.2%} of the documents: min_characters" in told
