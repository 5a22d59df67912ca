"""The tokenizer of a run: text to ids and back, and which ids are special."""

import json
import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import tokenizers
from numpy.typing import NDArray
from tokenizers import models

from tokenization import fingerprint
from tokenization.errors import DataError
from tokenization.fast_encode import Encoded, Encoder, encoder_of
from tokenization.forging import guarded
from tokenization.tokenizer_files import BERT_NAMES, SpecialNames, read_tokenizer, tokens_by_id, write_tokenizer

I64 = NDArray[np.int64]
_UNUSED = re.compile(r"\[unused\d+\]")


class Tokenizer:
    """A tokenizer of word pieces, byte pairs or a Unigram model, with the special tokens that a BERT needs.

    Text is only text: a `[SEP]` or `[MASK]` written in a document is cut into ordinary pieces, so that no document
    can forge a special id; whoever wants specials puts their ids.

    Attributes:
        size: ids run from 0 to size - 1.
        pad, unk, cls, sep, mask: the ids of the special tokens.
        specials: the ids of all special tokens, unk included.
        ordinary_ids: int64, what a random replacement may draw: no special and no `[unusedN]`.
        fingerprint: the content address of everything that decides which ids a text gets.
    """

    def __init__(self, raw: tokenizers.Tokenizer, names: SpecialNames = BERT_NAMES) -> None:
        raw = tokenizers.Tokenizer.from_str(raw.to_str())
        # Public files carry the truncation and padding of the model they were made for (MiniLM: 128, padded).
        raw.no_truncation()
        raw.no_padding()
        if isinstance(raw.model, models.BPE):
            raw.model.dropout = None  # ids are a function of the text
        raw.encode_special_tokens = True
        self._raw, self._names = raw, names
        self._tokens = tokens_by_id(raw)
        self.size = len(self._tokens)
        self.pad, self.unk, self.cls, self.sep, self.mask = (self._tokens.index(token) for token in names.all)
        marked = (number for number, token in raw.get_added_tokens_decoder().items() if token.special)
        self.specials = frozenset({self.pad, self.unk, self.cls, self.sep, self.mask, *marked})
        self._cutter = guarded(raw, [self._tokens[number] for number in sorted(self.specials - {self.unk})])

    def __reduce__(self) -> tuple[type["Tokenizer"], tuple[tokenizers.Tokenizer, SpecialNames]]:
        # The library's pickles forget `encode_special_tokens`; and what the encoder has cached need not travel.
        return Tokenizer, (self._raw, self._names)

    @classmethod
    def load(cls, path: Path, lowercase: bool | None = None) -> "Tokenizer":
        """Open a folder, a tokenizer.json or a vocab.txt.

        Args:
            lowercase: needed only for a vocab.txt with no tokenizer_config.json beside it.

        Raises:
            DataError: missing or malformed, of a kind that is not known, or without the special tokens.
        """
        return cls(*read_tokenizer(path, lowercase))

    def save(self, folder: Path) -> None:
        """Write tokenizer.json, tokenizer_config.json and, of word pieces, vocab.txt.

        `AutoTokenizer` opens them with equal ids.
        """
        write_tokenizer(self._raw, self._names, folder)

    @property
    def raw(self) -> tokenizers.Tokenizer:
        """The library's tokenizer, a copy."""
        return tokenizers.Tokenizer.from_str(self._raw.to_str())

    @property
    def names(self) -> SpecialNames:
        """What the special tokens are called."""
        return self._names

    @property
    def kind(self) -> str:
        """The model that cuts words: WordPiece, BPE or Unigram."""
        return type(self._raw.model).__name__

    @cached_property
    def lowercase(self) -> bool:
        """Whether text is put in lower case before it is cut, so that no text can be told from its ids as it was."""
        return self.normalised("A") == "a"

    def normalised(self, text: str) -> str:
        """The text as it is cut: by the vocabulary's rules in lower case, say, and without accents."""
        normalizer = self._raw.normalizer
        return text if normalizer is None else str(normalizer.normalize_str(text))

    @cached_property
    def ordinary_ids(self) -> I64:
        kept = (n for n, token in enumerate(self._tokens) if n not in self.specials and not _UNUSED.fullmatch(token))
        return np.fromiter(kept, dtype=np.int64)

    @cached_property
    def fingerprint(self) -> str:
        # As JSON, which is what files hold; `str()` is how one version of the library shows it.
        whole = json.loads(self._raw.to_str())
        if isinstance(self._raw.model, models.WordPiece):
            del whole["model"]["vocab"]  # the tokens by id say it, in less
        rules = [whole[part] for part in ("normalizer", "pre_tokenizer", "model")]
        # Special ones are not looked for in a text: how they would be matched changes no id.
        added = [token for token in whole["added_tokens"] if not token["special"]]
        named = [] if self._names == BERT_NAMES else [self._names.all]
        return fingerprint.of_value([self._tokens, sorted(self.specials), rules, added, *named])

    def encode(self, texts: Sequence[str]) -> list[I64]:
        """The ids of each text, no special tokens added."""
        ids_T, lengths_N = self.encode_flat(texts)
        return np.split(ids_T, np.cumsum(lengths_N)[:-1]) if len(lengths_N) else []

    def encode_flat(self, texts: Sequence[str]) -> tuple[I64, I64]:
        """The ids of all texts end to end, and how many are of each text.

        Raises:
            DataError: a text with half of a surrogate pair.
        """
        return self._encoder.encode_flat(texts)

    def encode_places(self, texts: Sequence[str]) -> Encoded:
        """The same ids; where each token begins in its text, in characters; how many tokens each text has.

        Raises:
            DataError: a text with half of a surrogate pair.
        """
        return self._encoder.encode_places(texts)

    @cached_property
    def _encoder(self) -> Encoder:
        return encoder_of(self._cutter)

    def encode_words(self, rows: Sequence[Sequence[str]]) -> list[tuple[I64, I64]]:
        """The ids of each row of words and, for each id, the index of its word; for tagging.

        Every word has at least one piece: one that normalises to nothing (a lone zero-width space) becomes unk, so
        that no word goes without a tag.
        """
        encodings = self._cutter.encode_batch(
            [list(row) for row in rows], is_pretokenized=True, add_special_tokens=False
        )
        return [
            self._with_vanished(np.array(e.ids, dtype=np.int64), np.array(e.word_ids, dtype=np.int64), len(row))
            for e, row in zip(encodings, rows, strict=True)
        ]

    def piece(self, number: int) -> str:
        """The vocabulary's entry of one id, as it is written there."""
        return str(self._raw.id_to_token(number))

    def decode(self, ids: Sequence[int] | I64) -> str:
        """The text of some ids, special tokens shown.

        Raises:
            DataError: an id outside 0 … size - 1.
        """
        numbers = [int(number) for number in ids]
        outside = [number for number in numbers if not 0 <= number < self.size]
        if outside:
            raise DataError(f"id {outside[0]} is outside the tokenizer's 0 … {self.size - 1}.")
        return str(self._raw.decode(numbers, skip_special_tokens=False))

    def _with_vanished(self, ids: I64, words: I64, count: int) -> tuple[I64, I64]:
        vanished = np.setdiff1d(np.arange(count), words)
        places = np.searchsorted(words, vanished)
        return np.insert(ids, places, self.unk), np.insert(words, places, vanished)
