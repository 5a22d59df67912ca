"""A tokenizer's files: `vocab.txt`, `tokenizer.json`, `tokenizer_config.json`, read and written.

What is read is checked against what a BERT needs; what is written opens offline in `transformers` with equal ids.
"""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

from tokenization import atomic
from tokenization.errors import DataError

SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_KINDS = ("WordPiece", "BPE", "Unigram")


@dataclass(frozen=True)
class SpecialNames:
    """What a vocabulary calls its special tokens; BERT's names, unless its files say others."""

    pad: str = SPECIALS[0]
    unk: str = SPECIALS[1]
    cls: str = SPECIALS[2]
    sep: str = SPECIALS[3]
    mask: str = SPECIALS[4]

    @property
    def all(self) -> tuple[str, ...]:
        return (self.pad, self.unk, self.cls, self.sep, self.mask)


BERT_NAMES = SpecialNames()


def bert_tokenizer(vocabulary: dict[str, int], lowercase: bool) -> tokenizers.Tokenizer:
    """The tokenizer that the original BERT defines over a vocabulary of word pieces."""
    raw = tokenizers.Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    raw.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    raw.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    raw.decoder = decoders.WordPiece(prefix="##")
    raw.add_special_tokens(list(SPECIALS))
    raw.post_processor = bert_processing(raw)
    return raw


def bert_processing(raw: tokenizers.Tokenizer) -> processors.BertProcessing:
    """`[CLS] … [SEP]` round a text, and `[CLS] … [SEP] … [SEP]` round a pair."""
    ids = raw.get_vocab(with_added_tokens=True)
    return processors.BertProcessing(("[SEP]", ids["[SEP]"]), ("[CLS]", ids["[CLS]"]))


def read_tokenizer(path: Path, lowercase: bool | None) -> tuple[tokenizers.Tokenizer, SpecialNames]:
    """Read a folder (its tokenizer.json, else its vocab.txt), a tokenizer.json, or a vocab.txt.

    Args:
        lowercase: what the user said; needed only for a vocab.txt without a tokenizer_config.json beside it.

    Raises:
        DataError: missing or malformed files, an unknown kind, a special token missing, or two answers to `lowercase`.
    """
    file = _tokenizer_file(path)
    said = _said_lowercase(file, lowercase)
    names = _special_names(file)
    if file.suffix == ".json":
        raw = _read_json(file)
        _check_lowercase(file, raw, said)
    else:
        vocabulary = _read_vocabulary(file)
        _require_specials(vocabulary, BERT_NAMES, file)  # a bare vocabulary is BERT's
        if said is None:
            raise DataError(
                f"{file}: a bare vocabulary does not say whether text is put in lower case. "
                "Set the tokenizer's `lowercase` to true (uncased) or false (cased), or put its "
                "tokenizer_config.json beside it."
            )
        raw = bert_tokenizer(vocabulary, said)
    _require_specials(raw.get_vocab(with_added_tokens=True), names, file)
    return raw, names


def write_tokenizer(raw: tokenizers.Tokenizer, names: SpecialNames, folder: Path) -> None:
    """Write tokenizer.json, tokenizer_config.json and, of word pieces, vocab.txt, beside what is there."""
    folder.mkdir(parents=True, exist_ok=True)
    atomic.write_text(folder / "tokenizer.json", raw.to_str(pretty=True) + "\n")
    if isinstance(raw.model, models.WordPiece):
        atomic.write_text(folder / "vocab.txt", "".join(f"{token}\n" for token in tokens_by_id(raw)))
    atomic.write_json(folder / "tokenizer_config.json", _config(raw, names))


def tokens_by_id(raw: tokenizers.Tokenizer) -> list[str]:
    """The vocabulary, added tokens included, in the order of ids.

    Raises:
        DataError: the ids leave gaps, which rows of an embedding cannot.
    """
    ranked = sorted(raw.get_vocab(with_added_tokens=True).items(), key=lambda item: item[1])
    gap = next((place for place, (_, number) in enumerate(ranked) if place != number), None)
    if gap is not None:
        raise DataError(
            f"the tokenizer's ids leave a gap or repeat at {gap}: token {ranked[gap][0]!r} has {ranked[gap][1]}."
        )
    return [token for token, _ in ranked]


