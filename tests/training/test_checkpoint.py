"""Checkpoints: whole or not there, checked on reading, pruned, and readable by safetensors itself."""

import errno
import json
from dataclasses import dataclass

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from tokenization.errors import CheckpointError, RunError
from training.checkpoint import (
    StageFolder,
    load_into,
    load_moments,
    load_state,
    load_weights,
    save_checkpoint,
    save_snapshot,
    verify,
)
from training.distributed import World
from training.engine import Moments
from training.state import Best, State
from training.tensorfile import TensorWriter, tensor_writer

FILES = ["checksums.json", "first.safetensors", "second.safetensors", "state.json", "weights.safetensors"]


@dataclass
class Still:
    """An engine that holds a module and made-up moments."""

    module: nn.Module
    world: World

    def weights(self):
        yield from ((name, parameter.detach()) for name, parameter in self.module.named_parameters())

    def moments(self):
        for name, p in self.module.named_parameters():
            if p.requires_grad:
                yield name, Moments(p.detach() + 1, p.detach() ** 2)


@pytest.fixture
def still(toy):
    torch.manual_seed(0)
    return Still(nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 4)), toy.ALONE)


@pytest.fixture
def folder(tmp_path):
    return StageFolder(tmp_path)


def test_weights_and_moments_come_back_as_they_were_and_safetensors_itself_reads_them(still, folder):
    save_checkpoint(folder, still, State(step=3), keep=2)
    path = folder.checkpoint(3)
    assert sorted(file.name for file in path.iterdir()) == FILES
    read, moments = load_file(path / "weights.safetensors"), load_moments(folder, 3)
    for name, parameter in still.module.named_parameters():
        assert torch.equal(read[name], parameter)
        assert torch.equal(load_weights(path / "weights.safetensors")[name], parameter)
        assert torch.equal(moments[name].first, parameter + 1)
        assert torch.equal(moments[name].second, parameter**2)


def test_the_state_comes_back_as_it_was(still, folder):
    state = State(5, {"a": 7}, {"a": 2}, {"a/x": 1}, {"joint": Best(0.25, 3)}, without_gain=1, stopped=True)
    save_checkpoint(folder, still, state, keep=2)
    assert load_state(folder, 5) == state


def test_frozen_parameters_are_saved_without_moments(still, folder):
    still.module[0].weight.requires_grad_(False)
    save_checkpoint(folder, still, State(step=1), keep=2)
    assert "0.weight" in load_weights(folder.checkpoint(1) / "weights.safetensors")
    assert "0.weight" not in load_moments(folder, 1)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["cut short", "altered", "missing"])
