"""Learning from teachers' answers instead of labels, and the source that brings these.

Shape letters: A answers, C classes, E examples, K draws, I items, M selected rows.
"""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from finetune.encoding.encoded import Encoded
from finetune.rows_read import rows_read
from finetune.tasks.spec import TaskSpec
from model.batch import IGNORED
from training.address import Key, derive, epoch_draws
from training.objective import Rows, Single, Term
from training.sequences import I64, Sequences, Shape

F32 = NDArray[np.float32]


class Distill(Single):
    """T² · KL(teacher ‖ student) between softened shares of the classes, summed over the items.

    Hinton, Vinyals, Dean 2015, "Distilling the Knowledge in a Neural Network", section 2: both are a softmax of logits
    over the temperature T; the gradients shrink with 1 / T², which the factor takes back, so that the weight of this
    term stands for the same at every T. The teacher's entropy is taken off, which changes no gradient: 0 means that
    the student answers as the teacher does.
    """

    name = "distill"
    edits = False
    shapes: tuple[Shape, ...] = ("sentence", "pair")

    def __init__(self, spec: TaskSpec, temperature: float) -> None:
        self.head = spec.head_name
        self._spec, self._temperature = spec, temperature

    def apply(self, sequences: Sequences, key: Key) -> tuple[Sequences, Rows]:
        read = rows_read(self._spec, sequences)
        nobody_AC = np.full((len(read.sequence_A), self._spec.outputs), IGNORED, dtype=np.float32)
        shares_AC = nobody_AC if sequences.labels_N is None else sequences.labels_N[read.sequence_A]
        return sequences, Rows(read.rows_M, shares_AC, None, read.runs_P1, read.sides_M)

    def term(self, logits_MC: Tensor, labels_MC: Tensor, groups_G1: Tensor | None = None) -> Term:
        if not len(logits_MC):
            return Term(logits_MC.float().sum(), 0)
        counts_M = labels_MC[:, 0] != IGNORED
        shares_MC = torch.where(counts_M[:, None], labels_MC.float(), 0.0)
        log_student_MC = (logits_MC.float() / self._temperature).log_softmax(1)
        divergence_M = (torch.xlogy(shares_MC, shares_MC) - shares_MC * log_student_MC).sum(1)
        return Term(self._temperature**2 * divergence_M.sum(), int(counts_M.sum()))


class TaughtSource:
    """The text of a task, with what its teachers answer in the place of labels; each item once per epoch.

    Args:
        shares_EC: the teachers' softened shares of the classes; None before they were asked, when nothing can be
            trained, only planned and shown.
    """

    def __init__(self, encoded: Encoded, shares_EC: F32 | None = None) -> None:
        assert shares_EC is None or len(shares_EC) == len(encoded), "an answer for each example"
        self._encoded, self._shares_EC = encoded, shares_EC
        self.shape: Shape = "pair" if encoded.spec.is_pair else "sentence"
        self.size = len(encoded.items_I1) - 1
        self.mean_length = float(encoded.lengths_I.mean())
        self.longest = int(encoded.lengths_I.max())
        self.fingerprint = encoded.fingerprint

    def lengths(self, draws_K: I64, key: Key) -> I64:
        return self._encoded.lengths_I[self._items(draws_K, key)]

    def draw(self, draws_K: I64, key: Key) -> Sequences:
        items_K = self._items(draws_K, key)
        taken = self._encoded.take(items_K, draws_K)
        examples_S = self._encoded.example_N[self._encoded.sequences_of(items_K)]
        return replace(taken, labels_N=None if self._shares_EC is None else self._shares_EC[examples_S])

    def _items(self, draws_K: I64, key: Key) -> I64:
        return epoch_draws(draws_K, self.size, derive(key, "order"))


def softened(shares_C: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Shares of classes as a softmax of the same logits over a temperature has them.

    Args:
        shares_C: a softmax at temperature 1 over the last axis.
    """
    heights_C = np.log(np.maximum(shares_C, np.finfo(np.float64).tiny)) / temperature
    raised_C = np.exp(heights_C - heights_C.max(-1, keepdims=True))
    return raised_C / raised_C.sum(-1, keepdims=True)
