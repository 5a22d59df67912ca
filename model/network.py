"""The network: one encoder, one pooler, any number of heads; a FlatBatch in, logits per selection out.

Shape letters: T tokens, M rows of one selection, R rows of all selections (of a head), D width, C classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from model.attention import Attention, check_attention_name, choose_attention
from model.batch import FlatBatch
from model.config import EncoderConfig, HeadSpec
from model.encoder import Encoder, Pooler
from model.heads import build_head
from model.initialise import initialise, materialise
from tokenization.errors import RecipeError, did_you_mean


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters that move, or stand still, together.

    Attributes:
        name: `encoder`, `pooler` or `head:<name>`.
        heads: the heads that use them; in a step in which none of these counts, the group stands still.
            None means that every head uses them.
        parameters: names (as in `state_dict`) and parameters; a shared parameter stands in one group only.
    """

    name: str
    heads: frozenset[str] | None
    parameters: tuple[tuple[str, nn.Parameter], ...]


class Network(nn.Module):
    """An encoder with heads.

    Args:
        config: the encoder's sizes.
        heads: all heads, in the fixed order in which they run.
        attention: `auto`, `padded` or `flat`; what it means is settled at the first forward pass, where the
            device and the precision are known, and logged.
        seed: of the initial weights; the same name and seed give the same weights, whatever else the network has.
            None leaves them unset, for a network whose weights are all loaded next.

    Attributes:
        active: the heads that run. Each runs exactly once per forward pass, in the fixed order, on the rows of all
            its selections, also when there are none. Default: all.
    """

    def __init__(
        self, config: EncoderConfig, heads: Sequence[HeadSpec], attention: str = "auto", seed: int | None = 0
    ) -> None:
        super().__init__()
        _check_heads(config, heads, attention)
        self.config = config
        self.specs = tuple(heads)
        self.attention = attention
        device = torch.get_default_device()
        with torch.device("meta"):  # torch's own initial values cost seconds and would be overwritten
            self.encoder = Encoder(config)
            self.pooler = Pooler(config)
            word = self.encoder.embeddings.word.weight
            self.heads = nn.ModuleDict({spec.name: build_head(spec, config, word) for spec in heads})
        materialise(self, device)
        self._active = tuple(spec.name for spec in heads)
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
        places = self._places(batch)
        rows = [selection.rows_M for selection in batch.selections]
        rows_R = torch.cat([batch.tokens_T.new_zeros(0), *rows])
        read_RD = self.encoder(batch, self._implementation(batch.tokens_T.device), rows_R)
        inputs = self._inputs(read_RD, [len(rows_M) for rows_M in rows], places)
        logits: dict[int, Tensor] = {}
        for name in self._active:
            logits_RC = self.heads[name](inputs[name])
            sizes = [len(batch.selections[place].rows_M) for place in places[name]]
            # One selection takes all: the backward of a split would copy the whole (R, V) gradient.
            parts = (logits_RC,) if len(sizes) == 1 else logits_RC.split(sizes) if sizes else ()
            logits.update(zip(places[name], parts, strict=True))
        return tuple(logits[place] for place in range(len(batch.selections)))

    def groups(self) -> tuple[ParameterGroup, ...]:
        """All parameters, each once: the encoder (with the tied embedding), the pooler, then each head."""
        seen: set[int] = set()
        pooled = frozenset(spec.name for spec in self.specs if spec.pooled)
        parts: list[tuple[str, frozenset[str] | None, str, nn.Module]] = [
            ("encoder", None, "encoder.", self.encoder),
            ("pooler", pooled, "pooler.", self.pooler),
        ]
        for spec in self.specs:
            module = self.heads[spec.name]
            parts.append((f"head:{spec.name}", frozenset({spec.name}), f"heads.{spec.name}.", module))
        return tuple(
            ParameterGroup(name, heads, _unseen(module, prefix, seen)) for name, heads, prefix, module in parts
        )

    def _places(self, batch: FlatBatch) -> dict[str, list[int]]:
        """For each active head, which selections it answers."""
        places: dict[str, list[int]] = {name: [] for name in self._active}
        for place, selection in enumerate(batch.selections):
            if selection.head not in places:
                raise ValueError(
                    f"selection {place} ({selection.stream}, {selection.objective}) reads head {selection.head!r}; "
                    f"active heads: {', '.join(self._active) or 'none'}"
                )
            places[selection.head].append(place)
        if self.training and torch.is_grad_enabled():
            for name, found in places.items():
                if not found:
                    raise ValueError(
                        f"active head {name!r} has no selection: outside of the graph it would train wrong under ZeRO. "
                        "Give it an empty selection, or take it out of `active`."
                    )
        return places

    def _inputs(self, read_RD: Tensor, sizes: Sequence[int], places: dict[str, list[int]]) -> dict[str, Tensor]:
        """What each active head reads; the pooler runs once, on the rows of all the heads that read it.

        Args:
            read_RD: the encoder's rows of all selections, end to end.
            sizes: rows of each selection.
        """
        parts = read_RD.split([*sizes, 0])  # the empty part stands for a head that nobody asks
        inputs = {name: torch.cat([parts[-1], *(parts[place] for place in found)]) for name, found in places.items()}
        pooled = [spec.name for spec in self.specs if spec.pooled and spec.name in inputs]
        if pooled:
            pooled_RD = self.pooler(torch.cat([inputs[name] for name in pooled]))
            inputs.update(zip(pooled, pooled_RD.split([len(inputs[name]) for name in pooled]), strict=True))
        return inputs

    def _implementation(self, device: torch.device) -> Attention:
        """The attention for this device and precision, chosen (and logged) once for each."""
        autocast = torch.is_autocast_enabled(device.type)
        dtype = torch.get_autocast_dtype(device.type) if autocast else self.pooler.dense.weight.dtype
        if (device, dtype) not in self._chosen:
            self._chosen[device, dtype] = choose_attention(
                self.attention, device, dtype, self.config.dropout, self.config.head_width
            )
        return self._chosen[device, dtype]


def _unseen(module: nn.Module, prefix: str, seen: set[int]) -> tuple[tuple[str, nn.Parameter], ...]:
    """The module's parameters that no earlier part had, with their full names."""
    fresh = [(prefix + name, p) for name, p in module.named_parameters() if id(p) not in seen]
    seen.update(id(p) for _, p in fresh)
    return tuple(fresh)


def _check_heads(config: EncoderConfig, heads: Sequence[HeadSpec], attention: str) -> None:
    """Raise RecipeError on two heads of one name, a masked LM of another vocabulary, an unknown attention."""
    names = [spec.name for spec in heads]
    for name in sorted({name for name in names if names.count(name) > 1}):
        raise RecipeError(f"two heads are called {name!r}; each head needs a name of its own")
    for spec in heads:
        if hasattr(nn.ModuleDict, spec.name):
            raise RecipeError(f"a head cannot be called {spec.name!r}: torch uses this name itself; choose another one")
        if spec.kind == "mlm" and spec.size != config.vocab_size:
            raise RecipeError(
                f"head {spec.name!r} has size {spec.size}; a masked LM shares the word embedding, "
                f"so it must be encoder.vocab_size = {config.vocab_size}"
            )
    check_attention_name(attention)
