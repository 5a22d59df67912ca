"""The fast encoder: the tokenizer's own ids and places on any text, whatever the cache holds."""

import pickle
import random
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import tokenizers
from tokenizers import AddedToken, models, normalizers, pre_tokenizers

from tokenization import fast_encode, word_cache
from tokenization.errors import DataError
from tokenization.fast_encode import FastEncoder, encoder_of
from tokenization.plain_encode import Encoder, PlainEncoder
from tokenization.tokenizer_files import SPECIALS, bert_tokenizer
from tokenization.vocabulary import Tokenizer

TRAPS = (
    "[SEP] [MASK][CLS] [UNK] ##ing un##able unbelievable Zürich naïve déjà-vu I'm 3.14 U.S.A. http://a.b/c?d=e_f "
    "e\u0301 a\u0316\u0301\u0327 \u0301x 中\u0301 。\u0301 你好世界 圆周率是3.14 龍龜 \uf900\ufa0e \U0002f800 𠀀 〇々 "
    "ｱｲ Ａ１ ひらがな カタカナ 한국어 \u1112\u1161\u11ab русский Ёж ελληνικάς हिन्दी ไทยก็ עִבְרִית العربية ﬁﬂ ß ẞ İı ǅ ŉ "
    "👩‍👩‍👧‍👦 🇩🇪 ❤️ ☃ a\u200bb a\u200db \u200e\u00ad\ufeff \ufffd\ufffc a\x00b a\x1cb a\x1fb a\x0bb a\x0cb a\x85b \x7f "
    "“quoted” «so» … —dash– ‘it’ ，。！？；：「」『』（）《》 $€¥₿ ½² ①Ⅳ \U000e0041 \ue000 \U0010ffff"
)
SPACES = ("\u2028", "\u3000", "\xa0", "\u1680", "\t", "\n", "\r\n", "  ")
PIECES = (*TRAPS.split(" "), *SPACES, "x" * 100, "x" * 101, "é" * 70, "中" * 120)
RANGES = (
    (0x20, 0x7F),
    (0, 0x250),
    (0x300, 0x370),
    (0x2000, 0x2070),
    (0x3000, 0xA000),
    (0xAC00, 0xD7B0),
    (0xE000, 0xFFFE),
)
SETTINGS = (
    {"lowercase": True},
    {"lowercase": False},
    {"lowercase": True, "strip_accents": False},
    {"lowercase": False, "strip_accents": True, "handle_chinese_chars": False},
    {"clean_text": False},
)


def strange_texts(count: int, seed: int) -> list[str]:
    """Texts of up to 12 parts: known traps, and runs of random characters with and without spaces between."""
    draw = random.Random(seed)

    def part() -> str:
        if draw.random() < 0.5:
            return draw.choice(PIECES)
        low, high = draw.choice((*RANGES, (0xE000, sys.maxunicode + 1)))
        return "".join(chr(draw.randrange(low, high)) for _ in range(draw.randrange(1, 6)))

    return [draw.choice(("", " ")).join(part() for _ in range(draw.randrange(13))) for _ in range(count)]


def differing(ours: Encoder, raw: tokenizers.Tokenizer, texts: Sequence[str]) -> list[str]:
    """The texts whose ids or places are not those of the tokenizer itself."""
    found, expected = ours.encode_places(texts), raw.encode_batch(list(texts), add_special_tokens=False)
    ids_T, lengths_N = ours.encode_flat(texts)
    assert np.array_equal(ids_T, found.ids_T)
    assert np.array_equal(lengths_N, found.lengths_N)
    stops = np.cumsum(found.lengths_N)[:-1]
    rows = zip(texts, np.split(found.ids_T, stops), np.split(found.places_T, stops), expected, strict=True)
    return [
        text
        for text, ids, places, other in rows
        if ids.tolist() != other.ids or places.tolist() != [start for start, _ in other.offsets]
    ]


@pytest.fixture(scope="module")
def vocabulary() -> dict[str, int]:
    """The traps' characters, alone and as continuations, in every normal form; some pieces of two and three."""
    written = "".join(PIECES)
    forms = f"{written}{written.lower()}{unicodedata.normalize('NFD', written)}"
    runs = {forms[start : start + size] for size in (1, 2, 3) for start in range(0, len(forms), 1 if size == 1 else 5)}
    kept = sorted(run for run in runs if not any(character.isspace() for character in run))
    tokens = dict.fromkeys([*SPECIALS, *kept, *(f"##{run}" for run in kept)])
    return {token: number for number, token in enumerate(tokens)}


def bert(vocabulary: dict[str, int], **settings: bool) -> tokenizers.Tokenizer:
    """A tokenizer that takes written specials for text, with some settings of its normalizer."""
    raw = bert_tokenizer(vocabulary, lowercase=True)
    raw.normalizer = normalizers.BertNormalizer(**settings)
    raw.encode_special_tokens = True
    return raw


