"""A vocabulary is trained once for what it is made of, and never on the share that every corpus holds out."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tokenization import tokenizer_store
from tokenization.cleaning.spec import CleanSpec, Decontamination, NearDuplicates
from tokenization.held_out import below_share, content_hash
from tokenization.spec import CorpusSpec
from tokenization.tokenizer_store import TrainingTexts, find_tokenizer, held_out_sample, open_or_train_tokenizer
from tokenization.vocabularies.training import VocabularySpec

Spec = Callable[..., CorpusSpec]


def test_a_tokenizer_is_trained_once(text_spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = text_spec([[f"{verb}ing {verb}ed re{verb}s un{verb}able"] for verb in ("walk", "talk", "jump", "fix")] * 3)
    trained = open_or_train_tokenizer([spec], VocabularySpec(size=60), tmp_path / "store")
    other = open_or_train_tokenizer([spec], VocabularySpec(size=32), tmp_path / "store")
    assert other.size == 32 < trained.size
    monkeypatch.delattr(tokenizer_store, "train_tokenizer")
    again = open_or_train_tokenizer([spec], VocabularySpec(size=60), tmp_path / "store")
    assert again.fingerprint == trained.fingerprint


def test_a_vocabulary_is_not_trained_on_the_held_out_share(text_spec: Spec) -> None:
    documents = [[f"{a} {b}."] for a in "abcdefghij" for b in "klmnopqrst"]
    spec = text_spec(documents, held_out=0.2)
    kept = list(TrainingTexts((spec,)))
    expected = [text for (text,) in documents if not below_share(content_hash(text), 0.2)]
    assert kept == expected
    assert len(kept) < len(documents)
    assert list(TrainingTexts((replace(spec, held_out=0.0, documents=3),))) == [text for (text,) in documents[:3]]


def test_a_vocabulary_is_reported_on_documents_that_it_was_not_trained_on(text_spec: Spec, tmp_path: Path) -> None:
    documents = [[f"{a} {b}."] for a in "abcdefghij" for b in "klmnopqrst"]
    spec = text_spec(documents, held_out=0.2)
    found = held_out_sample(spec, tmp_path, 1000)
    assert sorted([*found, *TrainingTexts((spec,))]) == sorted(text for (text,) in documents)
    first = [text for (text,) in documents[:50]]
    assert held_out_sample(spec, tmp_path, 50) == [text for text in found if text in first]


def test_text_is_cleaned_before_it_is_counted(text_spec: Spec) -> None:
    spec = text_spec([["ｆｕｌｌ"], ["x"]], held_out=0.0, clean=CleanSpec(unicode="NFKC", min_characters=2))
    assert list(TrainingTexts((spec,))) == ["full"]


def test_each_kind_and_each_setting_has_its_own_tokenizer(text_spec: Spec, tmp_path: Path) -> None:
    spec = text_spec([[f"{verb}ing {verb}ed re{verb}s"] for verb in ("walk", "talk", "jump", "fix")] * 5)
    given = [
        VocabularySpec(size=280), VocabularySpec("bpe", 280), VocabularySpec("unigram", 280),
        VocabularySpec("bpe", 280, lowercase=False), VocabularySpec("bpe", 280, characters=100),
    ]  # fmt: skip
    made = [open_or_train_tokenizer([spec], one, tmp_path / "store") for one in given]
    assert [found.kind for found in made] == ["WordPiece", "BPE", "Unigram", "BPE", "BPE"]
    assert len(list((tmp_path / "store" / "tokenizers").iterdir())) == len(given)
    for one, found in zip(given, made, strict=True):
        again = find_tokenizer([spec], one, tmp_path / "store")
        assert again is not None
        assert again.fingerprint == found.fingerprint


def test_a_tokenizer_is_trained_again_only_where_its_text_is_another(text_spec: Spec, tmp_path: Path) -> None:
    spec = text_spec([[f"{verb}ing {verb}ed"] for verb in ("walk", "talk", "jump", "fix")] * 5)
    size = VocabularySpec(size=60)
    open_or_train_tokenizer([spec], size, tmp_path / "store")

    def is_known(**changes: object) -> bool:
        return find_tokenizer([replace(spec, **changes)], size, tmp_path / "store") is not None  # type: ignore[arg-type]

    same: list[dict[str, object]] = [
        {"clean": CleanSpec(exact=True, near=NearDuplicates())},
        {"clean": CleanSpec(decontaminate=Decontamination(("glue",)))},
        {"language": "de"},
        {"weights": (2.0,)},
        {"field": "body", "split": "dev"},
    ]
    other: list[dict[str, object]] = [
        {"clean": CleanSpec(control=True)},
        {"clean": CleanSpec(min_characters=3)},
        {"documents": 3},
        {"held_out": 0.2},
        {"format": "document"},
    ]
    assert [is_known(**change) for change in same + other] == [True] * len(same) + [False] * len(other)
