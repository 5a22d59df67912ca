"""Our loop against a plain loop of `transformers`: same checkpoint, head, rows and numbers, no dropout."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, BertForSequenceClassification, get_linear_schedule_with_warmup

from benchmarks.finetune_data import Setting, checkpoint
from benchmarks.finetune_ours import mixture_of, network_of, trained
from finetune.reading.read import read_examples
from finetune.tasks.example import Example
from finetune.tasks.spec import TaskSpec
from model.network import Network
from training.address import derive, epoch_draws

STEPS, BATCH = 50, 4
# Even room for the text: where both halves are too long, `transformers` gives an odd token to the longer of them, we,
# like the original BERT, to the first.
LENGTH = 47


class Losses:
    """Watches a stage and keeps what each step lost."""

    def __init__(self) -> None:
        self.found: list[float] = []

    def step(self, record) -> None:
        self.found.append(record["loss"])

    def evaluation(self, record) -> None:
        raise AssertionError("nothing is evaluated here")


def target(spec: TaskSpec, example: Example) -> int | float:
    """A class id, or STS-B's 0–5 on the unit interval, on which regressions are trained."""
    return spec.labels.index(example.label) if spec.labels else example.label / 5.0


def plain_losses(setting: Setting, spec: TaskSpec, examples: Sequence[Example], head: Network) -> list[float]:
    """The loop as anyone would write it."""
    tokenizer = AutoTokenizer.from_pretrained(checkpoint())
    model = BertForSequenceClassification.from_pretrained(
        checkpoint(), num_labels=len(spec.labels) or 1, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
    )
    model.classifier.load_state_dict(head.heads[setting.task].linear.state_dict())
    plain = [p for name, p in model.named_parameters() if name.endswith("bias") or "LayerNorm" in name]
    decayed = [p for name, p in model.named_parameters() if not (name.endswith("bias") or "LayerNorm" in name)]
    groups = [{"params": decayed, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=5e-5, betas=(0.9, 0.999), eps=1e-6)
    schedule = get_linear_schedule_with_warmup(optimizer, 0, STEPS)
    model.train()
    losses = []
    for step in range(STEPS):
        rows = examples[step * BATCH : (step + 1) * BATCH]
        first, second = zip(*(row.texts for row in rows), strict=True)
        inputs = tokenizer(
            list(first), list(second), truncation=True, max_length=LENGTH, padding=True, return_tensors="pt"
        )
        loss = model(**inputs, labels=torch.tensor([target(spec, row) for row in rows])).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize("task", ["rte", "stsb"])
def test_the_losses_of_50_steps_are_those_of_a_plain_transformers_loop(task: str, data_folder: Path) -> None:
    setting = Setting(data_folder, task, length=LENGTH, batch=BATCH, dropout=0.0, warmup=0.0)
    train, ours = setting.split("train"), Losses()
    trained(setting, train, False, 1, STEPS, "linear", ours)
    order = derive(mixture_of(setting, train, 1).streams[0].key, "order")
    examples = read_examples(train.spec, data_folder, "train")
    rows = [examples[row] for row in epoch_draws(np.arange(STEPS * BATCH), len(examples), order)]
    theirs = plain_losses(setting, train.spec, rows, network_of(setting, train, 1))
    assert ours.found == pytest.approx(theirs, abs=1e-4)
    assert np.std(theirs) > 1e-3, "losses that stand still would prove nothing"
