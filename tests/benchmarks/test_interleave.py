"""Arms that take turns: their order, and the arithmetic of their rates."""

import math

import pytest

from benchmarks.interleave import Rates, fastest, ratio, take_turns
from benchmarks.proof import Proof, disagreements
from benchmarks.results import machine_name


class Counted:
    def __init__(self, name, diary):
        self.name, self._diary = name, diary

    def run_block(self):
        self._diary.append(self.name)
        return 1.0


def test_every_round_runs_every_arm_once_in_order():
    diary: list[str] = []
    rates = take_turns([Counted("a", diary), Counted("b", diary)], 3, say=lambda line: None)
    assert diary == ["a", "b"] * 3
    assert [len(found.blocks) for found in rates.values()] == [3, 3]


def test_median_and_spread_of_five_blocks_by_hand():
    rates = Rates((10.0, 30.0, 20.0, 25.0, 15.0))
    assert rates.median == 20.0
    assert rates.spread == 1.0


def test_a_ratio_is_taken_round_by_round():
    # Round 2 was half as fast for both: the ratio does not see it.
    assert ratio(Rates((8.0, 4.0, 8.0)), Rates((2.0, 1.0, 2.0))).blocks == (4.0, 4.0, 4.0)


def test_the_fastest_is_of_the_names_asked_for():
    rates = {"ours": Rates((9.0,)), "eager": Rates((1.0,)), "compiled": Rates((2.0,))}
    assert fastest(rates, ["eager", "compiled"]) == "compiled"


@pytest.mark.parametrize(
    ("precision", "other", "wrong"),
    [
        ("fp32", Proof(11.0 * (1 + 5e-6), 2.0), 0),
        ("fp32", Proof(11.0 * (1 + 5e-5), 2.0), 1),
        ("fp32", Proof(11.1, 2.1), 2),
        ("bf16", Proof(11.05, 2.01), 0),
        ("bf16", Proof(11.0, 2.1), 1),
        ("bf16", Proof(), 2),
    ],
)
def test_arms_that_differ_by_more_than_rounding_are_named(precision, other, wrong):
    lines = disagreements({"ours": Proof(11.0, 2.0), "theirs": other}, precision)
    assert len(lines) == wrong
    assert all(line.startswith("theirs: ") for line in lines)


def test_a_proof_is_no_number_before_it_is_taken():
    assert math.isnan(Proof().loss)
    assert math.isnan(Proof().norm)


@pytest.mark.parametrize(
    ("device", "name"),
    [("cpu", "intel-xeon-processor-2cores"), ("NVIDIA H200", "nvidia-h200")],
)
def test_the_machine_is_part_of_the_file_name(device, name):
    machine = {"processor": "Intel(R) Xeon(R) Processor @ 2.50GHz", "cores": 2}
    assert machine_name({"device": device, "machine": machine}) == name
