"""How a head reads the encoder: which layers, and one row or many for an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from tokenization.errors import RecipeError, did_you_mean

Pool = Literal["row", "concat", "attention", "san", "siamese", "lstm"]
Layers = Literal["last", "mix", "beside_words"]


@dataclass(frozen=True)
class HeadDesign:
    """How a head reads.

    Attributes:
        pool: `row` reads one row an answer; the others the rows of a run: `concat` its first row, maximum and mean
            (Howard, Ruder 2018, section 3.3), `attention` their learned mean, `san` the stochastic answer network
            (Liu et al. 2018), `siamese` the means of both sides, `lstm` a bidirectional LSTM over them.
        layers: `last`; `mix`, a learned mean of all (Peters et al. 2018, equation 1); `beside_words`, the last one
            behind the word embeddings (McCann et al. 2017, section 5).
        mix_at: with `mix` and `lstm`: before the LSTM, behind it, or both.
        width: units of an LSTM in each direction.
        steps: turns of the answer network.
        depth: blocks of a decoder.
    """

    pool: Pool = "row"
    layers: Layers = "last"
    mix_at: Literal["input", "output", "both"] = "input"
    width: int = 128
    steps: int = 5
    depth: int = 2

    def __post_init__(self) -> None:
        for name, allowed in (("pool", get_args(Pool)), ("layers", get_args(Layers))):
            if (given := getattr(self, name)) not in allowed:
                near = did_you_mean(str(given), allowed)
                raise RecipeError(f"a head's {name} is {given!r}; allowed are {', '.join(allowed)}{near}")

    @property
    def reads_runs(self) -> bool:
        """Whether it reads the rows of a run together."""
        return self.pool != "row"


ROW = HeadDesign()