@pytest.fixture(scope="module")
def small(vocabulary: dict[str, int]) -> tokenizers.Tokenizer:
    return bert(vocabulary)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_ids_and_places_are_the_tokenizers_on_strange_text(
    vocabulary: dict[str, int], settings: dict[str, bool]
) -> None:
    raw = bert(vocabulary, **settings)
    ours = encoder_of(raw)
    assert isinstance(ours, FastEncoder)
    assert differing(ours, raw, strange_texts(4000, seed=len(str(settings)))) == []


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "lowercase"), [("bert-base-uncased", True), ("bert-base-cased", False), ("bert-base-chinese", False)]
)
def test_ids_and_places_are_the_tokenizers_on_20000_strange_texts(
    data_folder: Path, name: str, lowercase: bool
) -> None:
    raw = Tokenizer.load(data_folder / "vocab" / f"{name}.txt", lowercase)._raw
    assert isinstance(encoder_of(raw), FastEncoder)
    assert differing(encoder_of(raw), raw, strange_texts(20_000, seed=1)) == []


@pytest.mark.slow
@pytest.mark.parametrize("settings", SETTINGS[:2], ids=str)
def test_every_character_of_unicode_is_cut_as_the_tokenizer_does(
    vocabulary: dict[str, int], settings: dict[str, bool]
) -> None:
    raw = bert(vocabulary, **settings)
    ours = encoder_of(raw)
    for block in _blocks_of_unicode(1 << 12):
        around = "a{0}b。{0}\u0301e {0}\u0316\u0301{0}中{0}"
        assert differing(ours, raw, [around.format(character) for character in block]) == []


def _blocks_of_unicode(size: int) -> Iterator[list[str]]:
    for start in range(0, sys.maxunicode + 1, size):
        if block := [chr(code) for code in range(start, start + size) if not 0xD800 <= code < 0xE000]:
            yield block


def test_what_the_cache_holds_changes_nothing(small: tokenizers.Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = strange_texts(300, seed=3)
    ours = FastEncoder(small)
    first = ours.encode_places(texts)
    monkeypatch.setattr(word_cache, "_CHARACTERS", 500)
    monkeypatch.setattr(fast_encode, "_SLAB", 100)
    for again in (ours.encode_places(texts), FastEncoder(small).encode_places(texts)):
        for before, after in zip(first, again, strict=True):
            np.testing.assert_array_equal(before, after)


def test_a_full_cache_begins_anew(small: tokenizers.Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_cache, "_CHARACTERS", 1000)
    words = word_cache.WordCache(small)
    for start in range(0, 5000, 50):
        many = [f"w{number}" for number in range(start, start + 50)]
        words.look_up(np.frombuffer("".join(many).encode("utf-32-le"), np.uint32), np.array(list(map(len, many))))
        assert len(words.firsts) <= small.get_vocab_size() + 1000 // 16 + 50


def test_a_long_text_is_worked_on_in_parts(small: tokenizers.Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_encode, "_SLAB", 64)
    monkeypatch.setattr(fast_encode, "_LOOK", 16)
    text = "".join(strange_texts(200, seed=5)) + "unbroken" * 100
    assert max(len(part.string) for part in FastEncoder(small)._parts([text])) < 1100
    assert differing(FastEncoder(small), small, ["", text, "a", text, ""]) == []


def test_no_text_has_no_ids(small: tokenizers.Tokenizer) -> None:
    for encoder in (FastEncoder(small), PlainEncoder(small)):
        assert [len(part) for part in encoder.encode_places([])] == [0, 0, 0]
        assert [part.tolist() for part in encoder.encode_places(["", " \n"])] == [[], [], [0, 0]]
    assert Tokenizer(small).encode([]) == []


def test_half_of_a_surrogate_pair_is_refused(small: tokenizers.Tokenizer) -> None:
    for encoder in (FastEncoder(small), PlainEncoder(small)):
        for encode in (encoder.encode_flat, encoder.encode_places):
            with pytest.raises(
                DataError, match=r"U\+D83D, half of a surrogate pair and no character, in '.*so \\ud83d"
            ):
                encode(["fine", "so \ud83d"])


def test_any_other_tokenizer_goes_to_itself(vocabulary: dict[str, int]) -> None:
    def plain(change: str) -> tokenizers.Tokenizer:
        raw = bert(vocabulary)
        raw.encode_special_tokens = change != "specials"
        if change == "normalizer":
            raw.normalizer = normalizers.Sequence([normalizers.BertNormalizer()])
        if change == "pre_tokenizer":
            raw.pre_tokenizer = pre_tokenizers.Whitespace()
        if change == "model":
            raw.model = models.BPE()
        if change == "added":
            raw.add_tokens([AddedToken("new york", single_word=True)])
        return raw

    texts = [*strange_texts(200, seed=9), "in new york [SEP] now"]
    for change in ("normalizer", "pre_tokenizer", "model", "specials", "added"):
        raw = plain(change)
        assert isinstance(encoder_of(raw), PlainEncoder)
        assert differing(encoder_of(raw), raw, texts) == []


def test_a_tokenizer_travels_to_another_process_without_its_cache(small: tokenizers.Tokenizer) -> None:
    ours, texts = Tokenizer(small), [*strange_texts(500, seed=2), "a [SEP] b"]
    ids_T, _ = ours.encode_flat(texts)
    sent = pickle.dumps(ours)
    assert len(sent) < len(pickle.dumps(small)) + 1000
    again = pickle.loads(sent)
    assert again.fingerprint == ours.fingerprint
    np.testing.assert_array_equal(again.encode_flat(texts)[0], ids_T)
    assert ours.sep not in ids_T
