"""Opening a file wherever it lies and however it is compressed."""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

import fsspec
import pyarrow
from fsspec.registry import known_implementations

from tokenization.errors import DataError, RunError, did_you_mean
from tokenization.reading.network import Remote, network_told

# What may be raised while a file is read on: the disk, the network, or an archive that is cut short or damaged.
READ_ERRORS = (OSError, EOFError, zlib.error, lzma.LZMAError)

_BUFFER = 1 << 20
# A decompressor that meets the end too early gives up a whole buffer of what it had: a small one loses little.
_UNPACKED_BUFFER = 1 << 12
_WEB = ("http://", "https://")


def _unzstd(raw: BinaryIO) -> Any:
    # `zstandard.stream_reader` takes a frame that is cut short for the end of the text; Arrow's reader says so.
    return pyarrow.CompressedInputStream(raw, "zstd")


UNPACKERS: dict[str, Callable[[BinaryIO], Any]] = {
    ".gz": lambda raw: gzip.GzipFile(fileobj=raw),
    ".zst": _unzstd,
    ".xz": lzma.LZMAFile,
    ".bz2": bz2.BZ2File,
}
UNREAD_ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".tgz", ".lz4", ".br", ".lzma", ".z")


def is_url(place: str) -> bool:
    """Whether fsspec opens it, and not the file system of this machine."""
    return "://" in place


def endings(place: str) -> tuple[str, str]:
    """The ending that tells the format and the one that tells the compression, in small letters; "" for none."""
    name = PurePosixPath(urlsplit(place).path if place.startswith(_WEB) else place)
    packed = name.suffix.lower() if name.suffix.lower() in UNPACKERS else ""
    return (PurePosixPath(name.stem) if packed else name).suffix.lower(), packed


@contextmanager
def opened(place: str, unpack: bool = True) -> Iterator[BinaryIO]:
    """Open a path or URL for reading bytes, decompressed by its ending.

    Raises:
        DataError: no backend for the URL.
        RunError: a URL cannot be opened, or later not be read on.
        OSError: a file of this machine cannot be opened.
    """
    with ExitStack() as stack:
        raw = stack.enter_context(_raw(place))
        packed = endings(place)[1] if unpack else ""
        if packed:
            raw = stack.enter_context(io.BufferedReader(UNPACKERS[packed](raw), _UNPACKED_BUFFER))
        yield cast(BinaryIO, raw)


def _raw(place: str) -> Any:
    if not is_url(place):
        return open(place, "rb", buffering=_BUFFER)
    filesystem, path = file_system(place)
    with network_told(place):
        in_order = place.startswith(_WEB) and not _sends_ranges(filesystem, path)
        file = filesystem.open(path, "rb", **({"block_size": 0} if in_order else {}))
    return io.BufferedReader(Remote(file, place), _BUFFER)


def _sends_ranges(filesystem: Any, path: str) -> bool:
    """Whether a web server sends a part of a file when asked for it; many do without saying so, some do not."""
    try:
        with filesystem.open(path, "rb", cache_type="none") as probe:
            probe.seek(1)
            probe.read(1)
    except ValueError:
        return False
    return True


def file_system(url: str) -> tuple[Any, str]:
    """fsspec's file system for a URL, and the path within it.

    Raises:
        DataError: an unknown protocol, or one whose package is not installed.
    """
    try:
        filesystem, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        protocol = url.split("://")[0]
        known = known_implementations.get(protocol, {}).get("err", "")
        raise DataError(f"{url}: the backend of {protocol}:// is not installed. {known or error} with pip.") from None
    except ValueError:
        protocol, known = url.split("://")[0], fsspec.available_protocols()
        raise DataError(
            f"{url}: {protocol}:// is no protocol that fsspec knows{did_you_mean(protocol, known) or '.'} "
            "Usual ones are s3, gs, https, file."
        ) from None
    return filesystem, path


def cannot_be_read(place: str, error: Exception) -> DataError:
    """What to say of one of the READ_ERRORS: the file is damaged.

    Raises:
        RunError: it is the disk or the network; that is no malformed input, and not to be skipped as such.
    """
    if isinstance(error, OSError) and (error.errno is not None or isinstance(error, ConnectionError | TimeoutError)):
        raise RunError(f"{place}: cannot be read: {error}. Mend the cause and run the same command again.") from None
    return DataError(f"{place}: damaged or cut short: {error}. Fetch it again, or pack it again.")


def size_of(place: str) -> int | None:
    """A file's bytes as it lies there, or None where the other side does not say."""
    if not is_url(place):
        return Path(place).stat().st_size
    filesystem, path = file_system(place)
    with network_told(place):
        size = filesystem.info(path).get("size")
    return None if size is None else int(size)
