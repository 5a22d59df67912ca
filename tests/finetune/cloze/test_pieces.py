"""Words behind what comes before them. Oracle: the sentence, filled and cut as a whole."""

from dataclasses import replace

import pytest

from finetune.cloze.given import Cloze, Prompt
from finetune.encoding.encode import encode_examples
from finetune.tasks.example import Example
from tokenization.vocabularies.training import train_tokenizer

TEXT = "anna sees the sea"
SENTENCES = [
    f"{who} sees the {what} . (it was great) , it was bad !" for who in ("anna", "boris") for what in ("sea", "hill")
]
PATTERNS = [
    "{text} it was {mask}.",
    "{text} ({mask})",
    "{mask}, {text}",
    "it was {mask}! {text}",
    "{text}. it was {mask}",
]


@pytest.fixture(scope="module", params=["wordpiece", "bpe", "unigram"])
def trained(request):
    return train_tokenizer(SENTENCES * 5, request.param, 300, True)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_filled_cloze_is_cut_as_the_sentence_that_it_makes(single, trained, pattern):
    words = {"sad": "bad", "glad": "great"}
    spec = replace(single, cloze=Cloze(pattern, words))
    encoded = encode_examples(spec, "train", [Example("0", (TEXT,), (), "sad")], trained, 64)
    for label, word in enumerate(words.values()):
        pieces = encoded.wordings.pieces[label]
        (sequence,) = (n for n, length in enumerate(encoded.wordings.lengths) if length == len(pieces))
        stretch = slice(*encoded.offsets_N1[sequence : sequence + 2])
        filled = encoded.tokens_T[stretch].copy()
        filled[encoded.asked_T[stretch]] = pieces
        whole = trained.encode([pattern.format(text=TEXT, mask=word)])[0]
        assert filled[1:-1].tolist() == whole.tolist()


@pytest.mark.parametrize("text", ["{text} . it was", "{text} it was ", "it was: {text}, it was"])
def test_an_answer_is_cut_as_it_would_be_in_the_text(single, trained, text):
    spec = replace(single, prompt=Prompt(text, {"sad": "bad", "glad": "great"}), attention="left")
    encoded = encode_examples(spec, "train", [Example("0", (TEXT,), (), "sad")], trained, 64)
    whole = trained.encode([f"{text.format(text=TEXT).rstrip()} bad"])[0]
    assert encoded.tokens_T[1 : encoded.offsets_N1[1]].tolist() == whole.tolist()
