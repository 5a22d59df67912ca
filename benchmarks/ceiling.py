"""The machine's ceiling: what a large square matrix product reaches, in the precision of the run."""

import torch

from benchmarks.device import wait

PRODUCTS = {"cpu": 2, "cuda": 20}
SIDE = {"cpu": 4096, "cuda": 8192}


class Ceiling:
    """An arm whose work is floating point operations, two to a multiplication and addition."""

    name = "ceiling"

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        self.side = SIDE[device.type]
        self._device, self._repeats = device, PRODUCTS[device.type]
        generator = torch.Generator().manual_seed(0)
        self._a, self._b = (torch.randn(self.side, self.side, generator=generator).to(device, dtype) for _ in range(2))
        self._a @ self._b

    def run_block(self) -> float:
        for _ in range(self._repeats):
            self._a @ self._b
        wait(self._device)
        return 2.0 * self.side**3 * self._repeats
