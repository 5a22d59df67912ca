"""Engines: how one optimizer step is computed. `PlainEngine` defines what is correct; `ZeroEngine` must match it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn

from model.batch import FlatBatch
from training.distributed import World
from training.objective import Objective
from training.optimizer import AdamW, Group, build_adamw, set_rates, trainable


@dataclass(frozen=True)
class MicroBatch:
    """A micro-batch to train on: the batch and the seed of its dropout noise."""

    batch: FlatBatch
    seed: int


@dataclass(frozen=True)
class Moments:
    """One parameter's AdamW moments, whole, float32."""

    first: Tensor
    second: Tensor


class Engine(Protocol):
    """What the loop needs of an engine. Every method is called by all ranks together."""

    @property
    def world(self) -> World: ...
    @property
    def module(self) -> nn.Module: ...

    def accumulate(self, rounds: Sequence[MicroBatch | None], coefficients: Sequence[float]) -> NDArray[np.float64]:
        """Forward and backward of this rank's micro-batches of a step.

        Args:
            rounds: as many entries on each rank; None where this rank has nothing in that round.
            coefficients: w_k / C_k of each question, 0 where it is dropped.

        Returns:
            The summed losses S_k over this rank's micro-batches.
        """
        ...

    def step(self, rate: float, active: frozenset[str], factors: Mapping[str, float] | None = None) -> float:
        """Sum gradients over ranks, clip, update at `rate` (0 for idle heads); returns the gradient's norm.

        Args:
            factors: on the rate, of the groups (by name) that do not move at the whole of it.
        """
        ...

    def infer(self, batch: FlatBatch) -> tuple[Tensor, ...]:
        """The logits of each selection, without gradients or dropout."""
        ...

    def whole(self) -> AbstractContextManager[nn.Module]:
        """As in `Inference`."""
        ...

    def weights(self) -> Iterator[tuple[str, Tensor]]:
        """Each parameter whole, float32, in a fixed order, on the CPU of the first rank."""
        ...

    def moments(self) -> Iterator[tuple[str, Moments]]:
        """Each trained parameter's moments, whole, in the order of `named_parameters`, on the CPU of the first rank."""
        ...

    def load_moments(self, moments: Mapping[str, Moments], steps: int) -> None:
        """Take up moments and the count of optimizer steps taken; weights are loaded before the engine is made."""
        ...


class Inference(Protocol):
    """What measuring needs of an engine."""

    @property
    def world(self) -> World: ...

    def infer(self, batch: FlatBatch) -> tuple[Tensor, ...]: ...

    def whole(self) -> AbstractContextManager[nn.Module]:
        """The module with all of its parameters, without gradients or dropout, at the engine's precision.

        For what is not one forward pass, such as writing a text: here ranks need not take equally many.
        """
        ...


class Autocast(nn.Module):
    """Runs a module's forward under bf16 autocast, or as it is; one place for both engines."""

    def __init__(self, module: nn.Module, device: torch.device, bf16: bool) -> None:
        super().__init__()
        self.module, self._kind, self._bf16 = module, device.type, bf16

    def forward(self, batch: FlatBatch) -> tuple[Tensor, ...]:
        with self._precision():
            return self.module(batch)

    @contextmanager
    def answering(self, module: nn.Module | None = None) -> Iterator[nn.Module]:
        """The module, or another one in its place, in eval mode, without gradients, at the same precision."""
        module = (module or self.module).eval()
        with torch.no_grad(), self._precision():
            yield module

    def _precision(self) -> torch.autocast:
        return torch.autocast(self._kind, torch.bfloat16, enabled=self._bf16)


class Reader:
    """A module that only answers: for measuring at stage boundaries and for predicting."""

    def __init__(self, module: nn.Module, world: World, bf16: bool) -> None:
        self.world = world
        self._run = Autocast(module.to(world.device).eval(), world.device, bf16)

    @torch.no_grad()
    def infer(self, batch: FlatBatch) -> tuple[Tensor, ...]:
        return self._run(batch.to(self.world.device))

    def whole(self) -> AbstractContextManager[nn.Module]:
        return self._run.answering()


