"""What tells one content of a URL from another: what its server says of it, or, where that is too little, its bytes."""

from typing import Any

from tokenization import fingerprint
from tokenization.errors import DataError
from tokenization.reading.opening import file_system, opened

# What is another as soon as the content is, under the names that backends give it. A size alone is not: an edited file
# may well have the one that it had.
_TELLING = {
    *("etag", "checksum", "md5hash", "contentmd5", "digest", "crc32c", "generation", "blobid", "sha"),
    *("mtime", "lastmodified", "modified", "modify", "updated"),
}


def remote_version(url: str) -> str:
    """A hash of the URL with its tag, checksum or time of change, and its size; where there is none, of its bytes.

    Two files of one server may have equal sizes and times, so that the URL counts too. Reading all bytes takes its
    time, at each look: such a server gives no other sign.

    Raises:
        DataError: no backend for the URL, or nothing there.
        RunError: it cannot be read.
    """
    told = {key: value for key, value in _told(url).items() if key in _TELLING or key == "size"}
    if told.keys() <= {"size"}:
        with opened(url, unpack=False) as handle:
            return fingerprint.of_stream(handle)
    return fingerprint.of_value([url, told])


def _told(url: str) -> dict[str, str]:
    filesystem, path = file_system(url)
    try:
        info: dict[Any, Any] = filesystem.info(path)
    except Exception as error:  # every backend has errors of its own
        raise DataError(
            f"{url}: cannot be looked up: {type(error).__name__}: {error}. Correct the URL, or try again."
        ) from None
    plain = {str(key).lower().replace("-", "").replace("_", ""): value for key, value in info.items()}
    return {key: str(value) for key, value in plain.items() if value not in (None, "")}
