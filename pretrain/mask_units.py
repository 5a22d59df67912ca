"""Which tokens are masked: single ones, whole units (words or phrases), or spans of whole words or of tokens.

    tokens   those with the lowest random numbers, up to the budget
    units    in random order, each taken if it still fits the budget, else skipped: a unit is never cut
    spans    (Joshi et al. 2020, "SpanBERT", section 3.1) lengths in words drawn by their law; each is put anywhere it
             fits among the words still free. Where it fits nowhere, because the budget or the text ends, the longest
             that does is put instead: so it is the last spans of a sequence that are drawn shorter

A budget is in tokens and never exceeded. A unit that holds a token that may not be masked (an unknown one) is left
alone as a whole; no span contains one. A unit that a window's edge cuts counts as what stands of it. All numbers
come from the sequence's draw and a position or a turn within it, never from what else is in the batch.

Shape letters: T tokens, N sequences, U units, P spans, C places of a row, L lengths, M chosen tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.address import Key, below, bits, derive, uniform
from training.sequences import I64, Sequences, ranges

_LAST = np.iinfo(np.uint64).max
_NOTHING = np.empty(0, dtype=np.int64)


def choose_tokens(sequences: Sequences, budget_N: I64, key: Key) -> I64:
    """Rows of the chosen tokens, ascending: in each sequence the maskable ones with the lowest numbers.

    Works on one row a sequence, as long as the longest (C places).
    """
    place_C = np.arange(sequences.lengths_N.max(initial=1))
    is_token_NC = place_C < sequences.lengths_N[:, None]
    maskable_NC = np.zeros(is_token_NC.shape, dtype=np.bool_)
    maskable_NC[is_token_NC] = sequences.maskable_T
    # No two numbers of a draw are equal: `bits` is one-to-one in its second counter.
    luck_NC = bits(key, sequences.draws_N[:, None], place_C)
    luck_NC[~maskable_NC] = _LAST
    highest_N = np.sort(luck_NC, axis=1)[np.arange(len(budget_N)), np.maximum(budget_N, 1) - 1]
    chosen_NC = (luck_NC <= highest_N[:, None]) & maskable_NC
    return np.flatnonzero(chosen_NC[is_token_NC])


@dataclass(frozen=True)
class Units:
    """The units of some sequences, end to end.

    Attributes:
        start_U1: where each begins among the tokens, and where the last ends.
        sequence_U: the sequence it is of.
        open_U: whether all its tokens may be masked.
    """

    start_U1: I64
    sequence_U: I64
    open_U: NDArray[np.bool_]

    @staticmethod
    def of(sequences: Sequences) -> "Units":
        assert sequences.continues_T is not None, "the source was not asked for units"
        begins_T = ~sequences.continues_T
        begins_T[sequences.offsets_N1[:-1][sequences.lengths_N > 0]] = True
        start_U = np.flatnonzero(begins_T)
        sequence_U = np.searchsorted(sequences.offsets_N1, start_U, side="right") - 1
        open_U = np.logical_and.reduceat(sequences.maskable_T, start_U) if len(start_U) else begins_T[:0]
        return Units(np.append(start_U, len(begins_T)), sequence_U, open_U)

    def rows(self, unit_P: I64, count_P: I64) -> I64:
        """Rows, ascending, of the tokens of `count_P` units from `unit_P` on."""
        start_P = self.start_U1[unit_P]
        return np.sort(ranges(start_P, self.start_U1[unit_P + count_P] - start_P))


def choose_units(sequences: Sequences, budget_N: I64, key: Key) -> I64:
    """Rows of the chosen tokens, ascending: whole units in random order, those that fit."""
    units = Units.of(sequences)
    start_U, size_U = units.start_U1[:-1], np.diff(units.start_U1)
    position_U = start_U - sequences.offsets_N1[units.sequence_U]
    luck_U = bits(key, sequences.draws_N[units.sequence_U], position_U)
    left_N, taken = budget_N.copy(), []
    waiting = np.flatnonzero(units.open_U)
    waiting = waiting[_order_within(units.sequence_U[waiting], luck_U[waiting])]
    while len(waiting):
        waiting = waiting[size_U[waiting] <= left_N[units.sequence_U[waiting]]]
        sequence = units.sequence_U[waiting]
        # Of those in order, the run that fits from the first on; what stops it is skipped in the next turn.
        fits = _sums_within(size_U[waiting], sequence) <= left_N[sequence]
        taken.append(waiting[fits])
        left_N -= np.bincount(sequence[fits], size_U[waiting[fits]], len(left_N)).astype(np.int64)
        waiting = waiting[~fits]
    unit_P = np.concatenate([_NOTHING, *taken])
    return units.rows(unit_P, np.ones_like(unit_P))


def choose_spans(sequences: Sequences, budget_N: I64, shares_L: Sequence[float], key: Key) -> I64:
    """Rows of the chosen tokens, ascending: spans of 1, 2, … words, whose shares are `shares_L`."""
    units = Units.of(sequences)
    unit_P, words_P = place_spans(units, sequences.draws_N, budget_N, shares_L, key)
    return units.rows(unit_P, words_P)


def place_spans(units: Units, draws_N: I64, budget_N: I64, shares_L: Sequence[float], key: Key) -> tuple[I64, I64]:
    """The spans in the order in which they are drawn: turn by turn one of each sequence with budget and room left.

    Returns:
        unit_P, words_P: the unit that each begins with, and its units.
    """
    law_L = np.cumsum(shares_L) / np.sum(shares_L)
    length_key, place_key = derive(key, "span length"), derive(key, "span place")
    free_U, left_N, turn = units.open_U.copy(), budget_N.copy(), 0
    stop_U = np.searchsorted(units.sequence_U, units.sequence_U, side="right")
    placed = [(_NOTHING, _NOTHING)]
    while left_N.any():
        wanted_N = 1 + np.searchsorted(law_L[:-1], uniform(length_key, draws_N, turn), side="right")
        room_U = np.minimum(_room(units, stop_U, free_U, left_N), wanted_N[units.sequence_U])
        words_N = np.zeros_like(left_N)
        np.maximum.at(words_N, units.sequence_U, room_U)
        fitting = np.flatnonzero((room_U > 0) & (room_U == words_N[units.sequence_U]))
        count_N = np.bincount(units.sequence_U[fitting], minlength=len(left_N))
        placing_N = np.flatnonzero(count_N)
        picked_N = below(place_key, count_N[placing_N], draws_N[placing_N], turn)
        unit_P, words_P = fitting[(np.cumsum(count_N) - count_N)[placing_N] + picked_N], words_N[placing_N]
        left_N[count_N == 0] = 0  # no room: finished
        left_N[placing_N] -= units.start_U1[unit_P + words_P] - units.start_U1[unit_P]
        free_U[ranges(unit_P, words_P)] = False
        placed.append((unit_P, words_P))
        turn += 1
    unit_P, words_P = (np.concatenate(column) for column in zip(*placed, strict=True))
    return unit_P, words_P


def _room(units: Units, stop_U: I64, free_U: NDArray[np.bool_], left_N: I64) -> I64:
    """From each unit on, how many are free in a row, in its sequence, and within what is left of the budget."""
    unit_U = np.arange(len(free_U))
    blocked_U = np.minimum.accumulate(np.where(free_U, stop_U, unit_U)[::-1])[::-1]
    reach_U = units.start_U1[:-1] + left_N[units.sequence_U]
    affordable_U = np.searchsorted(units.start_U1, reach_U, side="right") - 1
    return np.minimum(blocked_U, affordable_U) - unit_U


def _order_within(group_R: I64, luck_R: NDArray[np.uint64]) -> I64:
    """As `np.lexsort((luck_R, group_R))` where no two of a group have equal luck, in less than half the time."""
    by_luck = np.argsort(luck_R)
    # Small integers are sorted by radix.
    group = group_R.astype(np.min_scalar_type(group_R.max(initial=0)))
    return by_luck[np.argsort(group[by_luck], kind="stable")]


def _sums_within(size_R: I64, group_R: I64) -> I64:
    """Running sums that begin anew with each group; a group's members stand together."""
    total_R = np.cumsum(size_R)
    opens_R = np.diff(group_R, prepend=-1) != 0
    return total_R - np.maximum.accumulate(np.where(opens_R, total_R - size_R, 0))
