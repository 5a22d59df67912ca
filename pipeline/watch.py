"""Everything that looks on while a stage trains: the progress line and TensorBoard."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.progress import Progress
from pipeline.tensorboard import TensorBoardWriter


class Watch:
    """Hands each record to whoever shows it.

    Args:
        quiet: ranks other than the first show nothing.
        every: steps between two plain lines.
    """

    def __init__(self, quiet: bool, every: int, tensorboard: bool) -> None:
        self._progress = Progress(quiet=quiet, every=every)
        self._with_board = tensorboard and not quiet
        self._board: TensorBoardWriter | None = None

    def start(self, stage_folder: Path, stage: str, step: int, steps: int) -> None:
        """A stage begins, or goes on."""
        self.close()
        self._progress.start(stage, step, steps)
        if self._with_board:
            self._board = TensorBoardWriter(stage_folder)

    def step(self, record: Mapping[str, Any]) -> None:
        self._progress.step(record)
        if self._board:
            self._board.add(record)

    def evaluation(self, record: Mapping[str, Any]) -> None:
        self._progress.evaluation(record)
        if self._board:
            self._board.add(record)

    def say(self, line: str) -> None:
        """One line of text."""
        self._progress.say(line)

    def close(self) -> None:
        """The stage is over, or interrupted."""
        self._progress.close()
        if self._board:
            self._board.close()
            self._board = None