def _tokenizer_file(path: Path) -> Path:
    candidates = [path / "tokenizer.json", path / "vocab.txt"] if path.is_dir() else [path]
    found = next((file for file in candidates if file.is_file()), None)
    if found is None:
        raise DataError(
            f"{path}: no tokenizer here. Name a tokenizer.json, a vocab.txt, or a folder that holds one of them."
        )
    return found


def _special_names(file: Path) -> SpecialNames:
    """What tokenizer_config.json or special_tokens_map.json beside a vocabulary call its special tokens.

    Both write a name alone or, with its settings, as {"content": name}.
    """
    said: dict[str, Any] = {}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        if file.with_name(name).is_file():
            said |= {key: value for key, value in _load_json(file.with_name(name)).items() if value is not None}
    given = {role.name: said.get(f"{role.name}_token") for role in fields(SpecialNames)}
    plain = {role: name.get("content") if isinstance(name, dict) else name for role, name in given.items()}
    return SpecialNames(**{role: name for role, name in plain.items() if isinstance(name, str)})


def _said_lowercase(file: Path, given: bool | None) -> bool | None:
    """Whether text is put in lower case, by the user or by tokenizer_config.json; None where neither says."""
    config_file = file.with_name("tokenizer_config.json")
    config = _load_json(config_file).get("do_lower_case") if config_file.is_file() else None
    if given is not None and config is not None and given != config:
        raise DataError(
            f"{config_file}: do_lower_case is {json.dumps(config)}, but the recipe says lowercase: "
            f"{json.dumps(given)}. Leave `lowercase` out, or mend the file."
        )
    return config if given is None else given


def _check_lowercase(file: Path, raw: tokenizers.Tokenizer, said: bool | None) -> None:
    """`transformers` obeys tokenizer_config.json, `tokenizers` obeys tokenizer.json: they must not differ."""
    inside = getattr(raw.normalizer, "lowercase", None)
    if said is not None and inside is not None and inside != said:
        raise DataError(
            f"{file}: its normalizer says lowercase: {json.dumps(inside)}, but the recipe or tokenizer_config.json "
            f"says {json.dumps(said)}. Mend the one that is wrong."
        )


def _read_json(file: Path) -> tokenizers.Tokenizer:
    kind = (_load_json(file).get("model") or {}).get("type")
    if kind not in (None, *_KINDS):
        raise DataError(f"{file}: a tokenizer of type {kind}; what can be read: {', '.join(_KINDS)}.")
    try:
        raw = tokenizers.Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises bare Exception
        raise DataError(f"{file}: not a tokenizer.json: {error}") from None
    return raw


def _read_vocabulary(file: Path) -> dict[str, int]:
    """One token a line, its id the line's number from 0. Lines end at \\n alone: U+2028 is a token of BERT's."""
    try:
        lines = file.read_bytes().decode("utf-8").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: not UTF-8 at byte {error.start}.") from None
    tokens = [line.removesuffix("\r") for line in lines]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    if len(vocabulary) < len(tokens):
        second = next(number for number, token in enumerate(tokens) if vocabulary[token] != number)
        raise DataError(
            f"{file}: {tokens[second]!r} stands on line {second + 1} and on line {vocabulary[tokens[second]] + 1}; "
            "each token has one id."
        )
    return vocabulary


def _require_specials(vocabulary: dict[str, int], names: SpecialNames, file: Path) -> None:
    missing = [token for token in names.all if token not in vocabulary]
    if missing:
        raise DataError(
            f"{file}: the vocabulary lacks {', '.join(missing)}; a BERT needs {', '.join(names.all)}. If it calls them "
            "something else, put its tokenizer_config.json or special_tokens_map.json beside it; if it has none, "
            "choose a vocabulary made for masked language models, or train one."
        )


def _load_json(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: not JSON: {error}") from None
    if not isinstance(value, dict):
        raise DataError(f"{file}: a JSON object was expected.")
    return value


def _config(raw: tokenizers.Tokenizer, names: SpecialNames) -> dict[str, Any]:
    named = {f"{role}_token": token for role, token in asdict(names).items()}
    bert = raw.normalizer
    if not (isinstance(raw.model, models.WordPiece) and isinstance(bert, normalizers.BertNormalizer)):
        # BertTokenizer would put its own model and normalizer in the place of these.
        return {"tokenizer_class": "PreTrainedTokenizerFast", **named}
    return {
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": bert.lowercase,
        "strip_accents": bert.strip_accents,
        "tokenize_chinese_chars": bert.handle_chinese_chars,
        **named,
    }
