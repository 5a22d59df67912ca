"""Supervised objectives: which rows a task reads, and what a wrong answer costs.

Sums are taken in float32, whatever the precision of the forward pass.

Shape letters: M selected rows, A answers, C classes, N sequences, T tokens, G groups of rows.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from finetune.cloze.objective import InWordsOf
from finetune.cloze.wordings import Wordings
from finetune.generation.objective import writing_objective
from finetune.group_objectives import Candidates, Span
from finetune.rows_read import rows_read
from finetune.tasks.spec import TaskSpec
from model.batch import IGNORED
from tokenization.vocabulary import Tokenizer
from training.address import Key
from training.objective import Objective, Rows, Single, Term, summed_cross_entropy
from training.sequences import Sequences, Shape


class Classification(Single):
    """Cross-entropy of a class per item: a sequence, or two texts that are read apart."""

    edits = False
    shapes: tuple[Shape, ...] = ("sentence", "pair")

    def __init__(self, spec: TaskSpec) -> None:
        self.name: str = spec.kind
        self.head = spec.head_name
        self._spec = spec

    def apply(self, sequences: Sequences, key: Key) -> tuple[Sequences, Rows]:
        assert sequences.labels_N is not None
        read = rows_read(self._spec, sequences)
        return sequences, Rows(read.rows_M, sequences.labels_N[read.sequence_A], None, read.runs_P1, read.sides_M)

    def term(self, logits_MC: Tensor, labels_M: Tensor, groups_G1: Tensor | None = None) -> Term:
        return summed_cross_entropy(logits_MC, labels_M)


class Multilabel(Classification):
    """Binary cross-entropy of each class: its mean over the classes, summed over sequences.

    The mean keeps a task of many classes on the scale of the other tasks.
    """

    def term(self, logits_MC: Tensor, labels_MC: Tensor, groups_G1: Tensor | None = None) -> Term:
        if not len(logits_MC):
            return Term(logits_MC.float().sum(), 0)
        counts_M = labels_MC[:, 0] != IGNORED
        losses_MC = F.binary_cross_entropy_with_logits(logits_MC.float(), labels_MC.float(), reduction="none")
        return Term(torch.where(counts_M, losses_MC.mean(1), 0.0).sum(), int(counts_M.sum()))


class Regression(Single):
    """Squared error of a score per item, on the unit interval.

    Labels are mapped from the task's range onto [0, 1], the head's own scale. Squared errors in the label's unit
    (0–25 for STS-B) would outweigh every cross-entropy of a multi-task step.
    """

    edits = False
    shapes: tuple[Shape, ...] = ("sentence", "pair")

    def __init__(self, spec: TaskSpec) -> None:
        self.name: str = spec.kind
        self.head = spec.head_name
        self._spec = spec
        self._low, self._high = spec.score_range

    def apply(self, sequences: Sequences, key: Key) -> tuple[Sequences, Rows]:
        assert sequences.labels_N is not None
        read = rows_read(self._spec, sequences)
        unit_A = (sequences.labels_N[read.sequence_A] - self._low) / (self._high - self._low)
        return sequences, Rows(read.rows_M, unit_A.astype(np.float32), None, read.runs_P1, read.sides_M)

    def term(self, logits_MC: Tensor, labels_M: Tensor, groups_G1: Tensor | None = None) -> Term:
        counts_M = labels_M != IGNORED
        error_M = (logits_MC[:, 0].float() - labels_M.float()) * counts_M
        return Term(error_M.square().sum(), int(counts_M.sum()))


class Tagging(Single):
    """Cross-entropy of a tag per word, read off the word's first piece."""

    edits = False
    shapes: tuple[Shape, ...] = ("sentence",)

    def __init__(self, spec: TaskSpec) -> None:
        self.name: str = spec.kind
        self.head = spec.head_name
        self._spec = spec

    def apply(self, sequences: Sequences, key: Key) -> tuple[Sequences, Rows]:
        assert sequences.row_labels_T is not None
        read = rows_read(self._spec, sequences)
        labels_A = sequences.row_labels_T[read.once_M]
        return sequences, Rows(read.rows_M, labels_A, None, read.runs_P1, read.sides_M)

    def term(self, logits_MC: Tensor, labels_M: Tensor, groups_G1: Tensor | None = None) -> Term:
        return summed_cross_entropy(logits_MC, labels_M)


def objective_of(spec: TaskSpec, wordings: Wordings | None = None, tokenizer: Tokenizer | None = None) -> Objective:
    """The objective that follows from a task's kind.

    Args:
        wordings: of a task that is put into words, as its `Encoded` has them.
        tokenizer: of a task whose text is written in words of it.
    """
    if spec.worded:
        assert wordings is not None, f"{spec.name} is asked for in words"
        return InWordsOf(spec, wordings)
    if spec.kind == "generation":
        assert tokenizer is not None, f"{spec.name} is written in tokens"
        return writing_objective(spec, tokenizer)
    return _OF_KIND[spec.kind](spec)


_OF_KIND: dict[str, type[Classification | Multilabel | Regression | Tagging | Candidates | Span]] = {
    "classification": Classification,
    "multilabel": Multilabel,
    "regression": Regression,
    "ranking": Candidates,
    "choice": Candidates,
    "tagging": Tagging,
    "span": Span,
}
