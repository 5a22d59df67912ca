"""The peer as an arm: `transformers.Trainer` on `BertForPreTraining`, in steady state.

It runs in a process of its own, since its settings, `torch_compile` among them, hold for a whole process. Its loop,
loader and optimizer are timed as they are.

Shape letters: B pairs, L padded length.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import BertForPreTraining, TrainingArguments

from benchmarks.pairs import Example, PairSettings, PairSteps
from benchmarks.process_arm import HandOver, ProcessArm
from benchmarks.telling import TellingTrainer
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


class PeerArm(ProcessArm):
    """One Trainer in its process.

    Args:
        checkpoint: the weights that every arm starts with, in the public format.
    """

    def __init__(self, flags: PeerFlags, checkpoint: Path, steps: PairSteps, run: PeerRun) -> None:
        self.flags = flags
        self.arguments = run.arguments(flags, steps.settings)
        train = partial(_train, flags, checkpoint, steps.settings, run)
        super().__init__(flags.name, train, steps.settings.steps, run.threads)


def _train(flags: PeerFlags, checkpoint: Path, settings: PairSettings, run: PeerRun, hand_over: HandOver) -> None:
    """In the other process."""
    steps = PairSteps(settings)
    TellingTrainer(
        hand_over,
        model=BertForPreTraining.from_pretrained(checkpoint, attn_implementation=flags.attention),
        args=TrainingArguments(str(checkpoint.parent / "trainer"), **run.arguments(flags, settings)),
        train_dataset=_Examples(steps, settings.steps * run.blocks),
        data_collator=_collator(steps, flags),
    ).train()


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
