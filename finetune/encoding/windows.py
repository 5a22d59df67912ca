"""A question and windows of its context: each window is one sequence; the answers to a question are compared.

[CLS] question [SEP] window [SEP]; windows overlap, so that an answer that one of them cuts stands whole in another
(Devlin et al. 2019, section 4.2, and its `run_squad.py`: sliding windows).

Shape letters: E examples, P distinct texts, U tokens of the distinct texts end to end, N windows, T tokens.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from finetune.tasks.example import Example, Span
from training.sequences import I64, offsets_of

I32 = NDArray[np.int32]
OUTSIDE_CONTEXT = -1
IN_NO_WINDOW = -1


@dataclass(frozen=True)
class Windows:
    """What the sequences of a split of spans are windows of.

    Attributes:
        contexts: the whole text of each example.
        begins_T, stops_T: int32, the characters of its example's context that a token covers, those up to the next
            token included; -1 for tokens that are not the context's.
        answers_N2: the first and the last token of the answer, counted from the window's first token; 0 and 0, which is
            [CLS], where the window does not hold it whole; -1 and -1 where nothing can be learned: the answer is not
            in the text, or in no window. None where the split hides its answers.
    """

    contexts: tuple[str, ...]
    begins_T: I32
    stops_T: I32
    answers_N2: I64 | None

    def in_context(self, token_T: I64) -> NDArray[np.bool_]:
        """Which of some tokens are the context's."""
        return self.begins_T[token_T] != OUTSIDE_CONTEXT

    def text(self, example: int, first: int, last: int) -> str:
        """The text from one token to another, as it stands in the context."""
        context = self.contexts[example]
        start, stop = int(self.begins_T[first]), int(self.stops_T[last])
        return _trimmed(context, start, stop) or context[start:stop]


def cut_windows(question_E: I64, context_E: I64, room: int, overlap: int) -> tuple[I64, I64, I64, I64]:
    """Cut each context into windows that fit beside its question.

    A question takes half of the room at most; of what is left for the context, windows share at most half.

    Args:
        question_E, context_E: their tokens.
        room: tokens of both in one sequence.
        overlap: tokens that a window shares with the one before it.

    Returns:
        example_N, question_N, start_N, count_N: whose window it is, tokens of the question kept, where in the context
        the window begins, and its tokens. A context without tokens has one empty window.
    """
    kept_E = np.minimum(question_E, room // 2)
    left_E = room - kept_E
    step_E = left_E - np.minimum(overlap, left_E // 2)
    windows_E = 1 + np.maximum(0, -(-(context_E - left_E) // step_E))
    example_N = np.repeat(np.arange(len(windows_E)), windows_E)
    turn_N = np.arange(len(example_N)) - np.repeat(offsets_of(windows_E)[:-1], windows_E)
    start_N = turn_N * step_E[example_N]
    return example_N, kept_E[example_N], start_N, np.minimum(left_E[example_N], context_E[example_N] - start_N)


def stops_of(begins_U: I64, lengths_P: I64, sizes_P: I64) -> I64:
    """Where the stretch of each token ends: where the next token begins, or the text ends.

    Tokens that begin together (the bytes of one character) share their stretch.

    Args:
        begins_U: the character that each token begins at in its own text.
        lengths_P, sizes_P: tokens and characters of each text.
    """
    base_P = offsets_of(sizes_P)
    base_U = np.repeat(base_P[:-1], lengths_P)
    bounds = np.unique(np.concatenate([begins_U + base_U, base_P[1:]]))
    return bounds[np.searchsorted(bounds, begins_U + base_U, side="right")] - base_U


def answer_tokens(example: Example, begins_C: I64, stops_C: I64) -> tuple[int, int] | None:
    """The first and last token of the context that hold the right answer: its first that tokens can give back.

    Returns:
        None where it has none that stands in the text.
    """
    assert isinstance(example.label, tuple)
    found: list[tuple[int, int]] = []
    for answer in example.label:
        assert isinstance(answer, Span)
        if answer.start < 0 or not answer.text.strip() or not len(begins_C):
            continue
        first, last = _covering(answer, begins_C, stops_C)
        if _trimmed(example.texts[1], int(begins_C[first]), int(stops_C[last])) == answer.text.strip():
            return first, last
        found.append((first, last))
    return found[0] if found else None


def answers_in_windows(
    examples: Sequence[Example], tokens: Sequence[tuple[int, int] | None], example_N: I64, start_N: I64, counts_N2: I64
) -> I64:
    """`Windows.answers_N2`.

    Args:
        tokens: the answer of each example, as `answer_tokens` gives it.
        start_N: where in the context a window begins.
        counts_N2: tokens of the question, and of the context, in each window.
    """
    none = IN_NO_WINDOW, IN_NO_WINDOW
    answers_E2 = np.array([pair or none for pair in tokens], dtype=np.int64).reshape(-1, 2)
    found_E = answers_E2[:, 0] != IN_NO_WINDOW
    first_N, last_N = answers_E2[example_N].T
    holds_N = found_E[example_N] & (first_N >= start_N) & (last_N < start_N + counts_N2[:, 1])
    held_E = np.bincount(example_N, weights=holds_N, minlength=len(examples)) > 0
    unanswerable_E = np.array([not example.label for example in examples], dtype=np.bool_)
    shift_N = counts_N2[:, 0] + 2 - start_N  # behind [CLS], the question and [SEP]
    placed_N2 = np.where(holds_N[:, None], answers_E2[example_N] + shift_N[:, None], 0)
    return np.where((held_E | unanswerable_E)[example_N, None], placed_N2, IN_NO_WINDOW)


def _covering(answer: Span, begins_C: I64, stops_C: I64) -> tuple[int, int]:
    """The first token of those that reach beyond the answer's start, and the last of those that begin before its end.

    White space around an answer is none of it.
    """
    start = answer.start + len(answer.text) - len(answer.text.lstrip())
    stop = answer.start + len(answer.text.rstrip())
    first = int(np.searchsorted(stops_C, start, side="right"))
    last = int(np.searchsorted(begins_C, stop - 1, side="right")) - 1
    return min(first, len(begins_C) - 1), max(last, min(first, len(begins_C) - 1))


def _trimmed(text: str, start: int, stop: int) -> str:
    """A stretch without white space and control characters, which have no token, at its ends."""
    while start < stop and _has_no_token(text[start]):
        start += 1
    while start < stop and _has_no_token(text[stop - 1]):
        stop -= 1
    return text[start:stop]


def _has_no_token(character: str) -> bool:
    return unicodedata.category(character)[0] in "CZ"
