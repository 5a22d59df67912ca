"""Which files a corpus is read from, in which order, and in which format each is written."""

from dataclasses import dataclass
from pathlib import Path

from tokenization.errors import DataError
from tokenization.spec import CorpusSpec, Format

ENDINGS: dict[str, Format] = {
    ".txt": "text",
    ".text": "text",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
}
_DATASET_MARKS = ("state.json", "dataset_dict.json")


@dataclass(frozen=True)
class SourceFile:
    """One thing to read: a file, a dataset's folder, or (format `dataset`, relative path) a dataset's name."""

    path: Path
    format: Format


def resolve_files(spec: CorpusSpec) -> tuple[SourceFile, ...]:
    """The files of a corpus: in the order given, those of a glob or a folder sorted by path.

    Raises:
        DataError: nothing is there, a file comes twice, or its ending tells no format.
    """
    if spec.format == "dataset":
        return tuple(_dataset(spec, path) for path in map(Path, spec.files))
    found = [source for path in map(Path, spec.files) for source in _expand(spec, path)]
    paths = [source.path for source in found]
    twice = sorted({str(path) for path in paths if paths.count(path) > 1}) if len(set(paths)) < len(paths) else []
    if twice:
        raise DataError(f"corpora.{spec.name}.files: {twice[0]} is named more than once; its text would count double.")
    return tuple(found)


def is_saved_dataset(folder: Path) -> bool:
    """Whether `datasets` wrote this folder with `save_to_disk`."""
    return any((folder / mark).is_file() for mark in _DATASET_MARKS)


def _dataset(spec: CorpusSpec, path: Path) -> SourceFile:
    if path.is_absolute() and not path.exists():
        raise _missing(spec, path)
    return SourceFile(path, "dataset")


def _expand(spec: CorpusSpec, path: Path) -> list[SourceFile]:
    if path.is_file():
        return [SourceFile(path, _format(spec, path))]
    if path.is_dir():
        if spec.format == "auto" and is_saved_dataset(path):
            return [SourceFile(path, "dataset")]
        wanted = [ending for ending, format in ENDINGS.items() if spec.format in ("auto", format)]
        inside = [file for file in sorted(path.rglob("*")) if file.suffix.lower() in wanted and _visible(file, path)]
        if not inside:
            raise DataError(
                f"corpora.{spec.name}.files: the folder {path} holds no file ending in {', '.join(wanted)}. "
                "Name the files themselves, or set `format`."
            )
        return [SourceFile(file, _format(spec, file)) for file in inside]
    matches = _glob(path)
    if not matches:
        raise _missing(spec, path)
    return [SourceFile(file, _format(spec, file)) for file in matches]


def _visible(file: Path, folder: Path) -> bool:
    return file.is_file() and not any(part.startswith(".") for part in file.relative_to(folder).parts)


def _glob(path: Path) -> list[Path]:
    """The files that a pattern matches; wildcards may stand in any part of it."""
    parts = path.parts
    first = next((at for at, part in enumerate(parts) if any(sign in part for sign in "*?[")), None)
    if first is None:
        return []
    return sorted(file for file in Path(*parts[:first]).glob(str(Path(*parts[first:]))) if file.is_file())


def _format(spec: CorpusSpec, path: Path) -> Format:
    if spec.format != "auto":
        return spec.format
    known = ENDINGS.get(path.suffix.lower())
    if known is None:
        raise DataError(
            f"corpora.{spec.name}.files: {path} has the ending {path.suffix or '(none)'!r}, which tells no format; "
            f"known endings: {', '.join(ENDINGS)}. Set `format` to text, jsonl or parquet."
        )
    return known


def _missing(spec: CorpusSpec, path: Path) -> DataError:
    nearest = next((parent for parent in path.parents if parent.exists()), path.parent)
    return DataError(
        f"corpora.{spec.name}.files: there is no {path} (the nearest folder that exists is {nearest}). "
        "Correct the path, or point `data` or TRIPTYCH_DATA to the folder that holds it."
    )
