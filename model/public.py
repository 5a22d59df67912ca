"""Models in the public BERT format: a folder with config.json and model.safetensors that `transformers` opens.

Heads that the public format has no place for stand beside them in heads.safetensors; triptych.json names all heads.
Tokenizer files are the caller's.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from model import public_config
from model.conditional import Condition
from model.config import EncoderConfig, HeadSpec
from model.network import Network
from model.public_card import CARD, Card, read_card, write_card
from model.public_names import (
    COPIES,
    MLM,
    PAIR,
    POSITION_IDS,
    PREFIX,
    PublicHeads,
    first_heads,
    is_tied,
    plain,
    shapes,
)
from model.public_tensors import refuse_unfit, to_ours, to_public
from model.weights_file import WEIGHTS, read_safetensors, read_weights, write_safetensors
from tokenization.atomic import remove, write_json

CONFIG, HEADS = "config.json", "heads.safetensors"

# (has a masked LM, has a pair head) → the class whose names and parts these are.
ARCHITECTURES = {
    (True, True): "BertForPreTraining",
    (True, False): "BertForMaskedLM",
    (False, True): "BertForNextSentencePrediction",
    (False, False): "BertModel",
}


log = logging.getLogger("triptych")


@dataclass(frozen=True)
class PublicModel:
    """A model between a file and a network.

    Attributes:
        config: the encoder's sizes.
        heads: the heads whose weights are there.
        tensors: our names → weights, in the type in which they are stored. A tied one stands once.
        raw: the fields of config.json, those that we do not read included.
        architecture: the `transformers` class.
        labels: per head the names of its classes, in the order of the logits, where they are known.
        extras: tensors that are no part of the encoder, pooler or known heads, by their public names; they are
            written back by `write_public` but go into no network.
        bare: whether the file's names stand without the prefix `bert.`, as in a BertModel.
        conditions: the tasks that have norms of their own.
        lm_ways: the ways in which the LM head was trained, by the names of whoever trained it; empty where nothing is
            told, as of every checkpoint that is not ours.
    """

    config: EncoderConfig
    heads: tuple[HeadSpec, ...]
    tensors: Mapping[str, Tensor]
    raw: Mapping[str, Any] = field(default_factory=dict)
    architecture: str = "BertModel"
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    extras: Mapping[str, Tensor] = field(default_factory=dict)
    bare: bool = True
    conditions: tuple[Condition, ...] = ()
    lm_ways: tuple[str, ...] = ()


def public_model(
    config: EncoderConfig,
    heads: Iterable[HeadSpec],
    tensors: Mapping[str, Tensor],
    raw: Mapping[str, Any] | None = None,
    labels: Mapping[str, tuple[str, ...]] | None = None,
    conditions: Iterable[Condition] = (),
    lm_ways: Iterable[str] = (),
) -> PublicModel:
    """A model to be written, from weights by our names (`Network.state_dict()`, or a training checkpoint).

    `raw` brings further fields for config.json, such as `pad_token_id`. Heads without weights are refused.

    Raises:
        CheckpointError: tensors are missing, unknown, or of another shape.
    """
    heads = tuple(heads)
    own = {name: tensor for name, tensor in tensors.items() if not is_tied(name)}
    architecture = _architecture(heads)
    bare = architecture == ARCHITECTURES[False, False]
    named = dict(labels or {})
    more = tuple(conditions), tuple(lm_ways)
    model = PublicModel(config, heads, own, dict(raw or {}), architecture, named, {}, bare, *more)
    refuse_unfit(model.tensors, shapes(model.config, model.heads, model.conditions), "the weights given")
    return model


def of_network(
    network: Network, raw: Mapping[str, Any] | None = None, labels: Mapping[str, tuple[str, ...]] | None = None
) -> PublicModel:
    """A network's weights as a model to be written."""
    return public_model(network.config, network.specs, network.state_dict(), raw, labels, network.conditions)


