"""English text → words, by the rules of the Penn Treebank: what NLTK's `word_tokenize` gives of a phrase.

The CMRC 2018 script cuts with that. Rules: https://www.cis.upenn.edu/~treebank/tokenization.html. NLTK first guesses
sentences; here a text is one sentence, so a full stop is parted from its word at the end of the text only.
"""

import re

_DOUBLE_QUOTE = re.compile(r"""(?P<opens>^"|(?<=^")(?:"|'')|(?<=[ ([{<])(?:"|''))|"|''""")
_PART = re.compile(
    r"""
      ''|``|[«»„“”‘’]                                    # quotation marks
    | '(?!(?:re|ve|ll|m|t|s|d|n)\b)(?=\w)                # an apostrophe that opens
    | '(?=\s|$)                                          # or closes a word
    | \.{2,}                                             # an ellipsis
    | --|[][(){}<>;@#$%&?!\u2012-\u2015]                 # always alone
    | [,:](?!\d)                                         # but not within a number
    | \.(?=[])}>"'»”’ ]*$)                               # a full stop, at the end
    | (?:
        (?!--|''|``|\.\.|\.[])}>"'»”’ ]*$|'(?:\s|$))     # what goes on until one of these
        (?:[^][(){}<>;@#$%&?!\u2012-\u2015,:"«»„“”‘’\s]|[,:](?=\d))
      )+
    """,
    re.VERBOSE,
)
_CONTRACTION = re.compile(r"(.+?)(n't|'s|'m|'d|'ll|'re|'ve)", re.IGNORECASE | re.DOTALL)
_FUSED = re.compile(r"(can)(not)|(d)('ye)|(gim|lem)(me)|(gon|wan)(na)|(got)(ta)|(more)('n)", re.IGNORECASE)


def english_words(text: str) -> list[str]:
    """The words and marks of a text, in order; a contraction is two words."""
    words: list[str] = []
    for part in _PART.findall(_DOUBLE_QUOTE.sub(_turned, text.strip())):
        two = _CONTRACTION.fullmatch(part) or _FUSED.fullmatch(part)
        words += [piece for piece in two.groups() if piece] if two else [part]
    return words


def _turned(quote: re.Match[str]) -> str:
    """A double quotation mark as the Treebank writes it: two backticks where it opens, else two apostrophes."""
    return " `` " if quote["opens"] else " '' "
