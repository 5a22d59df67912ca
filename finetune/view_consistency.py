"""Cross-view training on text without labels (Clark et al. 2018, "Semi-Supervised Sequence Modeling with Cross-View
Training", section 2): what is seen of a part shall say what is seen of the whole.

    loss of a row = mean over the views v of KL(p_full || p_v)

p_full is the answer of the task's own head to the full view, without gradient; each p_v that of an auxiliary layer to a
view that sees a part. The paper adds the views up; the mean keeps the weight's meaning whatever their number. Unlike
the paper's, the full view is under dropout as everything in a training step: it is an ordinary sequence of the batch.

    left    up to the row       right   from the row on      near    at most `window` tokens away, in each block

so that through L blocks `near` sees L · window tokens to each side. A tag is read at its word's first piece in every
view. A class is read off the full view's first token; the paper has no such tasks, and here the restricted views of one
are read at the middle token, so that `left` and `right` see a half each.

Shape letters: T tokens, N sequences, U rows that the task reads, V views with the full one, M = U · V rows, C classes.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from finetune.rows_read import rows_read
from finetune.tasks.spec import TaskSpec
from model.kinds import BOTH, LEFT, RIGHT, WINDOW
from model.views_head import FULL, View, side_of
from training.address import Key
from training.objective import Rows, Term
from training.sequences import I64, Sequences, Shape, offsets_of, ranges

_KINDS: dict[View, int] = {"left": LEFT, "right": RIGHT, "near": WINDOW}
SUPPORTED: tuple[str, ...] = ("classification", "tagging")
"""The kinds of tasks whose answers are one distribution a row."""


def views_head(task: str) -> str:
    """The name of the head that answers a task's restricted views."""
    return f"{task}-views"


@dataclass(frozen=True)
class ViewConsistency:
    """The objective: each sequence becomes 1 + views sequences of one item, the full view first.

    Attributes:
        spec: the task, whose head answers the full view.
        views: the restricted ones.
        window: tokens on each side that `near` sees in one block.
    """

    spec: TaskSpec
    views: tuple[View, ...]
    window: int

    name: ClassVar[str] = "view_consistency"
    autoregressive: ClassVar[bool] = False
    edits: ClassVar[bool] = True
    shapes: ClassVar[tuple[Shape, ...]] = ("block",)

    @property
    def head(self) -> str:
        return views_head(self.spec.name)

    @property
    def guide(self) -> str:
        return self.spec.head_name

    @property
    def growth(self) -> float:
        return 1.0 + len(self.views)

    def apply(self, sequences: Sequences, key: Key) -> tuple[Sequences, Rows]:
        """Copy each sequence for each view; a group of rows is one row of the task in all views."""
        read = rows_read(self.spec, sequences)
        many = 1 + len(self.views)
        viewed = self._viewed(sequences)
        copies_UV = read.sequence_A[:, None] * many + np.arange(many)
        rows_UV = viewed.offsets_N1[copies_UV] + self._places(sequences, read.rows_M, read.sequence_A)
        labels_M = np.zeros(rows_UV.size, dtype=np.int64)
        sides_V = np.array([FULL, *map(side_of, self.views)], dtype=np.int64)
        groups_G1 = np.arange(len(rows_UV) + 1) * many
        return viewed, Rows(rows_UV.reshape(-1), labels_M, groups_G1, sides_M=np.tile(sides_V, len(rows_UV)))

    def term(self, logits_MC: Tensor, labels_M: Tensor, groups_G1: Tensor | None = None) -> Term:
        """The mean over the views of KL(full || view), summed over the task's rows."""
        rows = len(logits_MC) // (1 + len(self.views))
        logs_UVC = F.log_softmax(logits_MC.float(), dim=-1).unflatten(0, (rows, 1 + len(self.views)))
        full_UVC, views_UVC = logs_UVC[:, :1].expand_as(logs_UVC[:, 1:]), logs_UVC[:, 1:]
        return Term(F.kl_div(views_UVC, full_UVC, reduction="sum", log_target=True) / len(self.views), rows)

    def _places(self, sequences: Sequences, rows_U: I64, sequence_U: I64) -> I64:
        """Where in its sequence each row is read, (U, V)."""
        full_U = rows_U - sequences.offsets_N1[sequence_U]
        part_U = full_U if self.spec.kind == "tagging" else sequences.lengths_N[sequence_U] // 2
        return np.stack([full_U, *[part_U] * len(self.views)], axis=1)

    def _viewed(self, sequences: Sequences) -> Sequences:
        """Each sequence in the full view and in each restricted one."""
        assert sequences.targets is None, "a task's text has no targets"
        count, many = len(sequences.draws_N), 1 + len(self.views)
        copied_N = np.repeat(np.arange(count), many)
        lengths_N = sequences.lengths_N[copied_N]
        token_T = ranges(sequences.offsets_N1[copied_N], lengths_N)
        return replace(
            sequences,
            tokens_T=sequences.tokens_T[token_T],
            segments_T=sequences.segments_T[token_T],
            maskable_T=sequences.maskable_T[token_T],
            offsets_N1=offsets_of(lengths_N),
            draws_N=sequences.draws_N[copied_N],
            row_labels_T=None if sequences.row_labels_T is None else sequences.row_labels_T[token_T],
            continues_T=None if sequences.continues_T is None else sequences.continues_T[token_T],
            kinds_N=np.tile(np.array([BOTH, *(_KINDS[view] for view in self.views)], dtype=np.int64), count),
            reaches_N=np.tile(np.array([0, *(self._reach(view) for view in self.views)], dtype=np.int64), count),
            conditions_N=np.full(len(copied_N), self.spec.condition, dtype=np.int64) if self.spec.condition else None,
        )

    def _reach(self, view: View) -> int:
        return self.window if view == "near" else 0
