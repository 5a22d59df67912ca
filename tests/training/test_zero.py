"""ZeRO 0-3 on two ranks against PlainEngine, by loss curves and weights; each one's checkpoints resume in each.

Dropout is on, tasks alternate, heads are idle in turn, and some steps are an odd number of micro-batches.
"""

import json
import logging
import subprocess
from pathlib import Path

import pytest
import torch

from training.batching import draw_step
from training.checkpoint import StageFolder, load_weights
from training.zero import _extension_folder, _own_piece

KINDS = ("plain", "zero0", "zero1", "zero2", "zero3")
STEPS, SAVED, WITNESSED = 50, 40, 8


def losses(lines, root):
    return [record["loss"] for record in lines(root)]


def weights(root):
    return load_weights(StageFolder(root).checkpoint(STEPS) / "weights.safetensors")


def assert_same_training(lines, root, reference, relative):
    expected = losses(lines, reference)
    assert losses(lines, root) == pytest.approx(expected[-len(losses(lines, root)) :], rel=relative)
    for name, value in weights(reference).items():
        # AdamW divides by the root of the second moment: what is rounding in a gradient near 0 may be a step in a
        # weight, so that weights agree less closely than losses do.
        assert (weights(root)[name] - value).abs().max() <= 1e-3, name


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("zero")


@pytest.fixture(scope="module")
def trained(run_ranks, root) -> Path:
    """Every engine's run to the end on two ranks, and PlainEngine's on one, which is the reference."""
    jobs = [{"kind": kind, "root": str(root / kind), "witness": WITNESSED} for kind in KINDS]
    run_ranks([{"kind": "plain", "root": str(root / "alone")}])
    run_ranks(jobs, ranks=2, timeout=560)
    return root


@pytest.fixture(scope="module")
def resumed(run_ranks, trained) -> Path:
    """Every engine on two ranks, gone on with from every engine's checkpoint of two ranks and from that of one."""
    run_ranks([job(trained, kind, origin) for kind in KINDS for origin in (*KINDS, "alone")], ranks=2, timeout=560)
    return trained


def job(root, kind, origin, to="two"):
    target = root / f"{kind}-from-{origin}-on-{to}"
    return {"kind": kind, "root": str(target), "origin": str(root / origin), "resume": SAVED}


def test_the_toy_has_steps_of_odd_numbers_of_micro_batches(toy):
    """Else no rank would ever run the micro-batch of nothing."""
    mixture = toy.mixture()
    assert {len(draw_step(mixture, step, toy.plan(1).budget).parts) % 2 for step in range(STEPS)} == {0, 1}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_engine_on_two_ranks_trains_as_the_plain_one_on_one(trained, lines, kind):
    assert len(losses(lines, trained / kind)) == STEPS
    assert_same_training(lines, trained / kind, trained / "alone", 1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_engine_logs_the_same_gradient_norms_counts_and_weights(trained, lines, kind):
    for found, expected in zip(lines(trained / kind), lines(trained / "alone"), strict=True):
        assert found["grad_norm"] == pytest.approx(expected["grad_norm"], rel=1e-4)
        for name, term in expected["terms"].items():
            assert (found["terms"][name]["count"], found["terms"][name]["weight"]) == (term["count"], term["weight"])


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_idle_heads_stand_still_bit_for_bit_under_every_engine(trained, kind):
    seen = json.loads((trained / kind / "witness.json").read_text())
    assert len(seen) == WITNESSED
    assert len({tuple(entry["active"]) for entry in seen}) == 2
    for entry in seen:
        assert entry["moved"] == sorted(["encoder", "pooler", *entry["active"]])


@pytest.mark.slow
@pytest.mark.parametrize("origin", [*KINDS, "alone"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_engines_checkpoint_resumes_in_every_engine(resumed, lines, kind, origin):
    root = Path(job(resumed, kind, origin)["root"])
    assert [record["step"] for record in lines(root)] == list(range(SAVED + 1, STEPS + 1))
    assert_same_training(lines, root, resumed / "alone", 1e-5)


@pytest.mark.slow
def test_a_checkpoint_of_two_ranks_under_zero_3_resumes_on_one_rank_under_every_engine(trained, run_ranks, lines):
    jobs = [job(trained, kind, "zero3", "one") for kind in KINDS]
    run_ranks(jobs)
    for entry in jobs:
        assert_same_training(lines, Path(entry["root"]), trained / "alone", 1e-5)


@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
def test_the_pieces_of_all_ranks_are_the_flattened_parameter_and_padding(toy, ranks):
    value = torch.arange(10.0).reshape(2, 5)
    pieces = torch.cat([_own_piece(value, type(toy.ALONE)(rank, ranks, torch.device("cpu"))) for rank in range(ranks)])
    assert pieces[:10].tolist() == list(range(10))
    assert pieces[10:].tolist() == [0.0] * (-10 % ranks)


def test_the_lock_of_a_build_that_was_killed_is_removed_and_said_so(toy, tmp_path, monkeypatch, caplog):
    """Where it stays, torch waits on it for ever."""
    monkeypatch.delenv("TORCH_EXTENSIONS_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / ".cache/triptych/torch_extensions/deepspeed_shm_comm"
    folder.mkdir(parents=True)
    lock, built = folder / "lock", folder / "shm.o"
    lock.touch()
    built.touch()
    with caplog.at_level(logging.WARNING), _extension_folder(toy.ALONE):
        assert not lock.exists()
    assert built.exists()
    assert "left by a build that was killed" in caplog.text


def test_a_lock_in_a_folder_that_the_user_names_is_told_and_left_alone(toy, tmp_path, monkeypatch, caplog):
    """It may be another program's build, which is going on."""
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", str(tmp_path))
    (tmp_path / "lock").touch()
    with caplog.at_level(logging.WARNING), _extension_folder(toy.ALONE):
        assert (tmp_path / "lock").exists()
    assert "torch waits for that build" in caplog.text


def test_only_one_of_our_processes_builds_at_a_time(toy, tmp_path, monkeypatch):
    """So a lock found is nobody's: another process cannot take ours while we are inside."""
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", str(tmp_path))
    attempt = ["flock", "--nonblock", str(tmp_path / "triptych.lock"), "true"]
    with _extension_folder(toy.ALONE):
        assert subprocess.run(attempt, check=False).returncode == 1
    assert subprocess.run(attempt, check=False).returncode == 0


def test_the_extensions_have_a_folder_of_our_own(toy, tmp_path, monkeypatch):
    monkeypatch.delenv("TORCH_EXTENSIONS_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with _extension_folder(toy.ALONE):
        assert (tmp_path / ".cache/triptych/torch_extensions").is_dir()
