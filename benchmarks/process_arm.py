"""An arm in a process of its own: a training loop, whose-ever, that pauses at the end of each block.

A loop has no way to run a few steps and pause, and its settings may hold for a whole process. Here it runs as it is,
tells every step to a `HandOver`, and stands still in there between the blocks: start-up and compiling are left out.
"""

import multiprocessing
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection

import torch

from benchmarks.proof import Proof


class Finished(BaseException):
    """No further block is wanted. No handler of a training loop may take it for a failure."""


class HandOver:
    """The loop's side: after every step it is told what the step did.

    Args:
        steps: how many make a block.
    """

    def __init__(self, line: Connection, steps: int) -> None:
        self._line, self._steps = line, steps
        self._work, self._done = 0.0, 0

    def step(self, work: float, proof: Proof | None = None) -> None:
        """Count a step's work (real tokens); at the end of a block, answer and wait to be asked again.

        Raises:
            Finished: the other side wants no more.
        """
        self._work, self._done = self._work + work, self._done + 1
        if self._done % self._steps == 0:
            self._line.send((self._work, proof or Proof()))
            self._work = 0.0
            self.wait()

    def wait(self) -> None:
        """Until a block is asked for."""
        if not self._line.recv():
            raise Finished


class ProcessArm:
    """The asking side.

    Args:
        train: the loop, which must be importable in another process; it starts when the first block is asked for.
        steps: how many make a block.

    Attributes:
        process: the other one.
        proof: of the first step, where the loop tells it.
    """

    def __init__(self, name: str, train: Callable[[HandOver], None], steps: int, threads: int) -> None:
        self.name, self.proof = name, Proof()
        context = multiprocessing.get_context("spawn")
        self._line, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, train, steps, threads), daemon=True)
        self.process.start()
        theirs.close()

    def run_block(self) -> float:
        """Let it run one block; returns the block's work.

        Raises:
            RuntimeError: it failed, and why.
        """
        self._line.send(True)
        try:
            answer = self._line.recv()
        except EOFError:
            raise RuntimeError(f"{self.name}: its process died") from None
        if isinstance(answer, str):
            raise RuntimeError(f"{self.name} failed:\n{answer}")
        work, self.proof = answer
        return float(work)

    def close(self) -> None:
        """Let the process end."""
        self._line.send(False)
        self.process.join()


def _serve(line: Connection, train: Callable[[HandOver], None], steps: int, threads: int) -> None:
    """The other process: start when first asked."""
    torch.set_num_threads(threads)
    hand_over = HandOver(line, steps)
    try:
        hand_over.wait()
        train(hand_over)
        line.send("the loop ended before it was told to")
    except Finished:
        pass
    except Exception:
        line.send(traceback.format_exc())
