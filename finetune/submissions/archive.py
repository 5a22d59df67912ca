"""A zip from anywhere → the files within, and what of the archive itself a board would trip over."""

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from finetune.submissions.findings import Finding
from tokenization.errors import DataError

LARGEST = 1 << 28
"""Bytes of a file; the largest answers of any board take a fortieth of it. A zip of nothing can unpack to any size."""

_ENCRYPTED = 1
_OTHERS = {b"\x1f\x8b": "a gzip", b"Rar!": "a RAR", b"7z\xbc\xaf": "a 7-Zip", b"BZh": "a bzip2", b"\xfd7zXZ": "an xz"}
_ZIP_AGAIN = "Zip the files anew: `zip -j -D FILE.zip …`"


@dataclass(frozen=True)
class Archive:
    """What was in the zip.

    Attributes:
        files: name without folders → bytes; those that cannot be read are left out.
        listed: every name without folders, readable or not.
    """

    files: Mapping[str, bytes]
    listed: tuple[str, ...]
    findings: tuple[Finding, ...]


def open_archive(path: Path) -> Archive:
    """Read a zip whole.

    Raises:
        DataError: there is no such file.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file; a submission is one zip.")
    try:
        with zipfile.ZipFile(path) as opened:
            return _read(opened)
    except zipfile.BadZipFile:
        return Archive({}, (), (_no_zip(path),))


def _no_zip(path: Path) -> Finding:
    with open(path, "rb") as handle:
        start = handle.read(8)
    found = next((f"{name} archive" for magic, name in _OTHERS.items() if start.startswith(magic)), "no zip")
    what = "an empty file" if not start else f"it is {found}" if start[:2] != b"PK" else "a zip cut short"
    return Finding("archive", "", None, what, "The board opens zips alone", _ZIP_AGAIN)


def _read(opened: zipfile.ZipFile) -> Archive:
    files: dict[str, bytes] = {}
    findings: list[Finding] = []
    entries = [entry for entry in opened.infolist() if not _plain(entry).endswith("/")]
    for entry in entries:
        name = _base(entry)
        if name in files:
            findings.append(_twice(name))
            continue
        try:
            files[name] = _content(opened, entry)
        except _Unreadable as error:
            findings.append(Finding("archive", name, None, str(error), "The board cannot read it", _ZIP_AGAIN))
    if not entries:
        findings.append(Finding("archive", "", None, "it holds no files", "There is nothing to score", _ZIP_AGAIN))
    return Archive(files, tuple(_base(entry) for entry in entries), (*_folders(entries), *findings))


class _Unreadable(Exception):
    """A file of the zip cannot be read."""


def _content(opened: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    if entry.flag_bits & _ENCRYPTED:
        raise _Unreadable("it is encrypted")
    if entry.file_size > LARGEST:
        raise _Unreadable(f"it unpacks to {entry.file_size:,} bytes, more than any board's answers take")
    try:
        return opened.read(entry)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise _Unreadable(f"its bytes are damaged ({error})") from None
    except NotImplementedError:
        raise _Unreadable(
            f"it is compressed by method {entry.compress_type}, which plain unzip does not know"
        ) from None


def _folders(entries: list[zipfile.ZipInfo]) -> Iterator[Finding]:
    """One finding for all files that lie in folders."""
    within = [_plain(entry) for entry in entries if "/" in _plain(entry)]
    if within:
        mac = ". __MACOSX is what the Mac's Finder adds" if any(name.startswith("__MACOSX/") for name in within) else ""
        yield Finding(
            kind="folder",
            file="",
            line=None,
            what=f"files lie in a folder: {within[0]!r}{mac}",
            why="The board looks for its files at the top level",
            remedy="Zip the files without their folder: `zip -j -D FILE.zip FOLDER/*`",
            times=len(within),
        )


def _twice(name: str) -> Finding:
    return Finding(
        "twice", name, None, "it is in the zip twice", "Which of the two is scored is chance", "Keep the right one"
    )


def _plain(entry: zipfile.ZipInfo) -> str:
    return entry.filename.replace("\\", "/")


def _base(entry: zipfile.ZipInfo) -> str:
    return _plain(entry).rsplit("/", 1)[-1]
