"""Our parameter names and the public BERT format's, as one reversible table.

Public names are those of `transformers`' BERT classes: with a prefix (`bert.embeddings…`) where heads stand beside
the encoder, bare (`embeddings…`) in a BertModel. Our query, key and value matrices are one; here they are split and
joined bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from model.conditional import Condition, ConditionalNorms
from model.config import EncoderConfig, HeadSpec
from model.encoder import Encoder, Pooler
from model.heads import ORDER, build_head
from tokenization.errors import CheckpointError

PREFIX = "bert."
QKV = ("query", "key", "value")
MLM, PAIR = "mlm", "pair"

# (ours, public); `{}` stands for the place in QKV, for which our one tensor is cut in three.
_EMBEDDINGS = (
    ("encoder.embeddings.word.weight", "embeddings.word_embeddings.weight"),
    ("encoder.embeddings.position.weight", "embeddings.position_embeddings.weight"),
    ("encoder.embeddings.segment.weight", "embeddings.token_type_embeddings.weight"),
    ("encoder.embeddings.norm", "embeddings.LayerNorm"),
)
_BLOCK = (
    ("attention.qkv", "attention.self.{}"),
    ("attention.out", "attention.output.dense"),
    ("attention_norm", "attention.output.LayerNorm"),
    ("feed_forward.up", "intermediate.dense"),
    ("feed_forward.down", "output.dense"),
    ("feed_forward_norm", "output.LayerNorm"),
)
_POOLER = (("pooler.dense", "pooler.dense"),)
_MLM = (
    ("dense", "cls.predictions.transform.dense"),
    ("norm", "cls.predictions.transform.LayerNorm"),
    ("bias", "cls.predictions.bias"),
)
_PAIR = (("linear", "cls.seq_relationship"),)

# Copies and buffers that carry nothing of their own; read only to check that they are copies.
COPIES = {
    "cls.predictions.decoder.weight": "embeddings.word_embeddings.weight",
    "cls.predictions.decoder.bias": "cls.predictions.bias",
}
POSITION_IDS = "embeddings.position_ids"
# TensorFlow's names for LayerNorm's parameters, in the oldest conversions.
_OLD = (("LayerNorm.gamma", "LayerNorm.weight"), ("LayerNorm.beta", "LayerNorm.bias"))


@dataclass(frozen=True)
class PublicHeads:
    """The names of the heads that take the public format's two places, or None."""

    mlm: str | None = None
    pair: str | None = None


def first_heads(heads: tuple[HeadSpec, ...]) -> PublicHeads:
    """The public format has one place for a masked LM and one for a pair head: the first of each kind takes it.

    Whoever reads the pair's place takes it for next sentence prediction, so a head on the order of sentences does not.
    """
    first: dict[str, str] = {spec.kind: spec.name for spec in reversed(heads) if spec.name != ORDER}
    return PublicHeads(first.get(MLM), first.get(PAIR))


def table(layers: int, heads: PublicHeads) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each of our names with its one or three public names, without prefix; all parts that there may be."""
    pairs = [*_EMBEDDINGS, *_POOLER]
    for i in range(layers):
        pairs += [(f"encoder.blocks.{i}.{ours}", f"encoder.layer.{i}.{public}") for ours, public in _BLOCK]
    for name, rows in ((heads.mlm, _MLM), (heads.pair, _PAIR)):
        pairs += [(f"heads.{name}.{ours}", public) for ours, public in rows] if name is not None else []
    for ours, public in pairs:
        whole = ours.endswith((".weight", ".bias"))
        for ending in ("",) if whole else (".weight", ".bias"):
            names = tuple(public.format(part) for part in QKV) if "{}" in public else (public,)
            yield ours + ending, tuple(name + ending for name in names)


def plain(public: str) -> str:
    """A public name without prefix and in today's spelling."""
    name = public.removeprefix(PREFIX)
    for old, new in _OLD:
        name = name.replace(old, new)
    return name


def prefixed(name: str) -> str:
    """A plain name as it stands in a file with heads: the heads' own names have no prefix."""
    return name if name.startswith("cls.") else PREFIX + name


def split(tensor: Tensor, parts: int) -> tuple[Tensor, ...]:
    """One of our tensors as its public ones."""
    return tuple(part.contiguous() for part in tensor.chunk(parts)) if parts > 1 else (tensor,)


def join(parts: list[Tensor], name: str) -> Tensor:
    """The inverse of `split`."""
    if len({part.dtype for part in parts}) > 1:
        raise CheckpointError(f"{name}: query, key and value are stored in different types; convert them to one first")
    return torch.cat(parts) if len(parts) > 1 else parts[0]


def shapes(
    config: EncoderConfig, heads: tuple[HeadSpec, ...], conditions: tuple[Condition, ...] = ()
) -> Mapping[str, torch.Size]:
    """The shape of each of our parameters; a tied one only once, under the encoder's name."""
    with torch.device("meta"):
        encoder, pooler = Encoder(config), Pooler(config)
        parts = {"encoder": encoder, "pooler": pooler}
        for spec in heads:
            parts[f"heads.{spec.name}"] = build_head(spec, config, encoder.embeddings.word.weight)
        if conditions:
            parts["conditional"] = ConditionalNorms(config, conditions)
    return {
        f"{prefix}.{name}": parameter.shape
        for prefix, part in parts.items()
        for name, parameter in part.named_parameters()
        if not is_tied(f"{prefix}.{name}")
    }


def is_tied(name: str) -> bool:
    """Whether one of our names is a language model's second name of the word embedding."""
    return name.startswith("heads.") and name.endswith((".decoder", ".word"))
