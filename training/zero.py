"""ZeroEngine: the same step under DeepSpeed ZeRO 0-3. The one file that imports deepspeed.

Four rules, each found by trial with ZeRO 0-3 on two ranks: `gradient_clipping` is always written (a missing key means
1.0); every head runs on every rank in the same fixed order; no head is ever left out of the graph; an idle head's own
parameter group has rate 0. Gradient accumulation is 1 and the boundary is set before each forward, since the number of
micro-batches varies by step. DeepSpeed averages over ranks, so the loss is scaled by their number.
"""

import fcntl
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn

from model.batch import FlatBatch
from training.distributed import World
from training.engine import Autocast, MicroBatch, Moments, weighted_loss
from training.objective import Objective
from training.optimizer import AdamW, Group, build_adamw, set_rates, trainable

log = logging.getLogger("triptych")


class ZeroEngine:
    """DeepSpeed behind the Engine protocol.

    Args:
        empty: the micro-batch of nothing that a rank runs when it has none of its own: ZeRO's collectives need every
            rank in every round.
        json: the user's ds_config (ZeRO, offload, communication), already checked.
        twin: makes a module of the same parameters, for `whole` under ZeRO-3, where no rank has all of them.
    """

    def __init__(
        self,
        module: nn.Module,
        groups: Sequence[Group],
        objectives: Sequence[Objective],
        settings: AdamW,
        world: World,
        bf16: bool,
        empty: FlatBatch,
        json: Mapping[str, Any],
        twin: Callable[[], nn.Module] | None = None,
    ) -> None:
        self.world, self.module = world, module.to(world.device)
        self._groups, self._objectives, self._empty = tuple(groups), tuple(objectives), empty
        self._stage = int(json.get("zero_optimization", {}).get("stage", 0))
        self._twin = twin
        self._names = [(name, p) for name, p in module.named_parameters()]
        self._run = Autocast(self.module, world.device, bf16)
        with _extension_folder(world):
            self._engine = _initialize(self._run, groups, settings, world, json)
        self._trained = [pair for group in self._groups for pair in trainable(group)]
        self._create_state()

    def accumulate(self, rounds: Sequence[MicroBatch | None], coefficients: Sequence[float]) -> NDArray[np.float64]:
        self._engine.train()
        sums = torch.zeros(len(coefficients), dtype=torch.float64, device=self.world.device)
        for place, turn in enumerate(rounds):
            self._engine.set_gradient_accumulation_boundary(place == len(rounds) - 1)
            torch.manual_seed(turn.seed if turn else 0)
            batch = (turn.batch if turn else self._empty).to(self.world.device)
            loss, terms = weighted_loss(self._engine(batch), batch, self._objectives, coefficients)
            self._engine.backward(loss * self.world.size)
            sums += torch.stack(terms)
        return sums.cpu().numpy()

    def step(self, rate: float, active: frozenset[str], factors: Mapping[str, float] | None = None) -> float:
        set_rates(self._engine.optimizer, self._groups, rate, active, factors)
        # At stage 0 DeepSpeed clips but keeps no norm; by now the gradients are summed over the ranks.
        gradients = [p.grad for _, p in self._trained if p.grad is not None] if self._stage == 0 else []
        norm = torch.nn.utils.get_total_norm(gradients) if gradients else None
        self._engine.step()
        return float(self._engine.get_global_grad_norm() if norm is None else norm)

    @torch.no_grad()
    def infer(self, batch: FlatBatch) -> tuple[Tensor, ...]:
        self._engine.eval()
        return self._engine(batch.to(self.world.device))

    def whole(self) -> AbstractContextManager[nn.Module]:
        """Under ZeRO-3 a copy, gathered anew: in the module itself each pass gathers, and every rank must take it."""
        if self._stage < 3:
            return self._run.answering()
        assert self._twin is not None, "whoever needs whole parameters under ZeRO-3 says how to make a copy"
        copy = self._twin().to(self.world.device)
        own = dict(copy.named_parameters())
        with torch.no_grad():
            for name, value in self.weights():
                own[name].copy_(value)
        return self._run.answering(copy)

    def weights(self) -> Iterator[tuple[str, Tensor]]:
        import deepspeed

        for name, parameter in self._names:
            with deepspeed.zero.GatheredParameters([parameter], enabled=self._stage == 3):
                yield name, parameter.detach().float().cpu().clone()

    def moments(self) -> Iterator[tuple[str, Moments]]:
        from deepspeed.utils import safe_get_full_optimizer_state

        for name, parameter in self._names:
            if not parameter.requires_grad:
                continue
            if self._stage == 0:
                state = self._engine.optimizer.state[parameter]
                yield name, Moments(state["exp_avg"].cpu(), state["exp_avg_sq"].cpu())
            else:
                first, second = (safe_get_full_optimizer_state(parameter, key) for key in ("exp_avg", "exp_avg_sq"))
                yield name, Moments(first.cpu(), second.cpu())

    def load_moments(self, moments: Mapping[str, Moments], steps: int) -> None:
        for state in self._torch_optimizer().state.values():
            state["step"].fill_(steps)
        for name, parameter in self._trained:
            for key, value in (("exp_avg", moments[name].first), ("exp_avg_sq", moments[name].second)):
                self._set_state(parameter, key, value.to(self.world.device))

    def _torch_optimizer(self) -> torch.optim.Optimizer:
        return self._engine.optimizer if self._stage == 0 else self._engine.optimizer.optimizer

    def _create_state(self) -> None:
        """Make the zero moments that AdamW would make at its first step.

        DeepSpeed links parameters to their moments after the first group's first step, when those of the other groups
        do not exist yet and so stay unlinked; made beforehand, all are linked.
        """
        zero, optimizer = self._engine.optimizer, self._torch_optimizer()
        if self._stage == 0:
            flats = [parameter for _, parameter in self._trained]
        elif self._stage < 3:
            flats = list(zero.single_partition_of_fp32_groups)
        else:
            flats = list(zero.fp32_partitioned_groups_flat)
        for flat in flats:
            optimizer.state[flat] = {
                "step": torch.zeros((), device=flat.device),
                "exp_avg": torch.zeros_like(flat),
                "exp_avg_sq": torch.zeros_like(flat),
            }
        if self._stage in (1, 2):
            zero._lazy_init_hp_params_optimizer_state()

    def _set_state(self, parameter: nn.Parameter, key: str, value: Tensor) -> None:
        from deepspeed.utils import safe_set_full_optimizer_state, safe_set_local_optimizer_state

        if self._stage == 0:
            self._engine.optimizer.state[parameter][key].copy_(value)
        elif self._stage < 3:
            safe_set_full_optimizer_state(parameter, value, key)
        else:
            safe_set_local_optimizer_state(parameter, _own_piece(value, self.world), key)


