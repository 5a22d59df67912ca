"""Special tokens written in a text stay text, whatever kind of tokenizer cuts it.

The library can be told not to look for special tokens in a text. But the model's own vocabulary holds them too, and a
Unigram model gives them its best score: it would take a written `<mask>` for one piece, which is the special id.
"""

import re
from collections.abc import Sequence

import tokenizers
from tokenizers import pre_tokenizers


def guarded(raw: tokenizers.Tokenizer, specials: Sequence[str]) -> tokenizers.Tokenizer:
    """The tokenizer itself, where no text can forge these tokens; else one that cuts off their first character.

    It cuts only where the rest of such a token follows; other texts get the ids that they had.
    """
    reached = [token for token in specials if raw.token_to_id(token) in _ids(raw, token)]
    if not reached:
        return raw
    pattern = "|".join(f"{re.escape(token[0])}(?={re.escape(token[1:])})" for token in reached)
    cut = pre_tokenizers.Split(tokenizers.Regex(pattern), "isolated")
    guard = tokenizers.Tokenizer.from_str(raw.to_str())
    guard.encode_special_tokens = raw.encode_special_tokens
    guard.pre_tokenizer = pre_tokenizers.Sequence([*filter(None, [raw.pre_tokenizer]), cut])
    return guard


def _ids(raw: tokenizers.Tokenizer, text: str) -> list[int]:
    return list(raw.encode(text, add_special_tokens=False).ids)
