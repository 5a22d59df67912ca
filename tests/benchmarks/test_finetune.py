"""The fine-tuning benchmark: both sides get the same rows, every token counts once, and means are compared by hand."""

import math
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from benchmarks.finetune import times_all
from benchmarks.finetune_data import Setting
from benchmarks.finetune_ours import our_arm
from benchmarks.finetune_peer import PeerFlags, Rows, answers, peer_arm
from benchmarks.finetune_scores import Store, compare
from benchmarks.process_arm import HandOver, ProcessArm


def count_up(last: int, hand_over: HandOver) -> None:
    """A loop whose step n does n of work."""
    for number in range(1, last + 1):
        hand_over.step(number)


def fail(hand_over: HandOver) -> None:
    raise ValueError("no such batch")


def test_two_means_by_hand():
    # Means 2 and 5, standard deviations 1 and 2: the error is sqrt(1/3 + 4/3).
    found = compare([1.0, 2.0, 3.0], [3.0, 5.0, 7.0])
    assert found.difference == -3.0
    assert found.error == pytest.approx(math.sqrt(5 / 3))
    assert not found.within
    assert compare([1.0, 2.0, 3.0], [2.0, 4.0, 6.0]).within


def test_equal_constant_scores_are_within_and_others_are_not():
    assert compare([0.5, 0.5], [0.5, 0.5]).within
    assert not compare([0.5, 0.5], [0.6, 0.6]).within


def test_a_finished_score_is_kept_and_other_settings_make_it_anew(tmp_path):
    said: list[str] = []
    for settings, score in (({"epochs": 1}, 0.25), ({"epochs": 1}, 0.75), ({"epochs": 2}, 0.75)):
        Store(tmp_path, settings).score("ours-seed-1", lambda score=score: score, said.append)
    assert [line.split()[1] for line in said] == ["0.2500", "0.2500", "0.7500"]


def test_tasks_are_weighed_by_the_time_of_an_epoch():
    # Theirs: 100 / 10 + 300 / 30 = 20 seconds; ours: 100 / 20 + 300 / 60 = 10.
    parts = [(100, 20.0, 10.0), (300, 60.0, 30.0)]
    found = {
        str(place): {
            "speed": {
                "epoch_tokens": tokens, "ours": "ours", "peer": "peer",
                "arms": {"ours": {"median": ours}, "peer": {"median": peer}},
            }
        }
        for place, (tokens, ours, peer) in enumerate(parts)
    }  # fmt: skip
    assert times_all(found) == 2.0


def test_a_block_in_another_process_is_so_many_steps_and_the_work_is_theirs():
    arm = ProcessArm("counting", partial(count_up, 9), 2, 1)
    assert [arm.run_block() for _ in range(3)] == [1 + 2, 3 + 4, 5 + 6]
    arm.close()
    assert not arm.process.is_alive()


def test_a_loop_that_fails_or_ends_says_so():
    with pytest.raises(RuntimeError, match="no such batch"):
        ProcessArm("failing", fail, 1, 1).run_block()
    with pytest.raises(RuntimeError, match="ended before"):
        ProcessArm("short", partial(count_up, 1), 2, 1).run_block()


@pytest.mark.data
@pytest.mark.parametrize("task", ["rte", "stsb"])
def test_the_peer_gets_our_ids_and_its_perfect_logits_are_our_gold(task: str, data_folder: Path):
    encoded = Setting(data_folder, task).split("dev")
    rows = Rows(encoded)
    assert np.concatenate([row["input_ids"] for row in rows]).tolist() == encoded.tokens_T.tolist()
    labels = np.array([row["labels"] for row in rows])
    logits = np.eye(2)[labels] if task == "rte" else labels[:, None]
    for given in (logits, labels):  # Trainer hands labels back in the order of its predictions
        assert answers(encoded.spec, given.astype(np.float32)) == pytest.approx(np.asarray(encoded.gold), abs=1e-6)


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_an_epoch_counts_every_real_token_once_and_no_padding(side: str, data_folder: Path):
    setting = Setting(data_folder, "cola", rows=64)
    flags = PeerFlags(bf16=False)
    arm = our_arm(setting, False, 2, 1) if side == "ours" else peer_arm(setting, flags, 2, 1)
    assert arm.run_block() == setting.split("train").lengths_N.sum()
    arm.close()
