"""Rows of a development set that also stand in the training set: their score measures memory."""

from collections.abc import Iterable

from finetune.tasks.read import Example


def leaks(train: Iterable[Example], dev: Iterable[Example]) -> int:
    """Rows of `dev` whose text (or pair of texts, or words) stands in `train`, letter for letter."""
    seen = {(example.texts, example.words) for example in train}
    return sum((example.texts, example.words) in seen for example in dev)
