"""ZeRO-3 with weights and moments offloaded: trains on two ranks, saves, resumes, and matches the plain engine."""

from typing import Any

import pytest

from tests.pipeline.two_ranks import TRIPTYCH, as_words, losses, on_two_ranks, zero

pytestmark = pytest.mark.slow

# A constant rate: a schedule over more steps would make the first ones another run.
CONSTANT = ("schedule.kind=constant", "schedule.warmup=0")


def test_an_offloaded_stage_that_stops_half_way_goes_on_to_the_plain_run_of_one_rank(shared_house: Any) -> None:
    both = shared_house.folder("offload")
    words = ["run", shared_house.file, "--run-dir", both.root, "--only", "general", "--extend"]
    words += as_words(*CONSTANT, *zero("3-offload"))
    on_two_ranks(shared_house, *TRIPTYCH, *words, *as_words("general.steps=4"))
    assert len(losses(both, "general")) == 4
    on_two_ranks(shared_house, *TRIPTYCH, *words)
    alone = shared_house.run("not-offloaded", *CONSTANT, only="general")
    assert losses(both, "general") == pytest.approx(losses(alone, "general"), rel=1e-5)
