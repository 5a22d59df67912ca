"""`config.json` of the public BERT format ↔ EncoderConfig.

Field names are those of `transformers`' BertConfig. Fields that we do not read are kept as they are.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from model.config import EncoderConfig
from tokenization.errors import CheckpointError, RecipeError

SIZES = {
    "vocab_size": "vocab_size",
    "layers": "num_hidden_layers",
    "hidden": "hidden_size",
    "heads": "num_attention_heads",
    "feed_forward": "intermediate_size",
}
OPTIONAL = {
    "positions": ("max_position_embeddings", 512),
    "segments": ("type_vocab_size", 2),
    "dropout": ("hidden_dropout_prob", 0.1),
    "layer_norm_eps": ("layer_norm_eps", 1e-12),
    "initializer_range": ("initializer_range", 0.02),
}
# What has to hold for a file to be BERT as our encoder computes it: field → the only value, and its default.
FIXED: dict[str, Any] = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "position_embedding_type": "absolute",
    "is_decoder": False,
    "add_cross_attention": False,
    "tie_word_embeddings": True,
}


def read_raw(folder: Path) -> dict[str, Any]:
    """The fields of `folder`/config.json.

    Raises:
        CheckpointError: no such folder or file, or it is not a JSON object.
    """
    path = folder / "config.json"
    if not path.is_file():
        lacking = "no config.json there" if folder.is_dir() else "no such folder"
        raise CheckpointError(
            f"{folder}: {lacking}; a model is an exported folder, or a public checkpoint with config.json and "
            "model.safetensors (or pytorch_model.bin); where a command takes one, a finished run (runs/<name>) will do"
        )
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CheckpointError(f"{path}: not valid JSON ({error})") from None
    if not isinstance(raw, dict):
        raise CheckpointError(f"{path}: a JSON object is expected, this is a {type(raw).__name__}")
    return raw


def parse(raw: dict[str, Any], path: Path) -> EncoderConfig:
    """The encoder that a config.json describes; `path` is for messages.

    Raises:
        CheckpointError: another architecture than BERT, or sizes that are missing or wrong.
    """
    problems = [
        f"{field} is {raw[field]!r}, only {value!r} can be read"
        for field, value in FIXED.items()
        if field in raw and raw[field] != value
    ]
    if problems:
        raise CheckpointError(f"{path}: not BERT as it is computed here: {'; '.join(problems)}")
    missing = [field for field in SIZES.values() if field not in raw]
    if missing:
        raise CheckpointError(f"{path}: fields missing: {', '.join(missing)}")
    values = {ours: raw[field] for ours, field in SIZES.items()}
    values |= {ours: raw.get(field, default) for ours, (field, default) in OPTIONAL.items()}
    try:
        return EncoderConfig(**values)
    except (RecipeError, TypeError) as error:
        raise CheckpointError(f"{path}: {error}") from None


def fields_of(config: EncoderConfig, raw: dict[str, Any]) -> dict[str, Any]:
    """`raw` brought up to date with `config`; a `raw` that says the same already is handed back as it is.

    Raises:
        CheckpointError: the encoder is pre-LN, for which the public format has no place.
    """
    if config.norm != "post":
        raise CheckpointError(
            "an encoder with norm: pre cannot be exported: the public BERT format is post-LN, and a program that "
            "opened the file would compute something else without a word. Train with norm: post to export."
        )
    if _says(raw, config):
        return raw
    fields = {field: getattr(config, ours) for ours, field in SIZES.items()}
    fields |= {field: getattr(config, ours) for ours, (field, _) in OPTIONAL.items()}
    fields["attention_probs_dropout_prob"] = config.dropout
    return {**FIXED, "pad_token_id": 0, **raw, **fields}


def _says(raw: dict[str, Any], config: EncoderConfig) -> bool:
    try:
        return parse(raw, Path("config.json")) == config
    except CheckpointError:
        return False
