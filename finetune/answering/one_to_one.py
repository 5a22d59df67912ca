"""Examples that exclude each other's answers: the blanks of a passage, into which each idiom goes once.

Shape letters: B examples of a group, G candidates.
"""

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

from training.sequences import I64

_SMALLEST = np.finfo(np.float64).tiny  # of a probability whose logarithm is asked for


def one_to_one(scores_BG: NDArray[np.float64]) -> I64:
    """The candidates, each given to one example at most, whose joint probability is highest.

    Where there are more examples than candidates each example keeps its own best one.

    Args:
        scores_BG: each example's probabilities of the same candidates.

    Returns:
        int64 (B,), the candidate of each example.
    """
    if scores_BG.shape[0] > scores_BG.shape[1]:
        return scores_BG.argmax(1)
    _, columns_B = scipy.optimize.linear_sum_assignment(np.log(np.maximum(scores_BG, _SMALLEST)), maximize=True)
    return np.asarray(columns_B, dtype=np.int64)
