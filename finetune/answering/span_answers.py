"""The answer to a question from the scores of its context's tokens: in each window, then over all of them.

Devlin et al. 2019, sections 4.2 and 4.3: the score of a span from i to j is S_i + E_j, that of no answer the same of
[CLS]; over several windows the best span counts, and the lowest score of no answer (their `run_squad.py`).

Shape letters: A tokens of a window's context, L tokens of the longest answer, W windows of a question.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
LOWEST = float(np.finfo(np.float32).min)


def best_span(starts_A: F64, ends_A: F64, longest: int) -> tuple[int, int, float]:
    """The first and last token of the best span of at most `longest` tokens, and its score.

    Of equals the one that starts, then ends, first. No tokens give (0, 0) and the lowest score.
    """
    if not len(starts_A):
        return 0, 0, LOWEST
    longest = min(longest, len(starts_A))
    padded = np.concatenate([ends_A, np.full(longest - 1, -np.inf)])
    sums_AL = starts_A[:, None] + np.lib.stride_tricks.sliding_window_view(padded, longest)
    first, more = divmod(int(sums_AL.argmax()), longest)
    return first, first + more, float(sums_AL[first, more])


def over_windows(texts_W: Sequence[str], scores_W2: F64, unanswerable: bool) -> tuple[str, float]:
    """The answer to a question and how far its score is above that of no answer.

    Args:
        texts_W: the best answer of each window; "" where the window has no text.
        scores_W2: its score, and that of no answer.
        unanswerable: whether "" may be answered, which it is where the difference is below 0; else it is only where
            there is no text to answer with.
    """
    best = int(scores_W2[:, 0].argmax())
    margin = max(float(scores_W2[best, 0] - scores_W2[:, 1].min()), LOWEST)
    return ("" if unanswerable and margin < 0 else texts_W[best]), margin
