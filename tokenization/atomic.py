"""Writing so that nothing half-written looks whole: write aside, flush, rename."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tokenization.errors import RunError

ASIDE = ".aside-"


@contextmanager
def aside(path: Path) -> Iterator[Path]:
    """Yield a name beside `path` to write a file or folder to; it takes its place only when the block succeeds.

    A file replaces an older file; a folder replaces an older folder. On any error the half-written one is removed
    and `path` is as it was.

    Raises:
        RunError: the disk is full; what stood at `path` is untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{ASIDE}{path.name}")
    remove(temporary)
    try:
        yield temporary
        flush(temporary)
        if path.is_dir():
            outgoing = path.with_name(f"{ASIDE}old-{path.name}")
            remove(outgoing)
            path.rename(outgoing)
            temporary.rename(path)
            remove(outgoing)
        else:
            temporary.replace(path)
        flush_entry(path.parent)
    except OSError as error:
        remove(temporary)
        if error.errno in (28, 122):  # ENOSPC, EDQUOT
            raise RunError(
                f"{path}: no space left while writing; nothing that was saved before is lost. "
                "Free some space and run the same command again."
            ) from None
        raise
    except BaseException:
        remove(temporary)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a whole text file (UTF-8) in one visible act."""
    with aside(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON with sorted keys; NaN is refused, since other readers reject it."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")


def flush(path: Path) -> None:
    """Force a file, or every file of a folder, to the disk."""
    for file in [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file()):
        with open(file, "rb") as handle:
            os.fsync(handle.fileno())


def flush_entry(folder: Path) -> None:
    """Force a folder's list of names to the disk, which makes a rename durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
