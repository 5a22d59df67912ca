"""A sign of life from within a unit: one may take an hour where it is a large archive."""

import time
from collections.abc import Callable

SECONDS = 10.0


class Pulse:
    """Says every few seconds how far a unit is. Only where the build was called: in other processes it is silent.

    Args:
        progress: told the lines; None: nobody is.
        what: how each line begins.
    """

    def __init__(self, progress: Callable[[str], None] | None = None, what: str = "") -> None:
        self._progress, self._what = progress, what
        self._last = time.monotonic()

    def __call__(self, unit: int, done: str) -> None:
        """Say what is done of a unit, if it is time to."""
        now = time.monotonic()
        if self._progress is not None and now - self._last >= SECONDS:
            self._last = now
            self._progress(f"{self._what}: {done} of unit {unit}")

    def __reduce__(self) -> tuple[type["Pulse"], tuple[()]]:
        """What reaches another process: nobody there to be told."""
        return Pulse, ()
