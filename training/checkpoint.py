"""Checkpoints in our own format, the same for every engine, ZeRO stage and number of ranks.

    checkpoints/step-00000100/   weights.safetensors, first.safetensors, second.safetensors, state.json, checksums.json
    snapshots/step-00000100.safetensors   weights alone, for the best of each task and jointly

All written aside and renamed; whatever has its name is whole.
"""

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from tokenization import fingerprint
from tokenization.atomic import ASIDE, aside, remove
from tokenization.errors import CheckpointError
from training.engine import Engine, Moments
from training.state import State
from training.tensorfile import tensor_writer

_PREFIX = "step-"


class StageFolder:
    """Where a stage keeps its files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.checkpoints = root / "checkpoints"
        self.metrics = root / "metrics.jsonl"
        self.manifest = root / "manifest.json"
        self.started = root / "started.json"
        self.before = root / "manifest.before.json"  # of a finished stage that is being extended

    def checkpoint(self, step: int) -> Path:
        return self.checkpoints / f"{_PREFIX}{step:08d}"

    def snapshot(self, step: int) -> Path:
        return self.root / "snapshots" / f"{_PREFIX}{step:08d}.safetensors"

    def saved_steps(self) -> list[int]:
        """Steps of the whole checkpoints, ascending; a folder of another name, as of one moved aside, is no matter."""
        names = (path.name.removeprefix(_PREFIX) for path in self.checkpoints.glob(f"{_PREFIX}*"))
        return sorted(int(name) for name in names if name.isdecimal())


def save_checkpoint(folder: StageFolder, engine: Engine, state: State, keep: int) -> None:
    """Save weights, moments and state at `state.step`, then drop what is no longer needed. All ranks call it."""
    target = folder.checkpoint(state.step)
    if engine.world.chief:
        with aside(target) as path:
            path.mkdir()
            _write(path, engine, state)
        tidy(folder, keep)
    else:
        _take_part(engine, moments=True)
    engine.world.wait()


def save_snapshot(folder: StageFolder, engine: Engine, step: int) -> None:
    """Save the weights alone. All ranks call it."""
    if engine.world.chief:
        with aside(folder.snapshot(step)) as path, tensor_writer(path, shapes_of(engine.module)) as writer:
            for name, value in engine.weights():
                writer.write(name, value)
    else:
        _take_part(engine, moments=False)
    engine.world.wait()


def load_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file.

    Raises:
        CheckpointError: the file is missing, cut short or damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{path}: cannot be read as a checkpoint ({error}). It is cut short or damaged: "
            "move it aside to go on from an earlier one."
        ) from None


def load_state(folder: StageFolder, step: int) -> State:
    """The control state of a checkpoint, after its files have been checked against their checksums."""
    path = folder.checkpoint(step)
    verify(path)
    return _read_state(path)


def load_moments(folder: StageFolder, step: int) -> dict[str, Moments]:
    """The AdamW moments of a checkpoint, by parameter."""
    path = folder.checkpoint(step)
    first, second = load_weights(path / "first.safetensors"), load_weights(path / "second.safetensors")
    return {name: Moments(first[name], second[name]) for name in first}


def verify(path: Path) -> None:
    """Check a checkpoint's files against its checksums.

    Raises:
        CheckpointError: a file is missing, cut short or altered; the message names it.
    """
    try:
        sums: Mapping[str, str] = json.loads((path / "checksums.json").read_text())
    except (OSError, ValueError):
        sums = {"checksums.json": "unreadable"}
    files = [path / name for name in sums]
    with ThreadPoolExecutor() as threads:  # hashing lets go of the interpreter, so the cores share the files
        found = list(threads.map(lambda file: fingerprint.of_file(file) if file.is_file() else None, files))
    for file, expected, actual in zip(files, sums.values(), found, strict=True):
        if actual != expected:
            raise CheckpointError(
                f"{file}: missing, cut short or altered since it was saved. "
                f"Move {path} aside to go on from an earlier checkpoint."
            )


def load_into(
    module: nn.Module, weights: Mapping[str, Tensor], origin: Path, new: Callable[[str], bool] = lambda name: False
) -> list[str]:
    """Copy weights saved by us into a module of the same shape.

    Args:
        new: which parameters may be missing from the file; they keep their values.

    Returns:
        the parameters that were missing.

    Raises:
        CheckpointError: names or shapes differ; all differences are listed.
    """
    parameters = dict(module.named_parameters())
    missing = sorted(parameters.keys() - weights.keys())
    problems = [f"  {name}: in the model, not in the file" for name in missing if not new(name)]
    problems += [f"  {name}: in the file, not in the model" for name in sorted(weights.keys() - parameters.keys())]
    problems += [
        f"  {name}: {list(weights[name].shape)} in the file, {list(p.shape)} in the model"
        for name, p in parameters.items()
        if name in weights and weights[name].shape != p.shape
    ]
    if problems:
        raise CheckpointError("\n".join([f"{origin} does not fit this model:", *problems]))
    for name, value in weights.items():
        parameters[name].data.copy_(value)
    return missing


def shapes_of(module: nn.Module) -> dict[str, list[int]]:
    """Each parameter's whole shape, in order; a tied one stands once."""
    return {name: list(getattr(p, "ds_shape", p.shape)) for name, p in module.named_parameters()}


def _read_state(path: Path) -> State:
    try:
        return State.from_json(json.loads((path / "state.json").read_text()))
    except (OSError, ValueError):
        raise CheckpointError(f"{path / 'state.json'}: missing or damaged. Move {path} aside to go on.") from None


def _write(path: Path, engine: Engine, state: State) -> None:
    shapes = shapes_of(engine.module)
    with tensor_writer(path / "weights.safetensors", shapes) as writer:
        for name, value in engine.weights():
            writer.write(name, value)
    trained = {name: shapes[name] for name, parameter in engine.module.named_parameters() if parameter.requires_grad}
    with ExitStack() as stack:
        first = stack.enter_context(tensor_writer(path / "first.safetensors", trained))
        second = stack.enter_context(tensor_writer(path / "second.safetensors", trained))
        for name, moments in engine.moments():
            first.write(name, moments.first)
            second.write(name, moments.second)
    (path / "state.json").write_text(json.dumps(state.to_json(), indent=2, sort_keys=True) + "\n")
    sums = {file.name: fingerprint.of_file(file) for file in sorted(path.iterdir())}
    (path / "checksums.json").write_text(json.dumps(sums, indent=2, sort_keys=True) + "\n")


def _take_part(engine: Engine, moments: bool) -> None:
    """The other ranks' share in gathering what the first one writes."""
    for _ in engine.weights():
        pass
    if moments:
        for _ in engine.moments():
            pass


def tidy(folder: StageFolder, keep: int) -> None:
    """Drop all but the last `keep` checkpoints, snapshots that none of these refers to, and what a kill left behind.

    A checkpoint loses its name before its files: whatever has its name is whole.
    """
    steps = folder.saved_steps()
    for step in steps[:-keep]:
        folder.checkpoint(step).rename(folder.checkpoints / f"{ASIDE}dropped-{step}")
    for rubble in folder.root.glob(f"**/{ASIDE}*"):
        remove(rubble)
    needed: set[int] = set()
    for step in steps[-keep:]:
        needed |= _read_state(folder.checkpoint(step)).snapshots()
    for file in folder.snapshot(0).parent.glob(f"{_PREFIX}*.safetensors"):
        if file not in {folder.snapshot(step) for step in needed}:
            remove(file)