def test_a_damaged_checkpoint_is_refused_naming_the_file(still, folder, name, damage):
    save_checkpoint(folder, still, State(step=3), keep=2)
    file = folder.checkpoint(3) / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(content if damage == "altered" else content[: len(content) // 2])
    with pytest.raises(CheckpointError, match=r"missing, cut short or altered") as caught:
        load_state(folder, 3)
    # A checksum that was itself altered accuses the file it speaks of: either way the checkpoint is refused.
    assert str(folder.checkpoint(3)) in str(caught.value)
    if name != "checksums.json":
        assert f"{file}:" in str(caught.value)


@pytest.mark.parametrize("size", [0, 4, 100])
def test_a_weights_file_cut_short_is_refused_in_our_own_words(still, folder, size):
    save_snapshot(folder, still, 2)
    file = folder.snapshot(2)
    file.write_bytes(file.read_bytes()[:size])
    with pytest.raises(CheckpointError, match="cut short or damaged") as caught:
        load_weights(file)
    assert str(file) in str(caught.value)


def test_what_was_being_written_when_the_run_died_is_ignored_and_cleared(still, folder):
    save_checkpoint(folder, still, State(step=1), keep=2)
    half = folder.checkpoints / ".aside-step-00000002"
    half.mkdir()
    (half / "weights.safetensors").write_bytes(b"half")
    assert folder.saved_steps() == [1]
    save_checkpoint(folder, still, State(step=2), keep=2)
    assert folder.saved_steps() == [1, 2]
    assert not half.exists()
    verify(folder.checkpoint(2))


def test_a_checkpoint_that_was_renamed_in_place_is_no_checkpoint(still, folder):
    """As the message about a damaged one advises."""
    save_checkpoint(folder, still, State(step=1), keep=2)
    save_checkpoint(folder, still, State(step=2), keep=2)
    folder.checkpoint(2).rename(folder.checkpoints / "step-00000002.damaged")
    assert folder.saved_steps() == [1]


@pytest.mark.parametrize("keep", [1, 2, 3])
def test_the_last_few_checkpoints_are_kept(still, folder, keep):
    for step in (5, 10, 15, 20):
        save_checkpoint(folder, still, State(step=step), keep)
    assert folder.saved_steps() == [5, 10, 15, 20][-keep:]


def test_snapshots_are_kept_while_a_kept_checkpoint_refers_to_them(still, folder):
    """Best at 1, then at 3: the checkpoint of step 2 needs snapshot 1 as long as it may be resumed from."""
    kept = []
    for step, best in ((1, 1), (2, 1), (3, 3), (4, 3)):
        if step == best:
            save_snapshot(folder, still, step)
        save_checkpoint(folder, still, State(step=step, best={"joint": Best(0.5, best)}), keep=2)
        kept.append([s for s in range(5) if folder.snapshot(s).exists()])
    assert kept == [[1], [1], [1, 3], [3]]


def full_after(bytes_left):
    """A disk that is full after so many bytes."""

    def write(self, name, value):
        nonlocal bytes_left
        bytes_left -= 4 * value.numel()
        if bytes_left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        whole(self, name, value)

    whole = TensorWriter.write
    return write


@pytest.mark.parametrize("room", [0, 60, 100, 200])
def test_a_full_disk_while_saving_leaves_the_older_checkpoints_and_no_half_one(still, folder, monkeypatch, room):
    """The model has 80 bytes of weights, and twice that of moments."""
    save_checkpoint(folder, still, State(step=1), keep=1)
    monkeypatch.setattr(TensorWriter, "write", full_after(room))
    with pytest.raises(RunError, match=r"step-00000002: no space left .* Free some space"):
        save_checkpoint(folder, still, State(step=2), keep=1)
    assert [path.name for path in folder.checkpoints.iterdir()] == ["step-00000001"]
    verify(folder.checkpoint(1))


def test_weights_of_another_model_are_refused_with_all_differences(still, toy, tmp_path):
    weights = dict(still.weights())
    weights["2.weight"] = weights.pop("1.bias")
    weights["0.bias"] = torch.zeros(3)
    with pytest.raises(CheckpointError) as caught:
        load_into(still.module, weights, tmp_path / "w")
    for line in ("1.bias: in the model", "2.weight: in the file", "0.bias: [3] in the file, [2] in the model"):
        assert line in str(caught.value)


def test_nothing_is_loaded_where_anything_differs(still, tmp_path):
    before = still.module[0].weight.clone()
    with pytest.raises(CheckpointError):
        load_into(still.module, {"0.weight": torch.zeros(2, 3)}, tmp_path)
    assert torch.equal(still.module[0].weight, before)


def test_new_parameters_may_be_missing_when_that_is_said_and_are_named(still, tmp_path):
    weights = {name: value + 1 for name, value in still.weights() if name != "1.bias"}
    before = still.module[1].bias.clone()
    assert load_into(still.module, weights, tmp_path, new=lambda name: name.startswith("1.")) == ["1.bias"]
    assert torch.equal(still.module[1].bias, before)
    assert torch.equal(still.module[0].weight, weights["0.weight"])


def test_a_tied_parameter_is_saved_once_and_stays_tied(folder, toy):
    net = toy.network()
    engine = toy.plain_engine(net, toy.mixture())
    save_checkpoint(folder, engine, State(step=1), keep=1)
    saved = load_weights(folder.checkpoint(1) / "weights.safetensors")
    assert len(saved) == len(list(net.parameters()))
    other = toy.network()
    load_into(other, {name: value + 1 for name, value in saved.items()}, folder.root)
    word = other.encoder.embeddings.word.weight
    assert any(word is p for module in other.heads["mlm"].modules() for p in vars(module)["_parameters"].values())


def test_tensors_out_of_turn_or_of_another_shape_are_our_own_mistake(tmp_path):
    with tensor_writer(tmp_path / "t", {"a": [2], "b": [1]}) as writer:
        with pytest.raises(AssertionError, match="b comes before a"):
            writer.write("b", torch.zeros(1))
        with pytest.raises(AssertionError, match="declared as"):
            writer.write("b", torch.zeros(2))


def test_bf16_tensors_and_scalars_are_written_as_float32(tmp_path):
    with tensor_writer(tmp_path / "t", {"a": [2], "b": []}) as writer:
        writer.write("a", torch.tensor([1.5, -2.0], dtype=torch.bfloat16))
        writer.write("b", torch.tensor(3.0, dtype=torch.float64))
    read = load_file(tmp_path / "t")
    assert (read["a"].dtype, read["a"].tolist()) == (torch.float32, [1.5, -2.0])
    assert (read["b"].shape, float(read["b"])) == ((), 3.0)


def test_states_json_is_readable_by_any_reader(still, folder):
    save_checkpoint(folder, still, State(step=1, best={"joint": Best(0.5, 1)}), keep=1)
    assert json.loads((folder.checkpoint(1) / "state.json").read_text())["best"] == {"joint": {"score": 0.5, "step": 1}}
