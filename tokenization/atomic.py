"""Writing so that nothing half-written looks whole: write aside, flush, rename."""

import errno
import json
import os
import shutil
import tempfile
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
        RunError: the disk is full, or a file would take the place of a folder or a folder that of a file; what stood at
            `path` is untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{ASIDE}{path.name}")
    remove(temporary)
    try:
        with _full_disk_told(path):
            yield temporary
            _refuse_other_kind(path, temporary)
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
    except BaseException:
        remove(temporary)
        raise


def _refuse_other_kind(path: Path, written: Path) -> None:
    """A name given by mistake may hold all of somebody's work."""
    if path.exists() and path.is_dir() != written.is_dir():
        kinds = ("folder", "file") if path.is_dir() else ("file", "folder")
        raise RunError(
            f"{path} is a {kinds[0]}, and a {kinds[1]} is to be written there; nothing is changed. Give another name, "
            f"or move that {kinds[0]} away first."
        )


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """Yield a new folder within `folder` that no other process knows, and remove it with what is left in it.

    For what several processes may write at the same time: each writes its own, and renames what is whole.

    Raises:
        RunError: the disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=ASIDE, dir=folder))
    try:
        with _full_disk_told(folder):
            yield temporary
    finally:
        remove(temporary)


@contextmanager
def _full_disk_told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise RunError(
            f"{path}: no space left while writing; nothing that was saved before is lost. "
            "Free some space and run the same command again."
        ) from None


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