def read_public(folder: Path) -> PublicModel:
    """Read a folder in the public BERT format: of `transformers`, of other tools, or our own with task heads.

    Raises:
        CheckpointError: another architecture; a file that is missing, cut short or damaged; an encoder tensor that
            is missing or of another shape (its name, the file's shape, the expected one).
    """
    raw = public_config.read_raw(folder)
    config = public_config.parse(raw, folder / CONFIG)
    if raw.get("attention_probs_dropout_prob", config.dropout) != config.dropout:
        log.info("%s: hidden_dropout_prob is used for attention too: the encoder has one rate", folder)
    stored = read_weights(folder)
    card = read_card(folder)
    public = _public_heads(stored, card.heads)
    tensors, extras = to_ours(stored, config.layers, public)
    if (folder / HEADS).is_file():
        tensors |= read_safetensors(folder / HEADS)
    heads = card.heads or _found_heads(public, config)
    architecture = (raw.get("architectures") or [_architecture(heads)])[0]
    bare = not any(name.startswith(PREFIX) for name in stored)
    more = card.labels, extras, bare, card.conditions, card.lm_ways
    model = PublicModel(config, heads, tensors, raw, architecture, *more)
    refuse_unfit(model.tensors, shapes(model.config, model.heads, model.conditions), str(folder))
    return model


def write_public(model: PublicModel, folder: Path) -> None:
    """Write a model in the public BERT format into `folder`, config.json last; other files there are left alone.

    Raises:
        CheckpointError: a pre-LN encoder (the public format has no place for it).
        RunError: the disk is full.
    """
    fields = public_config.fields_of(model.config, dict(model.raw))
    public, own = to_public(model.tensors, model.config.layers, first_heads(model.heads), model.bare)
    remove(folder / CONFIG)
    write_safetensors(folder / WEIGHTS, {**model.extras, **public})
    for path, wanted in ((folder / HEADS, bool(own)), (folder / CARD, bool(model.heads))):
        if not wanted:
            remove(path)
    if own:
        write_safetensors(folder / HEADS, own)
    if model.heads:
        write_card(folder, Card(model.heads, model.labels, model.conditions, model.lm_ways))
    write_json(folder / CONFIG, {**fields, **_dtype(model, fields), "architectures": [model.architecture]})


def _dtype(model: PublicModel, fields: Mapping[str, Any]) -> dict[str, str]:
    """The field that says how the weights are stored: `transformers` opens them in the type it names."""
    dtype = str(model.tensors["encoder.embeddings.word.weight"].dtype).removeprefix("torch.")
    stated = "torch_dtype" if "torch_dtype" in fields else "dtype"
    return {stated: dtype} if stated in fields or dtype != "float32" else {}


def round_trip(source: Path, target: Path) -> PublicModel:
    """Read a public checkpoint and write it again: every tensor bit for bit, every field of its config kept."""
    model = read_public(source)
    write_public(model, target)
    return model


def _architecture(heads: tuple[HeadSpec, ...]) -> str:
    public = first_heads(heads)
    return ARCHITECTURES[public.mlm is not None, public.pair is not None]


def _public_heads(stored: Mapping[str, Tensor], named: tuple[HeadSpec, ...]) -> PublicHeads:
    """The names of the heads that stand in the public file."""
    names = {plain(name) for name in stored}
    first = first_heads(named)
    has_mlm = any(name.startswith("cls.predictions.transform.") for name in names)
    has_pair = any(name.startswith("cls.seq_relationship.") for name in names)
    return PublicHeads((first.mlm or MLM) if has_mlm else None, (first.pair or PAIR) if has_pair else None)


def _found_heads(public: PublicHeads, config: EncoderConfig) -> tuple[HeadSpec, ...]:
    """The specs of the heads of a file that does not name them."""
    mlm = [HeadSpec(public.mlm, "mlm", config.vocab_size)] if public.mlm else []
    pair = [HeadSpec(public.pair, "pair", 2)] if public.pair else []
    return (*mlm, *pair)


def unread(model: PublicModel) -> tuple[str, ...]:
    """Public names of tensors that carry something and that no network of ours takes."""
    return tuple(sorted(name for name in model.extras if plain(name) not in {*COPIES, POSITION_IDS}))
