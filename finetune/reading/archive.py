"""Finding a task's files: in the data folder, in the suite's own folder, or inside the zips that suites hand out."""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from finetune.tasks.spec import TaskSpec
from tokenization.errors import DataError, RecipeError, did_you_mean

# CLUE's downloads are called tnews_public.zip and so on.
_ZIP_NAMES = ("{}.zip", "{}_public.zip")
_SHOWN = 8


@dataclass(frozen=True)
class DataFile:
    """A file on disk, or a member of a zip."""

    path: Path
    member: str = ""

    def __str__(self) -> str:
        return f"{self.path}/{self.member}" if self.member else str(self.path)

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.member).suffix if self.member else self.path.suffix

    def read(self) -> bytes:
        """Its bytes.

        Raises:
            DataError: it cannot be read, or its zip is damaged.
        """
        try:
            if not self.member:
                return self.path.read_bytes()
            with zipfile.ZipFile(self.path) as archive:
                return archive.read(self.member)
        except (OSError, zipfile.BadZipFile, RuntimeError) as error:
            raise DataError(f"{self}: cannot be read ({error}).") from None


def files_of(spec: TaskSpec, data: Path, split: str, origin: str) -> tuple[DataFile, ...]:
    """The files of a split.

    Args:
        origin: where the data folder was named, for the message when a file is not there.

    Raises:
        RecipeError: the task has no such split.
        DataError: a file is not there; the message says what stands there instead.
    """
    if split not in spec.files:
        raise RecipeError(
            f"task {spec.name!r} has no split {split!r}; splits here: {', '.join(spec.splits)}"
            f"{did_you_mean(split, spec.splits)}"
        )
    return tuple(_found(spec, data, split, relative, origin) for relative in spec.paths(split))


def find_file(data: Path, relative: str) -> DataFile | None:
    """A file of a data folder, or None.

    Looked for in this order: the path itself; for `clue/tnews/train.json` the zips clue/tnews.zip,
    clue/tnews_public.zip and clue.zip, which hold train.json at their top or under the folder's name; and all of that
    without the first folder where the data folder is that folder itself.
    """
    return next((file for place in _places(data, relative) for file in _at(*place)), None)


def _places(data: Path, relative: str) -> Iterator[tuple[Path, PurePosixPath]]:
    path = PurePosixPath(Path(relative).expanduser().as_posix())
    yield data, path
    if not path.parts:
        return
    first, rest = path.parts[0], PurePosixPath(*path.parts[1:])
    is_suite_folder = data.name == first or len(rest.parts) > 1
    if rest.parts and is_suite_folder and not path.is_absolute() and not (data / first).exists():
        yield data, rest


def _at(data: Path, path: PurePosixPath) -> Iterator[DataFile]:
    whole = data / path
    if whole.is_file():
        yield DataFile(whole)
    for folder in path.parents:
        if folder.parts and folder.name:
            yield from _in_zips(data / folder, path.relative_to(folder))


def _in_zips(folder: Path, inner: PurePosixPath) -> Iterator[DataFile]:
    names = [name.format(folder.name) for name in _ZIP_NAMES] if folder.suffix != ".zip" else [folder.name]
    for archive in (folder.with_name(name) for name in names):
        if not archive.is_file():
            continue
        members = _members(archive)
        for start in ("", f"{folder.name}/", f"{archive.stem}/"):
            if f"{start}{inner}" in members:
                yield DataFile(archive, f"{start}{inner}")


def _members(archive: Path) -> frozenset[str]:
    try:
        with zipfile.ZipFile(archive) as opened:
            return frozenset(opened.namelist())
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(f"{archive}: not a readable zip ({error}); fetch it again.") from None


def _found(spec: TaskSpec, data: Path, split: str, relative: str, origin: str) -> DataFile:
    file, whole = find_file(data, relative), data / Path(relative).expanduser()
    what = f"(split {split!r} of task {spec.name!r})"
    if file is None and whole.is_dir():
        raise DataError(f"{whole}: a folder {what}, but a file is needed, or a list of files. {_instead(whole / '*')}")
    if file is not None and file.path.suffix == ".zip" and not file.member:
        members = _files_in(file.path)
        named = next((name for name in members if split in name), next(iter(members), "NAME"))
        raise DataError(f"{file}: a zip {what}; name a file of it as {relative}/{named}. It holds {_listed(members)}.")
    if file is None:
        raise DataError(
            f"{data / relative}: no such file (split {split!r} of task {spec.name!r}), nor in a zip of its folder's "
            f"name. {_instead(data / relative)} The data folder is {data}, from {origin}."
        )
    return file


def _instead(path: Path) -> str:
    """What stands in the nearest folder, or zip, that there is."""
    folder = next((parent for parent in path.parents if parent.exists()), None)
    if folder is None:
        return "None of its folders is there."
    inner = path.relative_to(folder)
    if folder.is_dir():
        names = sorted(entry.name + "/" * entry.is_dir() for entry in folder.iterdir())
        near = did_you_mean(inner.parts[0], [name.rstrip("/") for name in names])
    elif folder.suffix == ".zip":
        names = _files_in(folder)
        near = did_you_mean(str(inner), names)
    else:
        return f"{folder} is a file."
    return f"{folder} holds {_listed(names)}{near or '.'}"


def _files_in(archive: Path) -> list[str]:
    return sorted(name for name in _members(archive) if not name.endswith("/"))


def _listed(names: list[str]) -> str:
    return (", ".join(names[:_SHOWN]) or "nothing") + (
        f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    )
