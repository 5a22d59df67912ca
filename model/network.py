"""The network: one encoder, one pooler, any number of heads; a FlatBatch in, logits per selection out.

Shape letters: T tokens, M rows of one selection, R rows of all selections, A answers of a head, D width, C classes,
V vocabulary, K layers, G rows of a guide, X rows that a decoder reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from model.attention import Attention, check_attention_name, choose_attention
from model.batch import FlatBatch
from model.conditional import Condition, ConditionalNorms, Shifts
from model.config import EncoderConfig, HeadSpec
from model.encoder import Encoder, Pooler
from model.groups import GroupPart, ParameterGroup, encoder_parts, groups_of
from model.heads import build_head
from model.initialise import initialise, materialise
from model.memory import Memory, memory_of, no_targets
from model.reading import Reading
from model.readings import Part, parts_of, reading
from model.stored import StoredEncoder
from tokenization.errors import RecipeError, did_you_mean


class Network(nn.Module):
    """An encoder with heads.

    Args:
        config: the encoder's sizes.
        heads: all heads, in the fixed order in which they run.
        attention: `auto`, `padded` or `flat`; what it means is settled at the first forward pass, where the
            device and the precision are known, and logged.
        seed: of the initial weights; the same name and seed give the same weights, whatever else the network has.
            None leaves them unset, for a network whose weights are all loaded next.
        conditions: the tasks that have norms of their own; each one's head is among the heads.

    Attributes:
        active: the heads that run. Each runs exactly once per forward pass, in the fixed order, on the rows of all
            its selections, also when there are none. Default: all.
        stored: what is called in the place of the encoder, where that stands still; None: the encoder itself.
    """

    def __init__(
        self,
        config: EncoderConfig,
        heads: Sequence[HeadSpec],
        attention: str = "auto",
        seed: int | None = 0,
        conditions: Sequence[Condition] = (),
    ) -> None:
        super().__init__()
        _check_heads(config, heads, attention)
        assert {one.head for one in conditions} <= {spec.name for spec in heads}, "a condition is of a head"
        self.config = config
        self.specs = tuple(heads)
        self.attention = attention
        device = torch.get_default_device()
        with torch.device("meta"):  # torch's own initial values cost seconds and would be overwritten
            self.encoder = Encoder(config)
            self.pooler = Pooler(config)
            word = self.encoder.embeddings.word.weight
            self.heads = nn.ModuleDict({spec.name: build_head(spec, config, word) for spec in heads})
            self.conditional = ConditionalNorms(config, conditions) if conditions else None
        materialise(self, device)
        self._active = tuple(spec.name for spec in heads)
        self.stored: StoredEncoder | None = None
        self._chosen: dict[tuple[torch.device, torch.dtype], Attention] = {}
        if seed is not None:
            initialise(self, seed, config.initializer_range)

    @property
    def active(self) -> tuple[str, ...]:
        return self._active

    @active.setter
    def active(self, names: Iterable[str]) -> None:
        wanted = set(names)
        for name in sorted(wanted - set(self.heads)):
            raise RecipeError(
                f"the network has no head {name!r}; it has {', '.join(self.heads)}{did_you_mean(name, self.heads)}"
            )
        self._active = tuple(spec.name for spec in self.specs if spec.name in wanted)

    def forward(self, batch: FlatBatch) -> tuple[Tensor, ...]:
        """One encoder pass, one pass of each active head.

        Returns:
            One (M, C) tensor of logits per selection, in the order of `batch.selections`.

        Raises:
            ValueError: a selection's head is not active; or, in training, an active head has no selection, not even
                an empty one, so that it would be left out of the graph.
        """
        self._check_selections(batch)
        attention = self._implementation(batch.tokens_T.device)
        encoded = [(place, one) for place, one in enumerate(batch.selections) if one.head not in self._decoders]
        memory = memory_of(batch) if self._decoders & set(self._active) else None
        rows = [selection.rows_M for _, selection in encoded]
        rows_R = torch.cat([batch.tokens_T.new_zeros(0), *rows, *([] if memory is None else [memory.rows_X])])
        layers_KRD = self._layers(batch, attention, rows_R)
        parts = parts_of(encoded)
        readings = self._readings(parts, layers_KRD, batch.tokens_T[rows_R])
        logits: dict[int, Tensor] = {}
        guides: dict[int, Tensor] = {}
        for name in self._active:
            if name in self._decoders:
                assert memory is not None
                memory_XD = layers_KRD[-1][len(rows_R) - len(memory.rows_X) :]
                logits.update(self._decoded(name, batch, memory_XD, memory, attention))
                continue
            own = parts.get(name, [])
            logits_AC = self.heads[name](readings[name])
            # One selection takes all: the backward of a split would copy the whole (R, V) gradient.
            split = (logits_AC,) if len(own) == 1 else logits_AC.split([part.answers for part in own]) if own else ()
            for part, logits_MC in zip(own, split, strict=True):
                (guides if part.guided else logits)[part.place] = logits_MC
        for part in (part for parts_of_head in parts.values() for part in parts_of_head if part.guided):
            own_MC, guide_GC = logits[part.place], guides[part.place].detach()
            logits[part.place] = own_MC.index_copy(0, part.guide_rows_G, guide_GC.to(own_MC.dtype))
        return tuple(logits[place] for place in range(len(batch.selections)))

    def rows(self, batch: FlatBatch, rows_M: Tensor, attention: Attention | None = None) -> Tensor:
        """Some rows of the last layer, (M, D), without any head; under the usual attention unless another is given."""
        return self._layers(batch, attention or self._implementation(batch.tokens_T.device), rows_M)[-1]

    def groups(self, by_layer: bool = False) -> tuple[ParameterGroup, ...]:
        """All parameters, each once: the encoder (with the tied embedding), the pooler, each head, the conditions.

        Args:
            by_layer: whether the encoder is cut into its embeddings, each block, and what follows the last one.
        """
        pooled = frozenset(spec.name for spec in self.specs if spec.pooled)
        parts = [*encoder_parts(self.encoder, by_layer), GroupPart("pooler", "pooler", self.pooler, pooled)]
        parts += [
            GroupPart(f"head:{spec.name}", f"heads.{spec.name}", self.heads[spec.name], frozenset({spec.name}))
            for spec in self.specs
        ]
        if self.conditional is not None:
            parts.append(GroupPart("conditional", "conditional", self.conditional, self._conditioned))
        return groups_of(parts)

    @property
    def reads_all_layers(self) -> bool:
        """Whether an active head mixes the layers, so that the encoder hands them all over."""
        return any(spec.design.layers == "mix" for spec in self.specs if spec.name in self._active)

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The tasks that have norms of their own."""
        return self.conditional.conditions if self.conditional is not None else ()

    @property
    def _conditioned(self) -> frozenset[str]:
        return frozenset(one.head for one in self.conditions)

    @property
    def _decoders(self) -> frozenset[str]:
        return frozenset(spec.name for spec in self.specs if spec.kind == "decoder")

    def _check_selections(self, batch: FlatBatch) -> None:
        """Every selection reads an active head, and every active head is in the graph of a training step."""
        for place, selection in enumerate(batch.selections):
            for head in filter(None, (selection.head, selection.guide)):
                if head not in self._active:
                    raise ValueError(
                        f"selection {place} ({selection.stream}, {selection.objective}) reads head {head!r}; "
                        f"active heads: {', '.join(self._active) or 'none'}"
                    )
        if self.training and torch.is_grad_enabled():
            asked = {selection.head for selection in batch.selections}
            for name in (name for name in self._active if name not in asked):
                raise ValueError(
                    f"active head {name!r} has no selection: outside of the graph it would train wrong under ZeRO. "
                    "Give it an empty selection, or take it out of `active`."
                )

    def _layers(self, batch: FlatBatch, attention: Attention, rows_R: Tensor) -> Tensor:
        """The rows that are read, (K, R, D): of every layer where an active head mixes them, else of the last."""
        shifts = self._shifts(batch)
        if shifts is None:
            read = (self.stored or self.encoder)(batch, attention, rows_R, layers=self.reads_all_layers)
        else:
            assert self.stored is None, "norms that learn cannot be stored"
            read = self.encoder(batch, attention, rows_R, self.reads_all_layers, shifts)
        return read if self.reads_all_layers else read[None]

    def _shifts(self, batch: FlatBatch) -> Shifts | None:
        """What is added to the norms, where an active head's task has norms of its own."""
        if self.conditional is None or not self._conditioned & set(self._active):
            return None
        return self.conditional(batch.conditions_N, batch.lengths_N)

    def _readings(self, parts: dict[str, list[Part]], layers_KRD: Tensor, tokens_R: Tensor) -> dict[str, Reading]:
        """What each active head reads; the pooler runs once, on the rows of all the heads that read it."""
        specs = [spec for spec in self.specs if spec.name in self._active and spec.name not in self._decoders]
        found: dict[str, Reading] = {}
        for spec in specs:
            layers = layers_KRD if spec.design.layers == "mix" else None
            words = self.encoder.embeddings.word(tokens_R) if spec.design.layers == "beside_words" else None
            found[spec.name] = reading(parts.get(spec.name, []), layers_KRD[-1], layers, words)
        pooled = [spec.name for spec in specs if spec.pooled]
        if pooled:
            rows = [found[name].rows_MD for name in pooled]
            pooled_RD = self.pooler(torch.cat(rows))
            for name, rows_MD in zip(pooled, pooled_RD.split([len(rows_MD) for rows_MD in rows]), strict=True):
                found[name] = replace(found[name], rows_MD=rows_MD)
        return found

    def _decoded(
        self, name: str, batch: FlatBatch, memory_XD: Tensor, memory: Memory, attention: Attention
    ) -> dict[int, Tensor]:
        """The logits of the selections of a decoder, which all read one pass of it."""
        own = [(place, one) for place, one in enumerate(batch.selections) if one.head == name]
        rows_M = torch.cat([batch.tokens_T.new_zeros(0), *(selection.rows_M for _, selection in own)])
        logits_MV = self.heads[name](batch.targets or no_targets(batch), memory_XD, memory, rows_M, attention)
        split = (logits_MV,) if len(own) == 1 else logits_MV.split([len(one.rows_M) for _, one in own]) if own else ()
        return {place: part_MV for (place, _), part_MV in zip(own, split, strict=True)}

    def _implementation(self, device: torch.device) -> Attention:
        """The attention for this device and precision, chosen (and logged) once for each."""
        autocast = torch.is_autocast_enabled(device.type)
        dtype = torch.get_autocast_dtype(device.type) if autocast else self.pooler.dense.weight.dtype
        if (device, dtype) not in self._chosen:
            self._chosen[device, dtype] = choose_attention(
                self.attention, device, dtype, self.config.dropout, self.config.head_width
            )
        return self._chosen[device, dtype]


def _check_heads(config: EncoderConfig, heads: Sequence[HeadSpec], attention: str) -> None:
    """Raise RecipeError on two heads of one name, a masked LM of another vocabulary, an unknown attention."""
    names = [spec.name for spec in heads]
    for name in sorted({name for name in names if names.count(name) > 1}):
        raise RecipeError(f"two heads are called {name!r}; each head needs a name of its own")
    for spec in heads:
        if hasattr(nn.ModuleDict, spec.name):
            raise RecipeError(f"a head cannot be called {spec.name!r}: torch uses this name itself; choose another one")
        if spec.kind in ("mlm", "decoder") and spec.size != config.vocab_size:
            raise RecipeError(
                f"head {spec.name!r} has size {spec.size}; a language model shares the word embedding, "
                f"so it must be encoder.vocab_size = {config.vocab_size}"
            )
    check_attention_name(attention)
