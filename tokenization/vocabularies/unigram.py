"""Training a Unigram vocabulary (Kudo 2018) that is a function of the text.

The `tokenizers` trainer goes through the words in the order of a hash table that is seeded anew in each process. Three
things depend on it, and are mended here: characters that its last step has lost come back with scores in that order;
sums are rounded in that order, so that scores differ from about the eleventh digit on; and equal scores are listed in
that order. What is left: two ways of cutting a word that are equally likely to eleven digits may be told apart by that
rounding. The trainer also keeps every character of the text, however rare; here the rarest become white space.
"""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import count, takewhile

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

from tokenization.tokenizer_files import SPECIALS, bert_processing
from tokenization.vocabularies.alphabet import character_counts, commonest, normal_counts

Piece = tuple[str, float]

_SPACE = "▁"
_DIGITS = 4  # of a score: far fewer than those that are repeatable, and more than a choice between cuts needs
_STEP = 0.0001  # what the trainer adds from one lost character to the next
_LONG = re.compile(r"\S{1000}")  # a run without a space, in a script without spaces or in what is no text


def train_unigram(texts: Iterable[str], size: int, lowercase: bool) -> tokenizers.Tokenizer:
    """A Unigram tokenizer in the manner of SentencePiece: NFKC, white space as one space, `▁` before each word.

    Args:
        texts: not empty; gone through twice.
        size: entries at most, enough for an alphabet; fewer where the text has not that many pieces.
    """
    raw = _blank(lowercase)
    trainer = trainers.UnigramTrainer(
        vocab_size=size, special_tokens=list(SPECIALS), unk_token=SPECIALS[1], show_progress=False
    )
    raw.train_from_iterator(_readable(texts, size, raw.normalizer), trainer)
    whole = json.loads(raw.to_str())
    pieces = [(piece, score) for piece, score in whole["model"]["vocab"] if piece not in SPECIALS]
    whole["model"]["vocab"] = [*((token, 0.0) for token in SPECIALS), *settled(pieces)]
    whole["model"]["unk_id"] = 1
    raw = tokenizers.Tokenizer.from_str(json.dumps(whole))
    raw.post_processor = bert_processing(raw)
    return raw


def _blank(lowercase: bool) -> tokenizers.Tokenizer:
    plain = [normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()] if lowercase else []
    one_space = normalizers.Replace(tokenizers.Regex(r"\s+"), " ")
    raw = tokenizers.Tokenizer(models.Unigram())
    raw.normalizer = normalizers.Sequence([*plain, normalizers.NFKC(), one_space, normalizers.Strip()])
    raw.pre_tokenizer = pre_tokenizers.Metaspace(replacement=_SPACE, prepend_scheme="always")
    raw.decoder = decoders.Metaspace(replacement=_SPACE, prepend_scheme="always")
    return raw


def _readable(texts: Iterable[str], size: int, normalizer: normalizers.Normalizer) -> Iterator[str]:
    """The texts with rare characters as white space, and long runs without a space cut."""
    seen = character_counts(texts)
    kept = set(commonest(normal_counts(seen, normalizer), size // 2))
    rare = {ord(one): " " for one in seen if not set("".join(normalizer.normalize_str(one).split())) <= kept}
    for text in texts:
        yield _LONG.sub(r"\g<0> ", text.translate(rare))


def settled(pieces: list[Piece]) -> list[Piece]:
    """The pieces with lost characters scored by code point, scores rounded, and by falling score."""
    scores = dict(pieces)
    lost = _lost(scores)
    levels = sorted((scores[character] for character in lost), reverse=True)
    scores |= dict(zip(lost, levels, strict=True))
    rounded = [(piece, round(score, _DIGITS)) for piece, score in scores.items()]
    return sorted(rounded, key=lambda item: (-item[1], item[0]))


def _lost(scores: dict[str, float]) -> list[str]:
    """The characters that stand a step from each other at the lower end of the scores, by code point.

    The lowest level may also hold one that was not lost; which of them it is cannot be told, and does not matter.
    """
    lowest = min(scores.values())
    levels: dict[int, list[str]] = {}
    for piece, score in scores.items():
        level = round((score - lowest) / _STEP)
        if len(piece) == 1 and abs(score - lowest - level * _STEP) < _STEP / 1000:
            levels.setdefault(level, []).append(piece)
    return sorted(piece for level in takewhile(levels.__contains__, count()) for piece in levels[level])
