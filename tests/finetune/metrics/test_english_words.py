"""Oracle: the Penn Treebank's own rules and examples, as NLTK's `word_tokenize` applies them."""

import pytest

from finetune.metrics.english_words import english_words

KNOWN = {
    "they'll save and invest more.": "they 'll save and invest more .",
    "hi, my name can't hello,": "hi , my name ca n't hello ,",
    'she said "no!" (twice)': "she said `` no ! '' ( twice )",
    "3,000 dollars at 12:30, or $5": "3,000 dollars at 12:30 , or $ 5",
    "the u.s. women's team of st. louis": "the u.s. women 's team of st. louis",
    "made in japan inc.)": "made in japan inc . )",
    "wait... the dogs' 'bone' is gone": "wait ... the dogs ' ' bone ' is gone",
    "i wanna say i cannot": "i wan na say i can not",
    "1998–2001 ‘so’ 50% r&b": "1998 – 2001 ‘ so ’ 50 % r & b",
    "rock'n'roll o'brien": "rock'n'roll o'brien",
    '""a"" "" b': "`` `` a '' '' `` '' b",
    " \t ": "",
}


@pytest.mark.parametrize("text", KNOWN)
def test_words_are_cut_as_the_treebank_has_them(text):
    assert english_words(text) == KNOWN[text].split()
