"""Our side of the fine-tuning benchmark: the training loop itself, on one task."""

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.finetune_data import Setting, checkpoint
from benchmarks.ours import plain_engine
from benchmarks.process_arm import HandOver, ProcessArm
from finetune.answering.dev_batches import ANSWERING_TOKENS
from finetune.encoding.encoded import Encoded
from finetune.evaluate import evaluate_task
from finetune.objectives import objective_of
from finetune.source import TaskSource
from model.config import HeadSpec
from model.network import Network
from model.public import read_public
from model.public_load import load_into
from training.address import key_of
from training.checkpoint import StageFolder
from training.distributed import World
from training.engine import Reader
from training.interrupt import StopRequest
from training.loop import StagePlan, Watcher, fit
from training.mixture import Mixture, Stream
from training.schedules import RateSchedule
from training.state import State

BUDGET = 8192
"""Tokens of a micro-batch: a whole step at these lengths."""

ENDLESS = 1 << 30
HERE = World(0, 1, torch.device("cpu"))


def our_arm(setting: Setting, bf16: bool, steps: int, threads: int) -> ProcessArm:
    """Our loop in its process, `steps` optimizer steps to a block."""
    return ProcessArm(f"ours {'bf16' if bf16 else 'fp32'}", partial(_run, setting, bf16), steps, threads)


def our_score(setting: Setting, bf16: bool, seed: int, epochs: float) -> float:
    """Train on one task from the public checkpoint; the primary metric on its dev set at the last step."""
    train, dev = setting.split("train"), setting.split("dev")
    network = trained(setting, train, bf16, seed, setting.steps(epochs), "linear", _Silent())
    scores, _ = evaluate_task(Reader(network, HERE, bf16).infer, dev, train.gold or (), ANSWERING_TOKENS)
    return scores.value


def trained(
    setting: Setting, train: Encoded, bf16: bool, seed: int, steps: int, schedule: Any, watcher: Watcher
) -> Network:
    """The network after the loop's last step."""
    network, mixture = network_of(setting, train, seed), mixture_of(setting, train, seed)
    engine = plain_engine(network, mixture, setting.optimizer, HERE.device, bf16)
    rates = RateSchedule(schedule, setting.warmup)
    plan = StagePlan(
        setting.task, seed, steps, setting.optimizer.rate, rates, BUDGET, save_every=steps, keep=1, log_every=1
    )
    with tempfile.TemporaryDirectory() as folder:
        fit(plan, mixture, engine, State(), StageFolder(Path(folder)), watcher, StopRequest())
    return network


def network_of(setting: Setting, train: Encoded, seed: int) -> Network:
    """The checkpoint's encoder with a new head."""
    model = read_public(checkpoint())
    config = replace(model.config, dropout=setting.dropout)
    network = Network(config, [HeadSpec(setting.task, train.spec.kind, train.spec.outputs)], seed=seed)
    load_into(network, model)
    return network


def mixture_of(setting: Setting, train: Encoded, seed: int) -> Mixture:
    """The task alone."""
    key = key_of(seed, "benchmark", setting.task)
    objectives = (objective_of(train.spec),)
    stream = Stream(setting.task, TaskSource(train), objectives, setting.batch, None, True, key)
    return Mixture((stream,), "every", key)


def _run(setting: Setting, bf16: bool, hand_over: HandOver) -> None:
    """In the other process."""
    trained(setting, setting.split("train"), bf16, 1, ENDLESS, "constant", _Told(hand_over))


class _Silent:
    """Watches and says nothing."""

    def step(self, record: Mapping[str, Any]) -> None:
        pass

    def evaluation(self, record: Mapping[str, Any]) -> None:
        pass


class _Told(_Silent):
    """Hands every step over."""

    def __init__(self, hand_over: HandOver) -> None:
        self._hand_over = hand_over

    def step(self, record: Mapping[str, Any]) -> None:
        self._hand_over.step(record["tokens"])
