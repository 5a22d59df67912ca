"""The mixture: which draws of which stream an optimizer step is made of, and what each of its losses weighs.

Everything is a pure function of the step. Shape letters: K draws.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from training.address import Key, key_of, permute
from training.objective import Objective
from training.schedules import WeightSchedule
from training.sequences import I64, Source

Sampling = Literal["every", "alternate"]
NOTHING = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Stream:
    """Where sequences come from and what is asked of them.

    Attributes:
        items: items drawn in a step that draws this stream.
        weight: None means the default: the stream's share of the step's labelled examples, 1 if it is unlabelled.
        labelled: whether it is a task's stream: these share the weight 1 and may alternate.
        key: the key of (seed, stage, stream); all its draws' randomness derives from it.
    """

    name: str
    source: Source
    objectives: tuple[Objective, ...]
    items: int
    weight: WeightSchedule | None
    labelled: bool
    key: Key

    @property
    def growth(self) -> float:
        """How many times the source's tokens a micro-batch must have room for."""
        return max((objective.growth for objective in self.objectives), default=1)


@dataclass(frozen=True)
class Question:
    """One (stream, objective) of the mixture; `k` in the step's loss, the sum over k of w_k S_k / C_k."""

    stream: int
    objective: Objective
    name: str


class Mixture:
    """The streams of a stage.

    `every`: each stream gives its items at each step. `alternate`: the labelled streams take turns, one per step, in
    proportion to their sizes, all their batches shuffled together (Liu et al. 2019, "Multi-Task Deep Neural Networks",
    algorithm 1); unlabelled streams still give at each step. Worked example: tasks of 40, 20 and 10 examples with 10
    examples a step make a round of 4 + 2 + 1 = 7 steps in an order drawn anew each round.
    """

    def __init__(self, streams: Sequence[Stream], sampling: Sampling, key: Key) -> None:
        self.streams = tuple(streams)
        self.sampling = sampling
        self.questions = tuple(
            Question(place, objective, f"{stream.name}/{objective.name}")
            for place, stream in enumerate(self.streams)
            for objective in stream.objectives
        )
        self._turns = [-(-stream.source.size // stream.items) if stream.labelled else 0 for stream in self.streams]
        self._key = key
        self._round = lru_cache(maxsize=2)(self._draw_round)

    def draws(self, step: int) -> tuple[I64, ...]:
        """The draws of each stream at `step`, empty where it is idle."""
        return tuple(
            np.arange(first, first + stream.items) if (first := self._first(place, step)) is not None else NOTHING
            for place, stream in enumerate(self.streams)
        )

    def unreached(self, steps: int) -> tuple[str, ...]:
        """The streams that none of the first `steps` steps draws: alternating, a task may wait for most of a round."""
        if self.sampling == "every" or steps >= sum(self._turns):
            return ()
        drawn = set(self._round(0)[:steps].tolist())
        return tuple(s.name for place, s in enumerate(self.streams) if s.labelled and place not in drawn)

    def weights(self, step: int, steps: int) -> tuple[float, ...]:
        """The weight w_k of each question at `step`."""
        given = [len(draws_K) for draws_K in self.draws(step)]
        labelled = sum(n for n, stream in zip(given, self.streams, strict=True) if stream.labelled)

        def weight(place: int) -> float:
            stream = self.streams[place]
            if stream.weight is not None:
                return stream.weight.value(step, steps)
            return given[place] / labelled if stream.labelled and labelled else 1.0

        return tuple(weight(question.stream) for question in self.questions)

    def _first(self, place: int, step: int) -> int | None:
        stream = self.streams[place]
        if self.sampling == "every" or not stream.labelled:
            return step * stream.items
        turn, step_in_round = divmod(step, sum(self._turns))
        order = self._round(turn)
        if order[step_in_round] != place:
            return None
        before = int((order[:step_in_round] == place).sum())
        return (turn * self._turns[place] + before) * stream.items

    def _draw_round(self, turn: int) -> I64:
        slots = np.repeat(np.arange(len(self.streams)), self._turns)
        return slots[permute(np.arange(len(slots)), len(slots), key_of(int(self._key), "round", turn))]