def _own_piece(value: Tensor, world: World) -> Tensor:
    """This rank's piece under ZeRO-3, which cuts the flattened parameter evenly and pads the last piece."""
    size = -(-value.numel() // world.size)
    padded = torch.zeros(size * world.size, dtype=value.dtype, device=value.device)
    padded[: value.numel()] = value.reshape(-1)
    return padded[size * world.rank : size * (world.rank + 1)]


def _initialize(
    module: nn.Module, groups: Sequence[Group], settings: AdamW, world: World, json: Mapping[str, Any]
) -> Any:
    # Imported here because it takes seconds and compiles an extension: plain runs never pay for it.
    import deepspeed
    from deepspeed.utils import logger as deepspeed_log

    deepspeed_log.setLevel(logging.ERROR)
    config = {
        **json,
        "train_batch_size": world.size,
        "train_micro_batch_size_per_gpu": 1,
        "gradient_accumulation_steps": 1,
        "gradient_clipping": settings.clip or 0.0,
        "zero_allow_untested_optimizer": True,
        "zero_force_ds_cpu_optimizer": False,
        "steps_per_print": 1 << 60,
    }
    deepspeed.init_distributed(dist_backend=dist.get_backend(), verbose=False)
    engine, *_ = deepspeed.initialize(model=module, optimizer=build_adamw(groups, settings), config=config)
    return engine


@contextmanager
def _extension_folder(world: World) -> Iterator[None]:
    """Give DeepSpeed's compiled extensions a folder of our own, free of locks that a killed build left behind.

    Only one of our processes builds at a time (it holds a lock that dies with it), so any `lock` file found in our
    folder while we hold it is stale; torch would wait on it for ever, in silence. In a folder that the user names
    (TORCH_EXTENSIONS_DIR), it may be another program's build: there we only say so.
    """
    ours = Path.home() / ".cache/triptych/torch_extensions"
    folder = Path(os.environ.setdefault("TORCH_EXTENSIONS_DIR", str(ours)))
    folder.mkdir(parents=True, exist_ok=True)
    chief = int(os.environ.get("LOCAL_RANK", "0")) == 0
    with open(folder / "triptych.lock", "w") as handle:
        if chief:
            fcntl.flock(handle, fcntl.LOCK_EX)
            for stale in folder.rglob("lock"):
                _clear_lock(stale, mine=folder == ours)
        world.wait()
        yield
        world.wait()


def _clear_lock(lock: Path, mine: bool) -> None:
    if mine:
        log.warning("removed %s, left by a build that was killed", lock)
        lock.unlink(missing_ok=True)
    else:
        log.warning("%s is there: torch waits for that build; if none is going on, remove the file", lock)
