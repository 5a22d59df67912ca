"""Which device a rank gets: one of its own, or a refusal that says how many there are."""

import pytest
import torch

from tokenization.errors import RunError
from training.distributed import join_world


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> list[torch.device]:
    """A machine of two GPUs; the devices that were chosen."""
    chosen: list[torch.device] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    return chosen


def test_a_rank_computes_on_the_gpu_of_its_number(
    two_gpus: list[torch.device], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert join_world().device == torch.device("cuda", 1)
    assert two_gpus == [torch.device("cuda", 1)]


def test_a_rank_without_a_gpu_is_refused_with_how_many_there_are(
    two_gpus: list[torch.device], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(RunError, match=r"LOCAL_RANK is 2, and GPUs are there: 2\. .*--nproc_per_node 2"):
        join_world()
    assert two_gpus == []
