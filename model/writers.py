"""What gives the next token's logits of texts that are being written, all by one token a step.

Shape letters: N sources, B hypotheses of a source, R = N·B, T tokens of the sources, V vocabulary.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol, cast

import torch
from torch import Tensor

from model.attention import padded_attention
from model.batch import FlatBatch, Targets
from model.cached_attention import CachedAttention, RecordingAttention
from model.decoder import Decoder
from model.heads import DECODER, LM
from model.kinds import LEFT, Kinds
from model.memory import Memory, rows_of
from model.network import Network
from model.reading import Reading


class Writer(Protocol):
    """The texts being written, B for each source, those of a source side by side."""

    @property
    def sources(self) -> int:
        """N at the beginning."""
        ...

    def begin(self) -> Tensor:
        """(R, V), what may come first; the B of a source are alike."""
        ...

    def go_on(self, parents_R: Tensor, tokens_R: Tensor, sources_N: Tensor | None) -> Tensor:
        """(R, V), what may come next.

        Args:
            parents_R: int64, the text of the step before that each goes on with, and with which token.
            tokens_R: int64.
            sources_N: int64, the sources of the step before that are still written for; None for all.
        """
        ...


class DecoderWriter:
    """Writes with the decoder; what its blocks make of the encoder's rows is computed once."""

    def __init__(self, network: Network, batch: FlatBatch, beam: int, start: int) -> None:
        self._decoder = cast(Decoder, network.heads[DECODER])
        self._beam, self._start = beam, start
        rows_TD = network.rows(batch, torch.arange(len(batch.tokens_T), device=batch.tokens_T.device))
        self._nothing_D = rows_TD[:0]
        self._read = self._decoder.read(rows_TD)
        self._offsets_N1 = batch.offsets_N1
        self._attention = CachedAttention(beam)
        self._written = 0

    @property
    def sources(self) -> int:
        return len(self._offsets_N1) - 1

    def begin(self) -> Tensor:
        return self._logits(self._nothing_D.new_full((self.sources * self._beam,), self._start, dtype=torch.int64))

    def go_on(self, parents_R: Tensor, tokens_R: Tensor, sources_N: Tensor | None) -> Tensor:
        self._attention.follow(parents_R, sources_N)
        if sources_N is not None:
            rows_T, self._offsets_N1 = rows_of(self._offsets_N1, sources_N.cpu())
            self._read = [read_T2D.index_select(0, rows_T.to(read_T2D.device)) for read_T2D in self._read]
        self._written += 1
        return self._logits(tokens_R)

    def _logits(self, tokens_R: Tensor) -> Tensor:
        """The hypotheses of a source are one target of B tokens, which all stand at one position."""
        places_N = torch.arange(self.sources)
        offsets_N1 = torch.arange(self.sources + 1) * self._beam
        targets = Targets(tokens_R, torch.full_like(tokens_R, self._written), offsets_N1, places_N)
        rows_R = torch.arange(len(tokens_R), device=tokens_R.device)
        memory = Memory(rows_R[:0], self._offsets_N1)
        logits: Tensor = self._decoder(targets, self._nothing_D, memory, rows_R, self._attention, self._read)
        return logits


class EncoderWriter:
    """Writes with the encoder and its LM head.

    With [MASK], the source is seen both ways and the text goes on at a [MASK] behind its last token, which nothing
    sees afterwards; without it, all is seen to the left and the text goes on at its last token.

    Args:
        mask: the id of [MASK], or None.
    """

    def __init__(self, network: Network, batch: FlatBatch, beam: int, mask: int | None) -> None:
        self._network, self._mask, self._beam = network, mask, beam
        device = batch.tokens_T.device
        recording = RecordingAttention(padded_attention(device), batch.offsets_N1)
        lengths_N = batch.lengths_N
        kinds = None if mask is not None else Kinds(torch.full_like(lengths_N, LEFT), torch.zeros_like(lengths_N))
        last_N = (batch.offsets_N1[1:] - 1).to(device)
        self._last_ND = network.rows(replace(batch, kinds=kinds), last_N, recording)
        self._attention = CachedAttention(beam, recording, passing=0 if mask is None else 1)
        self._position_R = lengths_N.to(device).repeat_interleave(beam)
        self._conditions_R = None if batch.conditions_N is None else batch.conditions_N.repeat_interleave(beam)

    @property
    def sources(self) -> int:
        return len(self._last_ND)

    def begin(self) -> Tensor:
        if self._mask is None:
            return self._answer(self._last_ND.repeat_interleave(self._beam, dim=0))
        return self._logits(self._position_R.new_full((len(self._position_R), 1), self._mask), 0)

    def go_on(self, parents_R: Tensor, tokens_R: Tensor, sources_N: Tensor | None) -> Tensor:
        self._attention.follow(parents_R, sources_N)
        self._position_R = self._position_R.index_select(0, parents_R) + 1
        if self._conditions_R is not None:
            self._conditions_R = self._conditions_R[parents_R.cpu()]
        if self._mask is None:
            return self._logits(tokens_R[:, None], -1)
        return self._logits(torch.stack([tokens_R, torch.full_like(tokens_R, self._mask)], dim=1), -1)

    def _logits(self, tokens_Rn: Tensor, first: int) -> Tensor:
        """Feed some tokens of each text, the first at `first` from where the next token will stand."""
        texts, new = tokens_Rn.shape
        places_n = torch.arange(first, first + new, device=tokens_Rn.device)
        batch = FlatBatch(
            tokens_T=tokens_Rn.flatten(),
            segments_T=tokens_Rn.new_full((texts * new,), 0 if self._mask is None else 1),
            positions_T=(self._position_R[:, None] + places_n).flatten(),
            offsets_N1=torch.arange(texts + 1) * new,
            conditions_N=self._conditions_R,
        )
        self._attention.new = new
        last_R = torch.arange(1, texts + 1, device=tokens_Rn.device) * new - 1
        return self._answer(self._network.rows(batch, last_R, self._attention))

    def _answer(self, rows_RD: Tensor) -> Tensor:
        runs_P1 = torch.arange(len(rows_RD) + 1)
        sides_R = torch.zeros(len(rows_RD), dtype=torch.int64, device=rows_RD.device)
        logits: Tensor = self._network.heads[LM](Reading(rows_RD, runs_P1, sides_R))
        return logits
