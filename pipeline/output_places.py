"""Where a command may write what it was asked for: never over what it reads, and nowhere that only fails at the end."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from finetune.reading.archive import find_file
from tokenization.errors import RecipeError


def refuse_output_file(option: str, out: Path, read: Mapping[str, Path]) -> None:
    """Refuse a place for a file, before any work.

    Args:
        option: what `out` was given as.
        read: option → the file given with it, on disk or within a zip; one that is not there is told elsewhere.

    Raises:
        RecipeError: `out` is a folder, or holds what is read, or something on the way to it is a file.
    """
    if out.is_dir():
        raise RecipeError(f"{option} {out} is a folder; give a file's name.")
    _refuse_files(option, out, out.absolute().parents)
    for name, file in read.items():
        found = find_file(Path("/"), str(file.absolute()))
        if found is not None and out.exists() and out.samefile(found.path):
            raise RecipeError(
                f"{option} {out} is the input itself ({name}), and would be written over. Give another file."
            )


def refuse_output_folder(option: str, out: Path | None) -> None:
    """Refuse a place for a folder, before any work.

    Raises:
        RecipeError: `out`, or something on the way to it, is a file.
    """
    if out is not None:
        _refuse_files(option, out, (out, *out.absolute().parents))


def _refuse_files(option: str, out: Path, places: Iterable[Path]) -> None:
    """Refuse files where folders are to be."""
    for place in places:
        if place.exists() and not place.is_dir():
            raise RecipeError(f"{option} {out}: {place} is a file, and a folder is needed there; give another one.")
