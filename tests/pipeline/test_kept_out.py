"""A recipe's own dev examples kept out of its corpora; the oracle is which documents have one of them on a line."""

import json
from typing import Any

import pytest

from tokenization.errors import RecipeError

KEEP_OUT = "corpora.general.clean={decontaminate: {suites: [topic, names]}}"


def plant(house: Any) -> list[str]:
    """Put dev examples into some documents; gives all documents."""
    text = (house.base / "data" / "general.txt").read_text(encoding="utf-8")
    documents = text.rstrip("\n").split("\n\n")
    topic = (house.base / "data" / "topic-dev.tsv").read_text(encoding="utf-8").splitlines()[1].split("\t")[1]
    documents[3] += f"\n{topic}"
    documents[20] = f"{topic.upper()}\n{documents[20]}"
    (house.base / "data" / "general.txt").write_text("\n\n".join(documents) + "\n", encoding="utf-8")
    return documents


def dev_sentences(house: Any) -> set[str]:
    rows = (house.base / "data" / "topic-dev.tsv").read_text(encoding="utf-8").splitlines()[1:]
    words = (house.base / "data" / "names-dev.conll").read_text(encoding="utf-8").rstrip("\n").split("\n\n")
    tagged = {" ".join(line.split()[0] for line in sentence.splitlines()) for sentence in words}
    return {row.split("\t")[1] for row in rows} | tagged


def test_documents_that_hold_a_dev_example_are_not_in_the_corpus(house: Any) -> None:
    documents, sentences = plant(house), dev_sentences(house)
    holding = [text for text in documents if {line.lower() for line in text.splitlines()} & sentences]
    materials = house.materials("run", KEEP_OUT)
    corpus = materials.corpus("general")
    assert len(holding) >= 2
    assert corpus.manifest.counts.documents == len(documents) - len(holding)
    report = json.loads((corpus.folder / "cleaning.json").read_text(encoding="utf-8"))
    assert sum(entry["documents"] for entry in report["dropped"]) == len(holding)
    assert {entry["reason"] for entry in report["dropped"]} <= {"contaminated:topic", "contaminated:names"}


def test_other_examples_are_looked_for_anew(house: Any) -> None:
    before = house.materials("one", KEEP_OUT).corpus("general").folder
    dev = house.base / "data" / "topic-dev.tsv"
    dev.write_text(dev.read_text(encoding="utf-8") + "sea\tfelix paints the zeppelin near a wave .\n", encoding="utf-8")
    assert house.materials("two", KEEP_OUT).corpus("general").folder != before


def test_without_decontamination_nothing_is_read(house: Any) -> None:
    assert house.materials("run").kept_out("general") is None


def test_a_suite_that_is_none_is_refused(house: Any) -> None:
    with pytest.raises(RecipeError, match=r"decontaminate\.suites: given 'topics'; .*Did you mean 'topic'"):
        house.recipe("corpora.general.clean={decontaminate: {suites: [topics]}}")
