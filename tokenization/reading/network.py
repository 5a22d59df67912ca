"""Bytes that come over a network, and what becomes of a connection that breaks off."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tokenization.errors import RunError


@contextmanager
def network_told(url: str) -> Iterator[None]:
    """Whatever a backend raises while it fetches bytes is the network's doing: no malformed input, never skipped.

    Raises:
        RunError: in place of whatever was raised.
    """
    try:
        yield
    except Exception as error:  # every backend has errors of its own, and few of them are an OSError
        raise RunError(
            f"{url}: cannot be read: {type(error).__name__}: {error}. Mend the cause and run the same command again."
        ) from None


class Remote(io.RawIOBase):
    """A file of fsspec's, which fetches what is read of it."""

    def __init__(self, file: Any, url: str) -> None:
        self._file, self._url = file, url

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return bool(self._file.seekable())

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Fetches nothing; a ValueError where the server sends no parts."""
        self._file.seek(offset, whence)
        return self.tell()

    def tell(self) -> int:
        return int(self._file.tell())

    def readinto(self, buffer: Any) -> int:
        with network_told(self._url):
            return int(self._file.readinto(buffer))

    def close(self) -> None:
        self._file.close()
        super().close()
