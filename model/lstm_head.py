"""A task's own model on top of the encoder: a bidirectional LSTM over the rows of each run.

It is what ELMo's and CoVe's vectors were made for: the encoder stands still and hands over features, the LSTM learns
the task (Peters et al. 2018, section 3.3; McCann et al. 2017, section 5).

Shape letters: K layers (the embeddings first), M rows, P runs, L rows of the longest run, D width, E width of an input,
H units of a direction, S width of a state, A answers, C classes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from model.config import EncoderConfig, HeadSpec
from model.reading import Reading, side_by_side
from model.scalar_mix import INPUT, OUTPUT, ScalarMix, beside_words


class LstmHead(nn.Module):
    """Dropout, a bidirectional LSTM, dropout, one linear layer.

    For tagging each row gets an answer off its own state; else each run one, off [maximum ; mean] of its states.

    With `layers: mix` the LSTM reads the mix (`mix_at: input`), or the embeddings, which know no context, while a mix
    is put beside each of its states (`output`), or both, with two mixes. Of two directions that are read `apart`, every
    layer is the two side by side, under the one share that a mix has for it.
    """

    def __init__(self, spec: HeadSpec, config: EncoderConfig) -> None:
        super().__init__()
        design, width = spec.design, config.hidden * (2 if spec.apart else 1)
        self.by_row, self.apart = spec.kind == "tagging", spec.apart
        self.layers = design.layers
        places = {INPUT: (INPUT,), OUTPUT: (OUTPUT,), "both": (INPUT, OUTPUT)}[design.mix_at]
        mixing = places if design.layers == "mix" else ()
        self.mixes = nn.ModuleDict({place: ScalarMix(config.layers + 1) for place in mixing})
        self.dropout = nn.Dropout(config.dropout)
        entering = config.hidden + width if design.layers == "beside_words" else width
        self.lstm = nn.LSTM(entering, design.width, bidirectional=True, batch_first=True)
        leaving = 2 * design.width + (width if OUTPUT in self.mixes else 0)
        self.linear = nn.Linear(leaving if self.by_row else 2 * leaving, spec.size)

    def forward(self, reading: Reading) -> Tensor:
        """(M, D) rows in runs → (A, C): an answer a row (of two directions, a pair) for tagging, else one a run."""
        if self.apart:
            reading = side_by_side(reading)
        lengths_P = reading.runs_P1.diff()
        states_MS = self._states(self._entering(reading), lengths_P)
        if OUTPUT in self.mixes:
            assert reading.layers_KMD is not None
            states_MS = torch.cat([states_MS, self.mixes[OUTPUT](reading.layers_KMD)], dim=1)
        states_MS = self.dropout(states_MS)
        return self.linear(states_MS if self.by_row else _pooled(states_MS, lengths_P))

    def _entering(self, reading: Reading) -> Tensor:
        """(M, E)."""
        if self.layers == "beside_words":
            return beside_words(reading)
        if self.layers == "last":
            return reading.rows_MD
        assert reading.layers_KMD is not None, "the network hands all layers to a head that mixes them"
        return self.mixes[INPUT](reading.layers_KMD) if INPUT in self.mixes else reading.layers_KMD[0]

    def _states(self, entering_ME: Tensor, lengths_P: Tensor) -> Tensor:
        """The LSTM's states, (M, 2 H), float32: torch's CPU kernel knows no mixed precision.

        No row at all is read as a single one of zeros whose state is dropped, which keeps the graph alive.
        """
        found_P = lengths_P[lengths_P > 0]
        idle = not len(found_P)
        if idle:
            found_P = torch.ones(1, dtype=torch.int64)
            entering_ME = torch.cat([entering_ME, entering_ME.new_zeros(1, entering_ME.shape[1])])
        with torch.autocast(entering_ME.device.type, enabled=False):
            entering_ME = self.dropout(entering_ME.float())
            padded_PLE = pad_sequence(entering_ME.split(found_P.tolist()), batch_first=True)
            packed = pack_padded_sequence(padded_PLE, found_P, batch_first=True, enforce_sorted=False)
            states_PLS, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        is_row_PL = torch.arange(states_PLS.shape[1]) < found_P[:, None]
        place_M = torch.nonzero(is_row_PL.flatten())[:, 0].to(states_PLS.device)
        states_MS = states_PLS.flatten(0, 1).index_select(0, place_M)
        return states_MS[:0] if idle else states_MS


def _pooled(states_MS: Tensor, lengths_P: Tensor) -> Tensor:
    """[maximum ; mean] over the rows of each run, (P, 2 S)."""
    if not len(lengths_P):
        return states_MS.new_zeros(0, 2 * states_MS.shape[1]) + states_MS.sum()
    padded_PLS = pad_sequence(states_MS.split(lengths_P.tolist()), batch_first=True, padding_value=-torch.inf)
    mean_PS = torch.segment_reduce(states_MS, "mean", lengths=lengths_P.to(states_MS.device), axis=0)
    return torch.cat([padded_PLS.amax(1), mean_PS], dim=1)
