"""`transformers.Trainer` that tells a hand-over what each step did."""

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor
from transformers import PrinterCallback, Trainer, TrainerCallback

from benchmarks.device import wait
from benchmarks.process_arm import HandOver
from benchmarks.proof import Proof


class TellingTrainer(Trainer):
    """Trainer as it is, but for its printed logs; a step's work is its real tokens."""

    def __init__(self, hand_over: HandOver, **given: Any) -> None:
        self._told = _Told(hand_over)
        super().__init__(callbacks=[self._told], **given)
        self.remove_callback(PrinterCallback)

    def training_step(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Tensor:
        """Remember the first loss, which the log only has rounded, and the real tokens."""
        self._told.tokens = float(inputs["attention_mask"].sum())
        loss = super().training_step(model, inputs, *args, **kwargs)
        if self._told.loss is None:
            self._told.loss = float(loss)
        return loss


class _Told(TrainerCallback):
    """Hands every step over."""

    def __init__(self, hand_over: HandOver) -> None:
        self._hand_over = hand_over
        self.tokens = 0.0
        self.loss: float | None = None
        self._norm = math.nan

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, float] | None = None, **_: Any) -> None:
        self._norm = float((logs or {}).get("grad_norm", self._norm))

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        wait(args.device)
        # The first step's log comes after this callback: at one step a block it stands in the second answer.
        self._hand_over.step(self.tokens, Proof(math.nan if self.loss is None else self.loss, self._norm))
