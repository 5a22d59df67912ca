"""The objective of a task that is put into words: cross-entropy of the classes' scores under the language model's head.

Shape letters: M selected rows, V vocabulary, I items, C classes.
"""

import numpy as np
from torch import Tensor

from finetune.cloze.wordings import Wordings, class_scores
from finetune.rows_read import rows_read
from finetune.tasks.spec import TaskSpec
from training.address import Key
from training.objective import Rows, Single, Term, summed_cross_entropy
from training.sequences import Sequences, Shape


class InWordsOf(Single):
    """Cross-entropy of an item's class, whose scores `class_scores` takes from the rows of its gaps or answers.

    Schick, Schütze 2021 (EACL), section 3.1: a softmax over the scores of the classes' words alone, not over the
    vocabulary. Without a step of training the same scores answer zero-shot.
    """

    edits = False
    shapes: tuple[Shape, ...] = ("sentence", "pair")

    def __init__(self, spec: TaskSpec, wordings: Wordings) -> None:
        self.name: str = "cloze" if spec.cloze else "prompt"
        self.head = spec.head_name
        self._spec, self._wordings = spec, wordings

    def apply(self, sequences: Sequences, key: Key) -> tuple[Sequences, Rows]:
        assert sequences.row_labels_T is not None
        rows_M = rows_read(self._spec, sequences).rows_M
        groups_G1 = np.arange(0, len(rows_M) + 1, self._wordings.rows)
        return sequences, Rows(rows_M, sequences.row_labels_T[rows_M], groups_G1)

    def term(self, logits_MV: Tensor, labels_M: Tensor, groups_G1: Tensor | None = None) -> Term:
        return summed_cross_entropy(class_scores(logits_MV, self._wordings), labels_M[:: self._wordings.rows])
