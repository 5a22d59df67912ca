"""Line numbers, for messages about bytes in the middle of a file."""

from contextlib import ExitStack
from typing import BinaryIO

from tokenization.reading.opening import opened

_AT_ONCE = 1 << 20


class LineNumbers:
    """The line on which a byte stands, counted from 1 and from the start of the file.

    Nothing is read until something is asked: a block in the middle of a large file does not know its first line, and
    only malformed input needs it. What was counted is remembered, so that offsets may only grow.
    """

    def __init__(self, place: str, stack: ExitStack) -> None:
        self._place = place
        self._stack = stack
        self._handle: BinaryIO | None = None
        self._offset = 0
        self._line = 1

    def at(self, offset: int) -> int:
        """The line of the byte at `offset` (of the decompressed text)."""
        if self._handle is None:
            self._handle = self._stack.enter_context(opened(self._place))
        while self._offset < offset:
            chunk = self._handle.read(min(_AT_ONCE, offset - self._offset))
            self._line += chunk.count(b"\n")
            self._offset += len(chunk)
        return self._line
