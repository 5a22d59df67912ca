"""What differs between a CPU and a CUDA device when something is timed."""

import torch


def wait(device: torch.device) -> None:
    """Return when all that was asked of the device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
