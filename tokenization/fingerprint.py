"""Content addresses: what was this made of? (blake2b, 16 hexadecimal digits where a name needs one)."""

import hashlib
import json
from pathlib import Path
from typing import Any, BinaryIO


def of_file(path: Path) -> str:
    """The hash of a file's bytes."""
    with open(path, "rb") as handle:
        # Python 3.10 has no `hashlib.file_digest`.
        return hashlib.file_digest(handle, _blake).hexdigest() if hasattr(hashlib, "file_digest") else of_stream(handle)


def of_files(paths: list[Path]) -> str:
    """The hash of several files' bytes, in the given order; their names and places do not matter."""
    return of_value([of_file(path) for path in paths])


def of_value(value: Any) -> str:
    """The hash of a JSON-serialisable value; the order of keys does not matter."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def of_stream(handle: BinaryIO) -> str:
    """The hash of the bytes that are still to be read."""
    state = _blake()
    while block := handle.read(1 << 20):
        state.update(block)
    return state.hexdigest()


def _blake() -> "hashlib.blake2b":
    return hashlib.blake2b(digest_size=8)
