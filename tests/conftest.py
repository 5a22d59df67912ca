"""What every test stands on: seeds, one thread, quiet libraries, and the folder of real data where there is one."""

import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings

# How long an example takes says what else the machine does, not what the code does.
settings.register_profile("triptych", deadline=None)
settings.load_profile("triptych")


@pytest.fixture(autouse=True)
def _seeds() -> None:
    """No test depends on those that ran before it."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    """Tiny tensors are slower on several threads, and their sums would come in another order on another machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True, scope="session")
def _interruptible() -> Iterator[None]:
    """A shell starts what runs in the background with SIGINT ignored, which processes under test would inherit."""
    before = signal.getsignal(signal.SIGINT)
    if before == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real data that TRIPTYCH_DATA names."""
    if not os.environ.get("TRIPTYCH_DATA"):
        pytest.skip("TRIPTYCH_DATA is not set: this test reads the real data folder")
    return Path(os.environ["TRIPTYCH_DATA"])