def weighted_loss(
    logits: Sequence[Tensor], batch: FlatBatch, objectives: Sequence[Objective], coefficients: Sequence[float]
) -> tuple[Tensor, list[Tensor]]:
    """The micro-batch's share of the step's loss, the sum over k of (w_k / C_k) S_k, and the sums S_k."""
    sums = [
        objective.term(logits_MC, selection.labels_M, selection.groups_G1).sum
        for objective, logits_MC, selection in zip(objectives, logits, batch.selections, strict=True)
    ]
    loss = torch.stack([c * s for c, s in zip(coefficients, sums, strict=True)]).sum()
    return loss, [s.detach() for s in sums]


class PlainEngine:
    """torch alone: gradients of all micro-batches add up, one all-reduce per step, AdamW."""

    def __init__(
        self,
        module: nn.Module,
        groups: Sequence[Group],
        objectives: Sequence[Objective],
        settings: AdamW,
        world: World,
        bf16: bool,
    ) -> None:
        self.module = module.to(world.device)
        self.world = world
        self._run = Autocast(self.module, world.device, bf16)
        self._groups, self._objectives, self._clip = tuple(groups), tuple(objectives), settings.clip
        self._optimizer = build_adamw(self._groups, settings)
        self._trained = [pair for group in self._groups for pair in trainable(group)]

    def accumulate(self, rounds: Sequence[MicroBatch | None], coefficients: Sequence[float]) -> NDArray[np.float64]:
        self.module.train()
        sums = torch.zeros(len(coefficients), dtype=torch.float64, device=self.world.device)
        for turn in rounds:
            if turn is None:
                continue
            torch.manual_seed(turn.seed)
            batch = turn.batch.to(self.world.device)
            loss, terms = weighted_loss(self._run(batch), batch, self._objectives, coefficients)
            loss.backward()
            sums += torch.stack(terms)
        return sums.cpu().numpy()

    def step(self, rate: float, active: frozenset[str], factors: Mapping[str, float] | None = None) -> float:
        parameters = [parameter for _, parameter in self._trained]
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        if self.world.size > 1:
            _sum_over_ranks([p.grad for p in parameters if p.grad is not None])
        norm = torch.nn.utils.clip_grad_norm_(parameters, self._clip or float("inf"))
        set_rates(self._optimizer, self._groups, rate, active, factors)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        return float(norm)

    @torch.no_grad()
    def infer(self, batch: FlatBatch) -> tuple[Tensor, ...]:
        self.module.eval()
        return self._run(batch.to(self.world.device))

    def whole(self) -> AbstractContextManager[nn.Module]:
        return self._run.answering()

    def weights(self) -> Iterator[tuple[str, Tensor]]:
        for name, parameter in self.module.named_parameters():
            yield name, parameter.detach().float().cpu()

    def moments(self) -> Iterator[tuple[str, Moments]]:
        for name, parameter in self.module.named_parameters():
            if not parameter.requires_grad:
                continue
            state = self._optimizer.state.get(parameter) or _no_state(parameter)
            yield name, Moments(state["exp_avg"].cpu(), state["exp_avg_sq"].cpu())

    def load_moments(self, moments: Mapping[str, Moments], steps: int) -> None:
        for name, parameter in self._trained:
            self._optimizer.state[parameter] = {
                "step": torch.tensor(float(steps), device=parameter.device),
                "exp_avg": moments[name].first.to(parameter.device, copy=True),
                "exp_avg_sq": moments[name].second.to(parameter.device, copy=True),
            }


def _no_state(parameter: Tensor) -> dict[str, Tensor]:
    return {"exp_avg": torch.zeros_like(parameter), "exp_avg_sq": torch.zeros_like(parameter)}


def _sum_over_ranks(gradients: list[Tensor]) -> None:
    """One all-reduce for the whole step's gradient."""
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    dist.all_reduce(flat)
    start = 0
    for gradient in gradients:
        gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
        start += gradient.numel()
