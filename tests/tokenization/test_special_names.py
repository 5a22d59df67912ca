"""Vocabularies of every kind and every naming of special tokens are read, and none can be forged."""

import json
from pathlib import Path

import pytest
import tokenizers
import transformers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

from tokenization.errors import DataError
from tokenization.tokenizer_files import SpecialNames
from tokenization.vocabulary import Tokenizer

NAMES = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
ROLES = {"cls_token": "<s>", "sep_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
TEXTS = ["a <s> b", "<mask></s>", "x<pad>", "a < s > b", "plain ＜s＞ text", ""]


def unigram() -> tokenizers.Tokenizer:
    """As XLM-R's: the special tokens stand in the model itself, with its best scores."""
    letters = [(letter, -3.0 - number / 100) for number, letter in enumerate("▁abceilnptx<>/smkdu")]
    raw = tokenizers.Tokenizer(models.Unigram([*((name, 0.0) for name in NAMES), *letters], unk_id=3))
    raw.normalizer = normalizers.NFKC()
    raw.pre_tokenizer = pre_tokenizers.Metaspace()
    raw.decoder = decoders.Metaspace()
    return raw


def byte_pairs() -> tokenizers.Tokenizer:
    """As RoBERTa's."""
    entries = [*NAMES, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    raw = tokenizers.Tokenizer(models.BPE({entry: number for number, entry in enumerate(entries)}, [], dropout=0.5))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    return raw


@pytest.fixture(params=[unigram, byte_pairs], ids=["unigram", "byte_pairs"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    raw = request.param()
    raw.add_special_tokens(NAMES)
    raw.post_processor = processors.BertProcessing(("</s>", 2), ("<s>", 0))
    raw.save(str(tmp_path / "tokenizer.json"))
    mask = {"__type": "AddedToken", "content": "<mask>", "lstrip": True, "special": True}
    config = {"tokenizer_class": "PreTrainedTokenizerFast", **ROLES, "mask_token": mask, "bos_token": None}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    return tmp_path


def test_special_tokens_are_those_that_the_config_names(folder: Path) -> None:
    found = Tokenizer.load(folder)
    assert (found.cls, found.pad, found.sep, found.unk, found.mask) == (0, 1, 2, 3, 4)
    assert found.names == SpecialNames("<pad>", "<unk>", "<s>", "</s>", "<mask>")
    assert Tokenizer.load(folder / "tokenizer.json").fingerprint == found.fingerprint


def test_a_special_tokens_map_names_them_as_well(folder: Path) -> None:
    first = Tokenizer.load(folder)
    (folder / "tokenizer_config.json").rename(folder / "special_tokens_map.json")
    assert Tokenizer.load(folder).fingerprint == first.fingerprint


def test_without_names_the_missing_ones_are_named_with_the_way_out(folder: Path) -> None:
    (folder / "tokenizer_config.json").unlink()
    with pytest.raises(DataError, match=r"lacks \[PAD\], .*put its tokenizer_config\.json"):
        Tokenizer.load(folder)


def test_no_text_forges_a_special_token(folder: Path) -> None:
    found = Tokenizer.load(folder)
    for ids in found.encode(TEXTS):
        assert not set(ids.tolist()) & (found.specials - {found.unk})


def test_text_in_which_no_special_token_is_written_gets_the_librarys_ids(folder: Path) -> None:
    found = Tokenizer.load(folder)
    theirs = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    texts = ["a < b > c", "plain text", "<x> </p> s>"]
    if found.kind == "Unigram":  # the other drops pairs at random there, and has none
        assert [ids.tolist() for ids in found.encode(texts)] == theirs(texts, add_special_tokens=False)["input_ids"]
    assert [found.decode(ids).strip() for ids in found.encode(texts)] == texts


def test_what_is_saved_opens_again_here_and_in_transformers(folder: Path, tmp_path: Path) -> None:
    found = Tokenizer.load(folder)
    found.save(tmp_path / "saved")
    again = Tokenizer.load(tmp_path / "saved")
    assert again.fingerprint == found.fingerprint
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path / "saved", local_files_only=True)
    text = "plain text in it"
    assert theirs(text)["input_ids"] == [found.cls, *found.encode([text])[0].tolist(), found.sep]
    assert (theirs.pad_token_id, theirs.mask_token_id, theirs.cls_token_id) == (found.pad, found.mask, found.cls)
    assert not (tmp_path / "saved" / "vocab.txt").exists()


def test_ids_are_a_function_of_the_text_even_where_the_file_drops_merges_at_random(tmp_path: Path) -> None:
    raw = byte_pairs()
    raw.model = models.BPE({**raw.get_vocab(), "ab": 261}, [("a", "b")], dropout=0.5)
    raw.add_special_tokens(NAMES)
    raw.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({**ROLES, "mask_token": "<mask>"}))
    assert Tokenizer.load(tmp_path).encode(["ab" * 50])[0].tolist() == [261] * 50
