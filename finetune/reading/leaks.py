"""Rows of a development set that also stand in the training set: their score measures memory.

Shape letters: N rows of the development set.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from finetune.tasks.example import Example


def leaked_rows(train: Iterable[Example], dev: Sequence[Example]) -> NDArray[np.bool_]:
    """Which rows of `dev` stand in `train` with all their parts, letter for letter.

    A row counts whatever its label is there.

    Returns:
        bool [N], in the order of `dev`.
    """
    seen = {text_of(example) for example in train}
    return np.array([text_of(example) in seen for example in dev], dtype=np.bool_)


def text_of(example: Example) -> tuple[Any, ...]:
    """All that is read of an example, its label apart: two examples of the same are copies."""
    return example.texts, example.words, example.candidates
