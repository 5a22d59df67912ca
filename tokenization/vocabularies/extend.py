"""Adding words of a domain to a vocabulary of word pieces, each as one whole entry after those that are there.

WordPiece takes the longest entry that a word begins with, so that a new entry also cuts longer words that begin with
it; all other text keeps its ids. Byte pairs and Unigram pieces are not extended: there a word would need merges, or a
score, that no text has given it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import tokenizers
from tokenizers import models

from tokenization.errors import RecipeError
from tokenization.vocabulary import Tokenizer

_SHOWN = 3


@dataclass(frozen=True)
class LeftOut:
    """A word that was not added, and why."""

    word: str
    reason: str


@dataclass(frozen=True)
class Extension:
    """An extended tokenizer, and what was done.

    Attributes:
        added: the new entries, normalised; the first has the id that the old tokenizer's size was.
        pieces: for each of them, the ids that the word had before.
    """

    tokenizer: Tokenizer
    added: tuple[str, ...]
    pieces: tuple[tuple[int, ...], ...]
    left_out: tuple[LeftOut, ...]

    def __str__(self) -> str:
        lines = [f"tokenizer: {len(self.added):,} words added, {len(self.left_out):,} left out"]
        for reason in dict.fromkeys(out.reason for out in self.left_out):
            words = [repr(out.word) for out in self.left_out if out.reason == reason]
            more = f" and {len(words) - _SHOWN:,} more" if len(words) > _SHOWN else ""
            lines.append(f"  {reason}: {', '.join(words[:_SHOWN])}{more}")
        return "\n".join(lines)


def extended(tokenizer: Tokenizer, words: Sequence[str]) -> Extension:
    """Add words at the end of the vocabulary, in their order, normalised as the tokenizer normalises text.

    Raises:
        RecipeError: the tokenizer is not one of word pieces.
    """
    raw = tokenizer.raw
    if not isinstance(raw.model, models.WordPiece):
        raise RecipeError(
            f"tokenizer.extend: the vocabulary is of kind {tokenizer.kind}, and only WordPiece can be extended. "
            "Leave `extend` out, or choose a WordPiece vocabulary."
        )
    known = raw.get_vocab(with_added_tokens=True)
    added: dict[str, None] = {}
    left_out: list[LeftOut] = []
    for word in words:
        normal = raw.normalizer.normalize_str(word).strip() if raw.normalizer else word
        reason = "repeated" if normal in added else _why_not(normal, raw, known)
        if reason is None:
            added[normal] = None
        else:
            left_out.append(LeftOut(word, reason))
    pieces = tuple(tuple(int(number) for number in ids) for ids in tokenizer.encode(list(added)))
    return Extension(Tokenizer(_with(raw, list(added)), tokenizer.names), tuple(added), pieces, tuple(left_out))


def _why_not(normal: str, raw: tokenizers.Tokenizer, known: dict[str, int]) -> str | None:
    """Why a normalised word cannot be an entry of its own, or None where it can."""
    if normal in known:
        return "in the vocabulary already"
    cut = raw.pre_tokenizer.pre_tokenize_str(normal) if raw.pre_tokenizer else [(normal, (0, 0))]
    if [part for part, _ in cut] != [normal]:
        return "cut into several words before the vocabulary is asked" if cut else "nothing is left of it"
    longest = raw.model.max_input_chars_per_word
    return f"longer than {longest} characters, which is unknown to the tokenizer" if len(normal) > longest else None


def _with(raw: tokenizers.Tokenizer, words: Sequence[str]) -> tokenizers.Tokenizer:
    """The tokenizer with further entries. Tokens that stood outside its model go into it, so that ids leave no gap."""
    whole = json.loads(raw.to_str())
    vocabulary = raw.get_vocab(with_added_tokens=True)
    entries = [*sorted(vocabulary, key=vocabulary.__getitem__), *words]
    whole["model"]["vocab"] = {entry: number for number, entry in enumerate(entries)}
    return tokenizers.Tokenizer.from_str(json.dumps(whole))
