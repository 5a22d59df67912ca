"""The run directory: where everything of a run lies, and the lock that keeps a second process out."""

import fcntl
import json
import os
import platform
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
import yaml

from pipeline.recipe.load import dump_resolved
from pipeline.recipe.recipe import Recipe
from tokenization.atomic import write_json, write_text
from tokenization.errors import RunError
from training.checkpoint import StageFolder
from training.distributed import World

_PACKAGES = (
    *("triptych", "torch", "transformers", "datasets", "deepspeed", "tokenizers", "numpy"),
    *("scikit-learn", "scipy", "seqeval"),  # which compute the scores
)


class RunFolder:
    """The files of a run."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.recipe = root / "recipe.yaml"
        self.environment = root / "environment.json"
        self.scores = root / "evaluation" / "scores.json"
        self.seeds = root / "evaluation" / "seeds.json"  # the scores over several seeds
        self.start = root / "stages" / "start.json"  # the ledger before the first stage
        self.export = root / "export"
        self.report = root / "report.html"
        self.lock = root / "lock"

    @property
    def store(self) -> Path:
        """Tokenizers and corpora, shared by the runs that stand beside each other."""
        return self.root.absolute().parent / "store"

    @property
    def _results(self) -> tuple[Path, ...]:
        """What is made from all stages together."""
        return self.scores.parent, self.export, self.report

    def stage(self, name: str) -> StageFolder:
        return StageFolder(self.root / "stages" / name)

    def is_begun(self, name: str) -> bool:
        """Whether a stage has a record, be it a damaged one."""
        stage = self.stage(name)
        return stage.manifest.is_file() or stage.started.is_file()

    def claim(self, recipe: Recipe) -> None:
        """Write the resolved recipe and the environment.

        Raises:
            RunError: the folder belongs to another recipe.
        """
        self.refuse_other(recipe)
        write_text(self.recipe, dump_resolved(recipe))
        write_json(self.environment, environment())

    def refuse_other(self, recipe: Recipe) -> None:
        """Refuse a folder that another recipe's run wrote."""
        if not self.recipe.is_file():
            return
        try:
            owner = yaml.safe_load(self.recipe.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError):
            raise RunError(
                f"{self.recipe} is damaged, so nobody can tell whose run directory this is. If it is this recipe's, "
                "move that file away and run the same command again; else give another directory with --run-dir."
            ) from None
        name = owner.get("name") if isinstance(owner, dict) else None
        if name != recipe.name:
            raise RunError(
                f"{self.root} is the run directory of recipe '{name}', not of '{recipe.name}'. "
                "Give another one with --run-dir."
            )

    def set_aside(self, names: list[str], start: bool) -> Path | None:
        """Move the folders of these stages, and the results made from them, under `aside/`; nothing is deleted.

        Links to what belongs to another run are taken away.

        Args:
            start: whether what was measured before the first stage goes too.
        """
        named = [*(self.stage(name).root for name in names), *([self.start] if start else [])]
        for link in filter(Path.is_symlink, named):
            link.unlink()
        present = [path for path in named if path.exists()]
        if not present:
            return None
        taken = (path.name for path in (self.root / "aside").glob("*"))
        number = 1 + max((int(name) for name in taken if name.isdecimal()), default=0)
        target = self.root / "aside" / f"{number:03d}"
        for path in [*present, *(path for path in self._results if path.exists())]:
            place = target / path.relative_to(self.root)
            place.parent.mkdir(parents=True, exist_ok=True)
            path.rename(place)
        return target


@contextmanager
def locked_run(folder: RunFolder, world: World) -> Iterator[None]:
    """Hold the run directory. The system lets go of it when the process dies, however it dies.

    Raises:
        RunError: another process holds it; the message names it.
    """
    if not world.chief:
        yield
        return
    folder.root.mkdir(parents=True, exist_ok=True)
    with open(folder.lock, "a+", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunError(
                f"{folder.root} is in use by {_holder(folder.lock)}. Wait for it, or stop it first."
            ) from None
        if not _is_named(handle.fileno(), folder.lock):
            # Its holder ended, and took the file away, between our opening it and our locking it.
            raise RunError(f"{folder.root} was let go of by another process this moment. Run the same command again.")
        handle.truncate(0)
        json.dump(
            {"pid": os.getpid(), "host": socket.gethostname(), "since": time.time(), "command": " ".join(sys.argv)},
            handle,
        )
        handle.flush()
        try:
            yield
        finally:
            folder.lock.unlink(missing_ok=True)


def _is_named(handle: int, path: Path) -> bool:
    """Whether an open file is still the one of that name."""
    return path.exists() and os.path.samestat(os.fstat(handle), path.stat())


def environment() -> dict[str, Any]:
    """What the run is computed on: machine, versions, commit, command."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    return {
        "argv": sys.argv,
        "commit": commit(),
        "device": device,
        "machine": {"processor": _processor(), "cores": os.cpu_count(), "system": platform.platform()},
        "python": platform.python_version(),
        "versions": {name: found for name in _PACKAGES if (found := _version(name))},
    }


def commit() -> str | None:
    """The commit of the clone this code runs from, `-dirty` where it was changed; None where it is installed."""
    here = Path(__file__).resolve().parent.parent
    if not (here / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _holder(lock: Path) -> str:
    try:
        owner = json.loads(lock.read_text(encoding="utf-8"))
        return f"process {owner['pid']} on {owner['host']} ({owner['command']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
