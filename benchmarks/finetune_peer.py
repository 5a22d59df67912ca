"""The peer's side of the fine-tuning benchmark: `transformers.Trainer` on `BertForSequenceClassification`.

Dynamic padding, batches grouped by length, fused AdamW; the rest of its flags are tried out. A regression is trained
on the unit interval, as ours is, so that both have the same gradients.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import (
    BertForSequenceClassification,
    BertTokenizerFast,
    DataCollatorWithPadding,
    PrinterCallback,
    Trainer,
    TrainingArguments,
)

from benchmarks.finetune_data import Setting, checkpoint
from benchmarks.process_arm import HandOver, ProcessArm
from benchmarks.telling import TellingTrainer
from finetune.encoding.encoded import Encoded
from finetune.metrics import score
from finetune.tasks.spec import TaskSpec

ENDLESS = 1 << 20


@dataclass(frozen=True)
class PeerFlags:
    """What is varied to find the peer's best."""

    bf16: bool
    attention: str = "sdpa"

    @property
    def name(self) -> str:
        return f"Trainer {'bf16' if self.bf16 else 'fp32'} {self.attention}"

    def arguments(self, setting: Setting, seed: int) -> dict[str, Any]:
        """Those of TrainingArguments that both the timed and the scored training take."""
        return {
            "per_device_train_batch_size": setting.batch,
            "per_device_eval_batch_size": 64,
            "bf16": self.bf16,
            "use_cpu": True,
            "optim": "adamw_torch_fused",
            "learning_rate": setting.optimizer.rate,
            "weight_decay": setting.optimizer.weight_decay,
            "adam_beta1": setting.optimizer.betas[0],
            "adam_beta2": setting.optimizer.betas[1],
            "adam_epsilon": setting.optimizer.epsilon,
            "max_grad_norm": setting.optimizer.clip,
            "train_sampling_strategy": "group_by_length",
            "dataloader_num_workers": 0,
            "dataloader_pin_memory": False,
            "logging_strategy": "no",
            "eval_strategy": "no",
            "save_strategy": "no",
            "report_to": "none",
            "disable_tqdm": True,
            "seed": seed,
        }


def peer_arm(setting: Setting, flags: PeerFlags, steps: int, threads: int) -> ProcessArm:
    """A Trainer in its process, `steps` optimizer steps to a block."""
    return ProcessArm(flags.name, partial(_run, setting, flags), steps, threads)


def peer_score(setting: Setting, flags: PeerFlags, seed: int, epochs: float) -> float:
    """Train on one task from the public checkpoint; the primary metric on its dev set at the last step."""
    dev = setting.split("dev")
    schedule = {"lr_scheduler_type": "linear", "warmup_steps": setting.warmup, "num_train_epochs": epochs}
    torch.manual_seed(seed)  # the new head's weights are drawn before Trainer sets its seed
    with tempfile.TemporaryDirectory() as folder:
        given = _given(
            setting,
            setting.split("train"),
            flags,
            TrainingArguments(folder, **flags.arguments(setting, seed), **schedule),
        )
        trainer = Trainer(**given)
        trainer.remove_callback(PrinterCallback)
        trainer.train()
        found = trainer.predict(Rows(dev))
    # Grouped by length, Trainer answers in another order than that of the rows; its labels come in the same.
    gold = answers(dev.spec, found.label_ids)
    return score(dev.spec, gold, answers(dev.spec, found.predictions))[dev.spec.primary]


def answers(spec: TaskSpec, given: NDArray[Any]) -> NDArray[Any]:
    """Class ids, or scores in the task's range, of logits (N, C) or of labels (N)."""
    if spec.kind != "regression":
        return given.argmax(1) if given.ndim == 2 else given
    low, high = spec.score_range
    return np.clip(low + (high - low) * given.reshape(-1).astype(np.float64), low, high)


class Rows(torch.utils.data.Dataset[Mapping[str, Any]]):
    """A split, tokenised beforehand, as Trainer wants it."""

    def __init__(self, encoded: Encoded) -> None:
        cuts = encoded.offsets_N1[1:-1]
        self._tokens = [part.tolist() for part in np.split(encoded.tokens_T, cuts)]
        self._segments = [part.tolist() for part in np.split(encoded.segments_T, cuts)]
        self._labels = [_label(encoded.spec, answer) for answer in encoded.gold or ()]

    def __len__(self) -> int:
        return len(self._tokens)

    def __getitem__(self, place: int) -> Mapping[str, Any]:
        tokens = self._tokens[place]
        return {
            "input_ids": tokens,
            "token_type_ids": self._segments[place],
            "attention_mask": [1] * len(tokens),
            "labels": self._labels[place],
        }


def _label(spec: TaskSpec, answer: Any) -> float | int:
    if spec.kind != "regression":
        return int(answer)
    low, high = spec.score_range
    return (float(answer) - low) / (high - low)


def _run(setting: Setting, flags: PeerFlags, hand_over: HandOver) -> None:
    """In the other process."""
    endless = {"lr_scheduler_type": "constant", "max_steps": ENDLESS}
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(folder, **flags.arguments(setting, 1), **endless)
        TellingTrainer(hand_over, **_given(setting, setting.split("train"), flags, arguments)).train()


def _given(setting: Setting, train: Encoded, flags: PeerFlags, arguments: TrainingArguments) -> dict[str, Any]:
    """What makes a Trainer."""
    kind = "regression" if train.spec.kind == "regression" else "single_label_classification"
    model = BertForSequenceClassification.from_pretrained(
        checkpoint(),
        num_labels=train.spec.outputs,
        problem_type=kind,
        hidden_dropout_prob=setting.dropout,
        attention_probs_dropout_prob=setting.dropout,
        attn_implementation=flags.attention,
    )
    collator = DataCollatorWithPadding(BertTokenizerFast.from_pretrained(checkpoint()))
    return {"model": model, "args": arguments, "train_dataset": Rows(train), "data_collator": collator}
