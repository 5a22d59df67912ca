"""Our step as an arm: draw, count, forward, backward, clip, AdamW; just what the training loop does."""

from collections.abc import Sequence

import numpy as np
import torch

from benchmarks.device import wait
from benchmarks.pairs import HEADS, PairSteps
from benchmarks.proof import Proof
from model.attention import ProductsAttention, SdpaAttention
from model.flat_attention import FlatAttention
from model.network import Network
from training.distributed import World
from training.engine import MicroBatch, PlainEngine
from training.mixture import Mixture
from training.optimizer import AdamW


class OurArm:
    """`PlainEngine` on flat batches.

    Args:
        compiled: whether the blocks go through torch.compile.
    """

    def __init__(
        self, name: str, network: Network, steps: PairSteps, settings: AdamW, device: torch.device, bf16: bool,
        budget: int, compiled: bool = False,
    ) -> None:  # fmt: skip
        self.name, self.proof = name, Proof()
        self._steps, self._rate, self._device, self._budget = steps, settings.rate, device, budget
        self._engine = plain_engine(network, steps.mixture, settings, device, bf16)
        if compiled:
            compile_blocks(network)
        self._next = 0

    def run_block(self) -> float:
        tokens = sum(self._step() for _ in range(self._steps.settings.steps))
        wait(self._device)
        return tokens

    def _step(self) -> int:
        rounds = [MicroBatch(batch, self._next) for batch in self._steps.batches(self._next, self._budget)]
        proof = optimizer_step(self._engine, rounds, self._rate)
        if not self._next:
            self.proof = proof
        self._next += 1
        return sum(len(turn.batch.tokens_T) for turn in rounds)


def compile_blocks(network: Network) -> None:
    """Compile all of a block but the attention, whose layout differs from batch to batch and would be compiled anew."""
    for kind in (ProductsAttention, SdpaAttention, FlatAttention):
        setattr(kind, "attend", torch.compiler.disable(kind.attend))  # noqa: B010 - a method is put in place of another
    for block in network.encoder.blocks:
        block.compile()


def optimizer_step(engine: PlainEngine, rounds: Sequence[MicroBatch], rate: float) -> Proof:
    """Count, forward, backward, update; both objectives weigh 1."""
    counts_K = np.sum([[selection.count for selection in turn.batch.selections] for turn in rounds], axis=0)
    sums_K = engine.accumulate(rounds, [1.0 / count for count in counts_K])
    return Proof(float((sums_K / counts_K).sum()), engine.step(rate, HEADS))


def plain_engine(network: Network, mixture: Mixture, settings: AdamW, device: torch.device, bf16: bool) -> PlainEngine:
    """One rank's engine for a mixture."""
    objectives = [question.objective for question in mixture.questions]
    return PlainEngine(network, network.groups(), objectives, settings, World(0, 1, device), bf16)
