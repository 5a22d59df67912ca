"""The ranks of a run: who am I, and sums over all."""

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray

from tokenization.errors import RunError


@dataclass(frozen=True)
class World:
    """This process among `size` (1 when nothing is distributed), and the device it computes on."""

    rank: int
    size: int
    device: torch.device

    @property
    def chief(self) -> bool:
        """Whether this is the rank that writes files and speaks."""
        return self.rank == 0

    def sum(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The values summed over all ranks, in float64."""
        if self.size == 1:
            return values
        total = torch.from_numpy(values.astype(np.float64)).to(self.device)
        dist.all_reduce(total)
        return total.cpu().numpy()

    def gather(self, value: Any) -> list[Any]:
        """Each rank's value, in the order of ranks, on every rank."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        dist.all_gather_object(values, value)
        return values

    def wait(self) -> None:
        """Until every rank is here."""
        if self.size > 1:
            dist.barrier()


def join_world(need_group: bool = False) -> World:
    """Join the ranks that `torchrun` or `deepspeed` started (their environment variables), or be alone.

    Args:
        need_group: make a process group of one also when alone, as DeepSpeed asks for.

    Raises:
        RunError: this machine has fewer GPUs than ranks were started on it.
    """
    size, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    cuda = torch.cuda.is_available()
    device = _gpu(int(os.environ.get("LOCAL_RANK", "0"))) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
    if (size > 1 or need_group) and not dist.is_initialized():
        backend = "nccl" if cuda else "gloo"
        limit = timedelta(minutes=30)
        if size > 1:
            dist.init_process_group(backend, timeout=limit)
        else:
            dist.init_process_group(backend, store=dist.HashStore(), rank=0, world_size=1, timeout=limit)
    return World(rank, size, device)


def _gpu(local_rank: int) -> torch.device:
    """The GPU of this machine's rank of that number."""
    count = torch.cuda.device_count()
    if local_rank >= count:
        raise RunError(
            f"more ranks than GPUs on this machine: LOCAL_RANK is {local_rank}, and GPUs are there: {count}. Start at "
            f"most {count} here (torchrun --nproc_per_node {count}), or show more of them in CUDA_VISIBLE_DEVICES."
        )
    return torch.device("cuda", local_rank)


def leave_world() -> None:
    """Take the process group down, if there is one."""
    if dist.is_initialized():
        dist.destroy_process_group()
