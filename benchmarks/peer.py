"""The peer as an arm: `transformers.Trainer` on `BertForPreTraining`, in steady state.

Trainer has no way to run a few steps and pause. It runs in a process of its own (its settings, `torch_compile` among
them, hold for a whole process), and its callback waits at the end of each block, so that its loop, loader and optimizer
are timed as they are, start-up and compiling left out.

Shape letters: B pairs, L padded length.
"""

import math
import multiprocessing
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import BertForPreTraining, PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from benchmarks.device import wait
from benchmarks.pairs import Example, PairSettings, PairSteps
from benchmarks.proof import Proof
from model.batch import IGNORED
from training.optimizer import AdamW


@dataclass(frozen=True)
class PeerFlags:
    """What is varied to find the peer's best.

    Attributes:
        padding: `fixed` to the full length, or `longest` of the batch (with batches grouped by length).
        multiple: padded lengths are multiples of it.
    """

    compile: bool
    padding: str
    multiple: int
    attention: str = "sdpa"

    @property
    def name(self) -> str:
        return (
            "Trainer " + ("compiled" if self.compile else "eager") + f" {self.attention} {self.padding}/{self.multiple}"
        )


@dataclass(frozen=True)
class PeerRun:
    """What all candidates have in common.

    Attributes:
        blocks: how many blocks will be asked for at most.
    """

    optimizer: AdamW
    device: str
    bf16: bool
    threads: int
    blocks: int

    def arguments(self, flags: PeerFlags, settings: PairSettings) -> dict[str, Any]:
        """Those of TrainingArguments; a step is one batch."""
        steps = settings.steps * self.blocks
        return {
            "max_steps": steps,
            "per_device_train_batch_size": settings.pairs,
            "gradient_accumulation_steps": 1,
            "bf16": self.bf16,
            "use_cpu": self.device == "cpu",
            "torch_compile": flags.compile,
            "optim": "adamw_torch_fused",
            "learning_rate": self.optimizer.rate,
            "lr_scheduler_type": "constant",
            "weight_decay": self.optimizer.weight_decay,
            "adam_beta1": self.optimizer.betas[0],
            "adam_beta2": self.optimizer.betas[1],
            "adam_epsilon": self.optimizer.epsilon,
            "max_grad_norm": self.optimizer.clip,
            "train_sampling_strategy": "sequential",
            "dataloader_num_workers": 0,
            "dataloader_pin_memory": self.device == "cuda",
            "remove_unused_columns": False,
            "logging_strategy": "steps",
            "logging_steps": steps + 1,
            "logging_first_step": True,
            "logging_nan_inf_filter": False,
            "save_strategy": "no",
            "report_to": "none",
            "disable_tqdm": True,
        }


class PeerArm:
    """One Trainer in its process.

    Args:
        checkpoint: the weights that every arm starts with, in the public format.
    """

    def __init__(self, flags: PeerFlags, checkpoint: Path, steps: PairSteps, run: PeerRun) -> None:
        self.flags, self.name, self.proof = flags, flags.name, Proof()
        self.arguments = run.arguments(flags, steps.settings)
        self._steps, self._block = steps, 0
        context = multiprocessing.get_context("spawn")
        self._line, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, flags, checkpoint, steps.settings, run), daemon=True
        )
        self._process.start()
        theirs.close()

    def run_block(self) -> float:
        """Let it run one block; returns the block's real tokens.

        Raises:
            RuntimeError: it failed, and why.
        """
        self._line.send(True)
        try:
            answer = self._line.recv()
        except EOFError:
            raise RuntimeError(f"{self.name}: its process died") from None
        if isinstance(answer, str):
            raise RuntimeError(f"{self.name} failed:\n{answer}")
        self.proof = answer
        count = self._steps.settings.steps
        first, self._block = self._block * count, self._block + 1
        return float(sum(self._steps.tokens(first + k) for k in range(count)))

    def close(self) -> None:
        """Let the process end."""
        self._line.send(False)
        self._process.join()


def _serve(line: Connection, flags: PeerFlags, checkpoint: Path, settings: PairSettings, run: PeerRun) -> None:
    """The other process: make the Trainer when first asked, and train."""
    torch.set_num_threads(run.threads)
    try:
        if line.recv():
            _trainer(line, flags, checkpoint, settings, run).train()
    except Exception:
        line.send(traceback.format_exc())


def _trainer(line: Connection, flags: PeerFlags, checkpoint: Path, settings: PairSettings, run: PeerRun) -> Trainer:
    steps = PairSteps(settings)
    hand_over = _HandOver(line, settings.steps)
    trainer = _FirstStep(
        model=BertForPreTraining.from_pretrained(checkpoint, attn_implementation=flags.attention),
        args=TrainingArguments(str(checkpoint.parent / "trainer"), **run.arguments(flags, settings)),
        train_dataset=_Examples(steps, settings.steps * run.blocks),
        data_collator=_collator(steps, flags),
        callbacks=[hand_over],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.hand_over = hand_over
    return trainer


class _FirstStep(Trainer):
    """Remembers the first loss, which the log only has rounded."""

    hand_over: "_HandOver"

    def training_step(self, *args: Any, **kwargs: Any) -> Tensor:
        loss = super().training_step(*args, **kwargs)
        if self.hand_over.loss is None:
            self.hand_over.loss = float(loss)
        return loss


class _HandOver(TrainerCallback):
    """Answers at the end of each block and waits to be asked again."""

    def __init__(self, line: Connection, steps: int) -> None:
        self._line, self._steps = line, steps
        self.loss: float | None = None
        self._norm = math.nan

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, float] | None = None, **_: Any) -> None:
        self._norm = float((logs or {}).get("grad_norm", self._norm))

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step % self._steps == 0:
            wait(args.device)
            # The first step's log comes after this callback: at one step a block it stands in the second answer.
            self._line.send(Proof(math.nan if self.loss is None else self.loss, self._norm))
            control.should_training_stop = not self._line.recv()


class _Examples(torch.utils.data.Dataset[Example]):
    """All pairs in the order of the steps, made beforehand: the peer's loader only collates."""

    def __init__(self, steps: PairSteps, count: int) -> None:
        self._rows = [example for step in range(count) for example in steps.examples(step)]

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, place: int) -> Example:
        return self._rows[place]


def _collator(steps: PairSteps, flags: PeerFlags) -> Callable[[Sequence[Example]], dict[str, Tensor]]:
    def collate(rows: Sequence[Example]) -> dict[str, Tensor]:
        longest = max(len(row.input_ids) for row in rows)
        length = steps.settings.length if flags.padding == "fixed" else -(-longest // flags.multiple) * flags.multiple
        padding = {"input_ids": steps.tokenizer.pad, "token_type_ids": 0, "labels": IGNORED}
        columns = {name: np.full((len(rows), length), value) for name, value in padding.items()}
        for i, row in enumerate(rows):
            for name, column_BL in columns.items():
                value = getattr(row, name)
                column_BL[i, : len(value)] = value
        batch = {name: torch.from_numpy(column_BL) for name, column_BL in columns.items()}
        lengths_B1 = torch.tensor([[len(row.input_ids)] for row in rows])
        batch["attention_mask"] = (torch.arange(length) < lengths_B1).long()
        batch["next_sentence_label"] = torch.tensor([row.next_sentence_label for row in rows])
        return batch

    return collate
